"""The sample as parquet shards, in the schema that relaion2B-en-research-safe publishes (S8). Opens no connection.

What no model has computed for these pictures is null: similarity, punsafe, pwatermark. A pair that fails on purpose has
the status and the nulls that img2dataset gives to a failed download.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from laion_pairs.sample.broken_pairs import BROKEN_PAIRS
from laion_pairs.sample.pictures import sample_pictures
from laion_pairs.schema import pair_ids

__all__ = ["SHARD_SCHEMA", "SHARD_UUID", "sample_table", "write_shards"]

SHARD_UUID = "5a3e7f10-9d0c-4c1b-8f43-6c61696f6e21"
"""In the shards' names, as in a release's; this project's own, and no published release's."""

SHARD_SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("similarity", pa.float64()),
        ("hash", pa.int64()),
        ("pwatermark", pa.float32()),
        ("punsafe", pa.float32()),
        ("caption", pa.string()),
        ("key", pa.string()),
        ("status", pa.string()),
        ("error_message", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("original_width", pa.int32()),
        ("original_height", pa.int32()),
        ("exif", pa.string()),
        ("md5", pa.string()),
    ]
)


def sample_table(base_url: str) -> pa.Table:
    """Every pair of the sample, in a fixed random order as in a release; URLs are on the image host at ``base_url``."""
    rows: list[dict[str, Any]] = [
        {
            "url": base_url + picture.url_path,
            "caption": picture.caption,
            "status": "success",
            "width": picture.width,
            "height": picture.height,
            "original_width": picture.width,
            "original_height": picture.height,
            "exif": "{}",
            "md5": picture.md5,
        }
        for picture in sample_pictures()
    ]
    rows += [
        {
            "url": base_url + pair.url_path,
            "caption": pair.caption,
            "status": "failed_to_download",
            "error_message": pair.outcome.meaning,
        }
        for pair in BROKEN_PAIRS
    ]
    rows.sort(key=lambda row: hashlib.sha256(row["url"].removeprefix(base_url).encode()).digest())
    for number, row in enumerate(rows):
        row["key"] = f"{number:09d}"
    table = pa.Table.from_pylist(rows, SHARD_SCHEMA)
    identity = pair_ids(table["url"], table["caption"])
    return table.set_column(SHARD_SCHEMA.get_field_index("hash"), "hash", identity)


def write_shards(base_url: str, directory: Path, shards: int = 4) -> list[Path]:
    """Write the sample as ``part-00000-<uuid>-c000.snappy.parquet`` … and return the paths, in order.

    Args:
        base_url: of the image host, without a slash at its end.
        directory: made if it is missing.
        shards: how many; rows are dealt in order, as evenly as they go.
    """
    directory.mkdir(parents=True, exist_ok=True)
    table = sample_table(base_url)
    paths = []
    for number in range(shards):
        start, stop = (table.num_rows * at // shards for at in (number, number + 1))
        path = directory / f"part-{number:05d}-{SHARD_UUID}-c000.snappy.parquet"
        pq.write_table(table.slice(start, stop - start), path, compression="snappy", row_group_size=40)
        paths.append(path)
    return paths
