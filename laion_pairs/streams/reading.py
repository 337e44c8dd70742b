"""Reading an examples iterable so many rows at a time, and knowing its place after any of them.

A *place* is ``{"source": a state of the source, "row": rows to pass over from there}``: a source can only be asked for
its state between its tables.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import pyarrow as pa

from laion_pairs.streams.held_state import copy_state

__all__ = ["Example", "ExampleReader", "Reader", "TableReader"]

Example = tuple[Any, dict[str, Any]]
"""A key and a row, as the examples iterables of `datasets` give them."""


class Reader(Protocol):
    """Reads rows in their order. Once it has given fewer than it was asked for, there are no more."""

    def read(self, count: int) -> pa.Table | list[Example]:
        """The next ``count`` rows, or those that are left."""

    def place(self) -> dict[str, Any]:
        """Where to begin reading so that what was read does not come again."""


@dataclass(slots=True)
class _Pulled:
    place: Any
    table: pa.Table


class TableReader:
    """Reads a source that gives Arrow tables."""

    def __init__(self, source: Any, place: dict[str, Any] | None = None) -> None:
        self._source = _opened(source, place)
        self._tables: Iterator[tuple[Any, pa.Table]] = iter(self._source.iter_arrow())
        self._pulled: deque[_Pulled] = deque()
        self._end = self._source.state_dict()
        self._used = 0  # rows of the first table
        self._available = 0
        self._pass_over = place["row"] if place is not None else 0

    def fill(self, count: int) -> int:
        """Have ``count`` rows ready, or all that are left; how many of them are."""
        count += self._pass_over
        while self._available < count and (pulled := next(self._tables, None)) is not None:
            self._pulled.append(_Pulled(self._end, pulled[1]))
            self._available += len(pulled[1])
            self._end = self._source.state_dict()
        if self._pass_over:
            count -= self._pass_over
            self._drop(min(self._pass_over, self._available))
            self._pass_over = 0
        return min(count, self._available)

    def read(self, count: int) -> pa.Table:
        """The next ``count`` rows, or those that are left; of the source's columns, in one chunk a column."""
        count = self.fill(count)
        slices, missing = [], count
        for number, pulled in enumerate(self._pulled):
            if not missing:
                break
            slices.append(pulled.table.slice(0 if number else self._used, missing))
            missing -= len(slices[-1])
        self._drop(count)
        table = pa.concat_tables(slices) if slices else pa.table({})
        del slices
        return table.combine_chunks()

    def place(self) -> dict[str, Any]:
        if self._pulled:
            return {"source": self._pulled[0].place, "row": self._used}
        return {"source": self._end, "row": 0}

    def _drop(self, count: int) -> None:
        self._available -= count
        self._used += count
        while self._pulled and self._used >= len(self._pulled[0].table):
            self._used -= len(self._pulled.popleft().table)


class ExampleReader:
    """Reads a source row by row."""

    def __init__(self, source: Any, place: dict[str, Any] | None = None) -> None:
        self._source = _opened(source, place)
        self._examples: Iterator[Example] = iter(self._source)

    def read(self, count: int) -> list[Example]:
        return list(islice(self._examples, count))

    def place(self) -> dict[str, Any]:
        return {"source": self._source.state_dict(), "row": 0}


def _opened(source: Any, place: dict[str, Any] | None) -> Any:
    """The source, ready to go on there; a copy, so that others who read it at the same time do not move its state."""
    source = _own(source)
    source._init_state_dict()
    if place is not None:
        source.load_state_dict(copy_state(place["source"]))
    return source


def _own(examples: Any) -> Any:
    examples = copy(examples)
    if hasattr(examples, "ex_iterable"):
        examples.ex_iterable = _own(examples.ex_iterable)
    if hasattr(examples, "ex_iterables"):
        examples.ex_iterables = [_own(source) for source in examples.ex_iterables]
    return examples
