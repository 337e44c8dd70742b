"""Shards in Re-LAION's published columns (S8), made of numbers so that every expected row can be computed."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

RELEASE = "relaion2B-en-research-safe"
REPO = f"laion/{RELEASE}"
UUID = "339dc23d-0869-4dc0-9390-b4036fcc80c2"
OLD_UUID = "5114fd87-297e-42b0-9d11-50f1df323dfa"  # laion2B-en's, withdrawn

S8 = pa.schema(
    {
        "url": pa.string(),
        "similarity": pa.float64(),
        "hash": pa.int64(),
        "pwatermark": pa.float32(),
        "punsafe": pa.float32(),
        "caption": pa.string(),
        "key": pa.string(),
        "status": pa.string(),
        "error_message": pa.string(),
        "width": pa.int32(),
        "height": pa.int32(),
        "original_width": pa.int32(),
        "original_height": pa.int32(),
        "exif": pa.string(),
        "md5": pa.string(),
    }
)
S1 = pa.schema(
    {
        "SAMPLE_ID": pa.int64(),
        "URL": pa.string(),
        "TEXT": pa.string(),
        "HEIGHT": pa.int32(),
        "WIDTH": pa.int32(),
        "LICENSE": pa.string(),
        "NSFW": pa.string(),
        "similarity": pa.float64(),
    }
)


def shard_name(number: int = 0, uuid: str = UUID) -> str:
    return f"part-{number:05d}-{uuid}-c000.snappy.parquet"


def s8_table(rows: int = 20, start: int = 0) -> pa.Table:
    """Row i: punsafe i/1000, similarity i/100 modulo 1, every seventh caption null."""
    numbers = range(start, start + rows)
    columns = {
        "url": [f"https://host{i % 5}.example/{i}.jpg" for i in numbers],
        "similarity": [(i % 100) / 100 for i in numbers],
        "hash": list(numbers),
        "pwatermark": [0.5] * rows,
        "punsafe": [i / 1000 for i in numbers],
        "caption": [None if i % 7 == 0 else f"caption {i}" for i in numbers],
        "key": [f"{i:09d}" for i in numbers],
        "status": ["success"] * rows,
        "error_message": [None] * rows,
        "width": [256] * rows,
        "height": [192] * rows,
        "original_width": [i + 1 for i in numbers],
        "original_height": [2 * i + 1 for i in numbers],
        "exif": ["{}" + " " * 300] * rows,
        "md5": [f"{i:016x}" * 2 for i in numbers],
    }
    return pa.table(columns, schema=S8)


def s1_table(rows: int = 20) -> pa.Table:
    """A raw release's columns: only withdrawn ones have them."""
    numbers = range(rows)
    columns = {
        "SAMPLE_ID": list(numbers),
        "URL": [f"https://host.example/{i}.jpg" for i in numbers],
        "TEXT": [f"text {i}" for i in numbers],
        "HEIGHT": [640] * rows,
        "WIDTH": [480] * rows,
        "LICENSE": ["?"] * rows,
        "NSFW": ["UNLIKELY"] * rows,
        "similarity": [0.3] * rows,
    }
    return pa.table(columns, schema=S1)


def parquet(table: pa.Table, rows_per_group: int = 10_000) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=rows_per_group, compression="snappy")
    return file.getvalue()
