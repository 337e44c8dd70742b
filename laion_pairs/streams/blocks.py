"""Examples that are made some at a time, a *block* of rows in an order of its own, and resumed at any row.

A block is made again from the state in which it began, and the rows that were delivered of it are passed over; so what
makes blocks need only be repeatable from the start of any of them. The protocol of examples iterables is `datasets`'
own, private, and the same from 3.6 to 5.2.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from datasets import Features
from datasets.iterable_dataset import _BaseExamplesIterable
from numpy.typing import NDArray

from laion_pairs.streams.held_state import BlockState
from laion_pairs.streams.order import Order
from laion_pairs.streams.reading import Example
from laion_pairs.streams.rows import TAKES_TABLES_APART, RowMaker

__all__ = ["Block", "BlockExamples"]

SLICE_ROWS = 1024
"""Rows that are gathered at once. Slices are cut at its multiples, so that they are the same after a resume."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows, and the order in which they come.

    Attributes:
        start: the state that makes this block next.
        end: the state that makes the one after it next.
        rows: at least one; a table, or a list of examples.
    """

    start: dict[str, Any]
    end: dict[str, Any]
    rows: Any
    order: NDArray[np.int64]

    def slice(self, first: int, end: int) -> Any:
        """Some rows in their order: a table, or a list of examples."""
        places = self.order[first:end]
        if isinstance(self.rows, pa.Table):
            return self.rows.take(pa.array(places))
        return [self.rows[place] for place in places.tolist()]


class _Slice(NamedTuple):
    """Rows of a block to deliver next, without the rest of it.

    Attributes:
        state: to move along, row by row.
        n_before: rows of the block before these.
        n_block: rows of the block.
        next_block: where the block after it begins.
    """

    state: BlockState
    rows: Any
    n_before: int
    n_block: int
    next_block: dict[str, Any]

    def arrive(self, n_rows: int) -> None:
        """Once these are through, so many rows of the block were delivered."""
        if n_rows < self.n_block:
            self.state.arrive(n_rows)
        else:
            self.state.enter(self.next_block)


class BlockExamples(_BaseExamplesIterable):  # type: ignore[misc] # datasets has no types
    """The rows of blocks, as tables where these are tables.

    As :class:`~laion_pairs.streams.examples.ShardExamples`, and for the same reasons, it tells its features without
    calling itself typed while it has tables.

    Args:
        order: stands in the state; one of another order is a PolicyError on iteration.
        features: of the rows that come out; None where unknown.
        has_tables: whether blocks are tables.
        typed: whether examples that are no tables are decoded.
    """

    def __init__(self, order: Order, features: Features | None, *, has_tables: bool, typed: bool) -> None:
        super().__init__()
        self._order, self._features, self._has_tables, self._typed = order, features, has_tables, typed

    @abstractmethod
    def _blocks(self, start: dict[str, Any] | None) -> Iterator[Block]:
        """The blocks from a block's ``start`` or ``end`` on; from the first one if None."""

    @property
    def features(self) -> Features | None:
        return self._features

    @property
    def is_typed(self) -> bool:
        return self._typed and not self._has_tables

    def _init_state_dict(self) -> dict[str, Any]:
        self._state_dict: dict[str, Any] = self._beginning()
        return self._state_dict

    def _beginning(self) -> BlockState:
        return BlockState(order=str(self._order), block=None, row=0, type=type(self).__name__)

    def __iter__(self) -> Iterator[Example]:
        maker = RowMaker(self._features or Features())
        for part in self._slices():
            rows = maker.rows(part.rows) if self._has_tables else (row for _, row in part.rows)
            for n_rows, row in enumerate(rows, part.n_before + 1):
                part.arrive(n_rows)
                yield n_rows, row

    @property
    def iter_arrow(self) -> Callable[[], Iterator[tuple[int, pa.Table]]] | None:
        return self._tables if self._has_tables else None

    def _tables(self, max_rows: int = SLICE_ROWS) -> Iterator[tuple[int, pa.Table]]:
        for part in self._slices():
            for first in range(0, len(part.rows), max_rows):
                table = part.rows.slice(first, max_rows)
                n_rows = part.n_before + first + len(table)
                part.arrive(n_rows)
                yield n_rows, table

    def _iter_arrow(self) -> Iterator[tuple[int, pa.Table]]:
        """What `datasets` formats itself: tables, which it must not be given to take apart (`TAKES_TABLES_APART`)."""
        return self._tables(1) if TAKES_TABLES_APART else self._tables()

    def _slices(self) -> Iterator[_Slice]:
        """The rows that are left to deliver."""
        state = self._state_dict if isinstance(self._state_dict, BlockState) else self._beginning()
        start, n_delivered = state.begin()
        is_new = start is None and n_delivered == 0 and not state.is_foreign
        if is_new:  # a DataLoader's worker that has given nothing saves a state of no worker's order
            state["order"] = str(self._order)
        self._order.check(state["order"])
        for block in self._blocks(start):
            n_block = len(block.order)
            state.enter(block.start, n_delivered)
            while n_delivered < n_block:
                end = min(n_delivered - n_delivered % SLICE_ROWS + SLICE_ROWS, n_block)
                yield _Slice(state, block.slice(n_delivered, end), n_delivered, n_block, block.end)
                n_delivered = end
            n_delivered = 0
            del block  # its rows, before the next ones are read
