"""Shards whose rows are numbered, so that every row that a stream gives can be told from all others."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

import laion_dataset

MAPPING = {"url": "link", "caption": "words", "pair_id": "number", "similarity": "score", "width": "side"}


def table(first: int, count: int) -> pa.Table:
    """Row n: similarity 0.5 for every third, else 0.1."""
    numbers = range(first, first + count)
    return pa.table(
        {
            "link": [f"https://host{n % 5}.example/{n}.jpg" for n in numbers],
            "words": [f"words {n}" for n in numbers],
            "number": pa.array(numbers, pa.int64()),
            "score": pa.array([0.5 if n % 3 == 0 else 0.1 for n in numbers], pa.float32()),
            "side": pa.array([n + 1 for n in numbers], pa.int32()),
        }
    )


def content(first: int, count: int, row_group_rows: int) -> bytes:
    """A parquet file."""
    file = io.BytesIO()
    pq.write_table(table(first, count), file, row_group_size=row_group_rows)
    return file.getvalue()


def write_shards(folder: Path, counts: Sequence[int], row_group_rows: int = 100_000, text: Iterable[int] = ()) -> Path:
    """A folder of shards with so many rows each; those of the numbers ``text`` are CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    first = 0
    for shard, count in enumerate(counts):
        if shard in text:
            table(first, count).to_pandas().to_csv(folder / f"train-{shard}.csv", index=False)
        else:
            (folder / f"train-{shard}.parquet").write_bytes(content(first, count, row_group_rows))
        first += count
    return folder


def stream(source: Any, **options: Any) -> datasets.IterableDataset:
    """The rows of shards in a folder, or at addresses."""
    where = {"data_dir": source} if isinstance(source, Path) else {"data_files": source}
    options = {"columns": ["image", "pair_id", "caption"], "column_mapping": MAPPING, **options}
    return laion_dataset.load_dataset(**where, split="train", streaming=True, **options)


def numbers(rows: Iterable[dict[str, Any]]) -> list[int]:
    return [row["pair_id"] for row in rows]
