"""Streams of numbers, as tables and row by row, and what becomes of them when they are interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import Any

import datasets

__all__ = ["KINDS", "as_examples", "as_tables", "interrupted", "numbers"]

Make = Callable[[], datasets.IterableDataset]
FEATURES = datasets.Features({"n": datasets.Value("int64"), "text": datasets.Value("string")})


def as_tables(n_rows: int, shards: int = 1, first: int = 0) -> datasets.IterableDataset:
    """The numbers from ``first`` on, each with a text, in so many shards."""
    rows = range(first, first + n_rows)
    ds = datasets.Dataset.from_dict({"n": list(rows), "text": [f"number {n}" for n in rows]}, features=FEATURES)
    return ds.to_iterable_dataset(num_shards=min(shards, n_rows))


def as_examples(n_rows: int, shards: int = 1, first: int = 0) -> datasets.IterableDataset:
    """The same rows from a generator, which gives no tables."""
    ends = [first + n_rows * shard // shards for shard in range(shards + 1)]
    spans = [(start, end) for start, end in pairwise(ends) if start < end]
    return datasets.IterableDataset.from_generator(_count, features=FEATURES, gen_kwargs={"spans": spans})


KINDS = {"tables": as_tables, "examples": as_examples}


def numbers(rows: Any) -> list[int]:
    """The numbers of rows, in their order."""
    return [int(row["n"]) for row in rows]


def interrupted(make: Make, cut: int, epoch: int = 0) -> tuple[list[int], list[int]]:
    """The first ``cut`` rows, and what another stream gives that goes on from there; the state goes through JSON."""
    ds = make()
    ds.set_epoch(epoch)
    rows = iter(ds)
    before = numbers(islice(rows, cut))
    state = json.loads(json.dumps(ds.state_dict()))
    kept = json.dumps(state)
    again = make()
    again.set_epoch(epoch)
    again.load_state_dict(state)
    after = numbers(again)
    assert json.dumps(state) == kept, "the state is the user's, and nobody else changes it"
    return before, after


def _count(spans: list[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    for start, end in spans:
        for n in range(start, end):
            yield {"n": n, "text": f"number {n}"}
