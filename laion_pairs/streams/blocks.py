"""Examples that are made some at a time, a *block* of rows in an order of its own, and resumed at any row.

A block is made again from the state in which it began, and the rows that were delivered of it are passed over; so what
makes blocks need only be repeatable from the start of any of them. The protocol of examples iterables is `datasets`'
own, private, and the same from 3.6 to 5.2.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Features
from datasets.iterable_dataset import FormattedExamplesIterable, _BaseExamplesIterable
from numpy.typing import NDArray

from laion_pairs.streams.held_state import BlockState
from laion_pairs.streams.order import Order
from laion_pairs.streams.reading import Example
from laion_pairs.streams.rows import RowMaker

__all__ = ["Block", "BlockExamples"]

SLICE_ROWS = 1024
"""Rows that are gathered at once. Slices are cut at its multiples, so that they are the same after a resume."""

_TAKES_TABLES_APART = "force_convert_to_python" not in signature(FormattedExamplesIterable).parameters
"""Until `datasets` 4, ``map`` and ``filter`` take whole tables apart, and a state taken meanwhile forgets the rest."""


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

    def table(self, first: int, end: int) -> pa.Table:
        """Some rows in their order, of a block of tables."""
        return self.rows.take(pa.array(self.order[first:end]))

    def examples(self, first: int, end: int) -> Iterator[dict[str, Any]]:
        """Some rows in their order, of a block of examples."""
        return (self.rows[place][1] for place in self.order[first:end].tolist())


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
        for state, block, first, end in self._slices():
            rows = maker.rows(block.table(first, end)) if self._has_tables else block.examples(first, end)
            for n_rows, row in enumerate(rows, first + 1):
                if n_rows < len(block.order):
                    state.arrive(n_rows)
                else:
                    state.enter(block.end)
                yield n_rows, row

    @property
    def iter_arrow(self) -> Callable[[], Iterator[tuple[int, pa.Table]]] | None:
        return self._tables if self._has_tables else None

    def _tables(self, max_rows: int = SLICE_ROWS) -> Iterator[tuple[int, pa.Table]]:
        for state, block, first, end in self._slices():
            table = block.table(first, end)
            for n_rows in range(0, len(table), max_rows):
                part = table.slice(n_rows, max_rows)
                n_delivered = first + n_rows + len(part)
                if n_delivered < len(block.order):
                    state.arrive(n_delivered)
                else:
                    state.enter(block.end)
                yield n_delivered, part

    def _iter_arrow(self) -> Iterator[tuple[int, pa.Table]]:
        """What `datasets` formats itself: tables, which it must not be given to take apart (`_TAKES_TABLES_APART`)."""
        return self._tables(1) if _TAKES_TABLES_APART else self._tables()

    def _slices(self) -> Iterator[tuple[BlockState, Block, int, int]]:
        """The rows that are left to deliver, from ``first`` to ``end`` of a block, and the state to move along."""
        state = self._state_dict if isinstance(self._state_dict, BlockState) else self._beginning()
        self._order.check(state["order"])
        start, n_delivered = state.begin()
        for block in self._blocks(start):
            state.enter(block.start, n_delivered)
            first = n_delivered
            while first < len(block.order):
                end = min(first - first % SLICE_ROWS + SLICE_ROWS, len(block.order))
                yield state, block, first, end
                first = end
            n_delivered = 0
            del block  # its rows, before the next ones are read
