#!/usr/bin/python3
# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
"""The same work with aiohttp: keep-alive, verified TLS, every record decoded."""
import argparse
import asyncio
import json
import ssl
import time

import aiohttp

KEYS = ("ID", "LoginName", "Owner", "UserId", "StartTime", "EndTime", "BackupSetID", "BackupSetName", "BackupJobMode")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    url = options.url + "/obs/api/json/ListBackupJobMode.do"
    count = {"queries": 0, "records": 0, "touched": 0}
    begin = time.monotonic()

    async def work(session: aiohttp.ClientSession) -> None:
        while time.monotonic() < begin + options.seconds:
            body = {"SysUser": "system", "SysPwd": "system1", "LoginName": "obm", "BackupDate": "2024-06-26"}
            async with session.post(url, json=body) as response:
                answer = await response.json(content_type=None)
            if answer["Status"] != "OK":
                raise RuntimeError("the answer's Status is " + answer["Status"])
            for record in answer["Data"]:
                for key in KEYS:
                    count["touched"] += len(record.get(key) or "")
            count["records"] += len(answer["Data"])
            count["queries"] += 1

    connector = aiohttp.TCPConnector(limit=options.concurrency, ssl=ssl.create_default_context(cafile=options.ca))
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(options.concurrency)))
    print(json.dumps(count | {"seconds": time.monotonic() - begin}))


asyncio.run(main())
