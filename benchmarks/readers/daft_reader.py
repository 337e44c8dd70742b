"""Daft as its documentation has it: ``read_parquet``, out by partitions as Arrow or by rows as dictionaries."""

from __future__ import annotations

import zlib
from typing import Any

from harness import Reading

reading = Reading()
import daft  # noqa: E402
import pyarrow.compute as pc  # noqa: E402

reading.imported()


def main() -> None:
    frame = daft.read_parquet(reading.where)
    if reading.task == "filter":
        frame = frame.where(frame["WIDTH"] >= 1024)
    rows = checksum = 0
    if reading.task in ("first", "dicts"):
        for row in frame.iter_rows():
            reading.first_row()
            rows += 1
            checksum += row["WIDTH"]
            if reading.is_enough(rows):
                break
    else:
        for table in frame.to_arrow_iter():
            reading.first_row()
            rows += table.num_rows
            checksum = _crc(table, checksum) if reading.task == "check" else checksum + pc.sum(table["WIDTH"]).as_py()
    reading.finish(rows, checksum)


def _crc(table: Any, crc: int) -> int:
    return zlib.crc32("".join(table["TEXT"].to_pylist()).encode(), crc)


if __name__ == "__main__":
    main()
