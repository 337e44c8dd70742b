"""datasets: ``map`` with an async function and aiohttp, as its documentation on streaming has it."""

from __future__ import annotations

import asyncio
import io

from harness import Run

run = Run.start()
import aiohttp  # noqa: E402
import PIL.Image  # noqa: E402
from datasets import Dataset  # noqa: E402
from pillow_fit import fit  # noqa: E402

run.imported()

_sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}
_slots: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


async def fetch(row: dict) -> dict:
    loop = asyncio.get_running_loop()
    if loop not in _sessions:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        timeout = aiohttp.ClientTimeout(total=run.timeout_s)
        _sessions[loop] = aiohttp.ClientSession(connector=connector, timeout=timeout)
        _slots[loop] = asyncio.Semaphore(run.in_flight)
    try:
        async with _slots[loop], _sessions[loop].get(row["url"]) as response:
            response.raise_for_status()
            body = await response.read()
        return {"image": body if run.resize is None else fit(PIL.Image.open(io.BytesIO(body)), *run.resize)}
    except Exception:
        return {"image": None}


def main() -> None:
    rows = Dataset.from_dict({"row": list(range(len(run.urls))), "url": run.urls}).to_iterable_dataset()
    for row in rows.map(fetch):
        if row["image"] is not None:
            run.good(row["row"], row["image"])


main()
run.finish()
