#!/usr/bin/python3
# Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
"""A far server: passes bytes on to another port, each way so many milliseconds later. Says its own port, and ends with its input."""
import asyncio
import sys


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """What was read goes out later, in order; meanwhile more is read, as on a long line."""
    loop = asyncio.get_running_loop()
    line: asyncio.Queue = asyncio.Queue()

    async def arrive() -> None:
        while True:
            due, piece = await line.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        writer.close()

    arriving = asyncio.create_task(arrive())
    try:
        piece = b"."
        while piece:
            piece = await reader.read(65536)
            line.put_nowait((loop.time() + delay, piece))
        await arriving
    except OSError:
        arriving.cancel()
        writer.close()


async def main() -> None:
    port, delay = int(sys.argv[1]), float(sys.argv[2]) / 1000

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, beyond[1], delay), carry(beyond[0], writer, delay))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
