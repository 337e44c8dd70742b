"""A child of test_stream_memory.py: streams every row of a source, and prints how many, a checksum, and its memory.

python stream_memory.py WAY WARM_UP SOURCE

WAY is rows, arrow, shuffled or filtered. WARM_UP is a small source that is streamed first, so that what is imported on
the way (torch, where it is installed) is no part of what is measured. MiB.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import laion_dataset


def mib(key: str) -> int:
    """Of this process alone: getrusage would count what the parent had before the fork."""
    return int(dict(line.split(":", 1) for line in open("/proc/self/status"))[key].split()[0]) // 1024


def stream(way: str, source: str) -> Any:
    filters = [("width", ">", 99)] if way == "filtered" else None
    rows: Any = laion_dataset.load_dataset(source, split="train", streaming=True, filters=filters)
    if way == "shuffled":
        rows = laion_dataset.shuffle(rows, window_rows=20_000)
    return rows.with_format("arrow") if way == "arrow" else rows


def main(way: str, warm_up: str, source: str) -> None:
    for _ in stream(way, warm_up):
        pass
    before = mib("VmRSS")
    rows = checksum = tenth = 0
    caption_bytes = 0
    for item in stream(way, source):
        if way == "arrow":
            ids = item["pair_id"].to_pylist()
        else:
            ids = [item["pair_id"]]
            caption_bytes += len(item["caption"] or "")
        rows += len(ids)
        for number in ids:
            checksum ^= number
        if not tenth and rows >= 20_000:
            tenth = mib("VmHWM") - before
    peak = mib("VmHWM") - before
    told = {"rows": rows, "checksum": checksum, "caption_bytes": caption_bytes}
    print(json.dumps({**told, "early_mib": tenth or peak, "peak_mib": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
