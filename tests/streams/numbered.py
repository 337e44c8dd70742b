"""Shards whose rows are numbered: ``pair_id`` says which one a row is, whatever order and process it comes from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

__all__ = ["numbered_table", "write_numbered"]


def numbered_table(n_rows: int, first: int = 0) -> pa.Table:
    """As laion2B-en-aesthetic is published; row n has ``hash`` n and the width n % 100 + 1."""
    numbers = np.arange(first, first + n_rows)
    return pa.table(
        {
            "URL": [f"https://host{n % 97}.example/{n:012x}.jpg" for n in numbers.tolist()],
            "TEXT": [f"a caption of some words, number {n}" for n in numbers.tolist()],
            "WIDTH": pa.array(numbers % 100 + 1, pa.int32()),
            "HEIGHT": pa.array(numbers % 7 + 500, pa.int32()),
            "similarity": (numbers % 1000) / 1000,
            "hash": pa.array(numbers, pa.int64()),
            "punsafe": (numbers % 10 / 10).astype(np.float32),
            "pwatermark": np.full(n_rows, 0.1, np.float32),
            "aesthetic": np.full(n_rows, 7.5, np.float32),
        }
    )


def write_numbered(folder: Path, rows: list[int], row_group_rows: int = 1 << 20, kind: str = "parquet") -> list[str]:
    """Shards of so many rows each, numbered through, and where they are."""
    paths, first = [], 0
    for number, n_rows in enumerate(rows):
        path = folder / f"train-{number:05d}.{kind}"
        table = numbered_table(n_rows, first)
        if kind == "parquet":
            pq.write_table(table, path, row_group_size=row_group_rows)
        else:
            pacsv.write_csv(table, path)
        paths.append(str(path))
        first += n_rows
    return paths
