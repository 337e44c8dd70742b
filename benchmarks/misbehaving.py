"""The hosts that no honest server plays: silent, dripping, cut short. python benchmarks/misbehaving.py PORT"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys

#: Seconds between two bytes of a dripping answer, how long it goes on (three times the benchmark's time-out), and the
#: longest that any connection is held.
DRIP_S = 0.5
DRIP_FOR_S = 30.0
HOLD_S = 120.0


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 70000\r\nConnection: close\r\n\r\n"
_BEGINNING = _HEAD + b"\xff\xd8\xff\xe0"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
        try:
            request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HOLD_S)
            await asyncio.wait_for(_misbehave(request.split(b" ", 2)[1], reader, writer), HOLD_S)
        finally:
            writer.close()


async def _misbehave(path: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if path.startswith(b"/silent/"):
        await reader.read()  # until the client gives up
    elif path.startswith(b"/dripping/"):
        writer.write(_BEGINNING)
        for _ in range(round(DRIP_FOR_S / DRIP_S)):
            writer.write(b"\0")
            await writer.drain()
            await asyncio.sleep(DRIP_S)
    elif path.startswith(b"/cut/"):
        writer.write(_BEGINNING + bytes(20_000))
        await writer.drain()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_answer, "0.0.0.0", port, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1])))
