// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// The same work with undici, Node's own HTTP client: keep-alive, verified TLS, every record decoded.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Pool } from "undici";

const { values } = parseArgs({
  options: { url: { type: "string" }, ca: { type: "string" }, concurrency: { type: "string" }, seconds: { type: "string" } },
});
const url = new URL(values.url);
const path = `${url.pathname}/obs/api/json/ListBackupJobMode.do`;
const concurrency = Number(values.concurrency);
const pool = new Pool(url.origin, { connections: concurrency, pipelining: 1, connect: { ca: readFileSync(values.ca) } });
const headers = { "content-type": "application/json", accept: "application/json" };
const keys = ["ID", "LoginName", "Owner", "UserId", "StartTime", "EndTime", "BackupSetID", "BackupSetName", "BackupJobMode"];

let queries = 0;
let records = 0;
let touched = 0;
const begin = performance.now();
const end = begin + Number(values.seconds) * 1000;

async function work() {
  while (performance.now() < end) {
    const body = JSON.stringify({ SysUser: "system", SysPwd: "system1", LoginName: "obm", BackupDate: "2024-06-26" });
    const response = await pool.request({ path, method: "POST", headers, body });
    const answer = await response.body.json();
    if (answer.Status !== "OK") throw new Error(`the answer's Status is ${answer.Status}`);
    for (const record of answer.Data) for (const key of keys) touched += record[key]?.length ?? 0;
    records += answer.Data.length;
    queries += 1;
  }
}

await Promise.all(Array.from({ length: concurrency }, work));
console.log(JSON.stringify({ queries, records, touched, seconds: (performance.now() - begin) / 1000 }));
await pool.close();
