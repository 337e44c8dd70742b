"""The rows of a source, window by window, each window in a random order of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
from datasets import Features

from laion_pairs.streams.blocks import Block, BlockExamples
from laion_pairs.streams.chance import generator, permutation
from laion_pairs.streams.order import Order
from laion_pairs.streams.reading import ExampleReader, Reader, TableReader
from laion_pairs.streams.sources import shuffled_source

__all__ = ["WindowExamples"]


class WindowExamples(BlockExamples):
    """The same rows, shuffled inside windows.

    Args:
        source: an examples iterable, its shards in the order in which they are to be read.
        window_rows: of every window but the last.
    """

    def __init__(self, source: Any, order: Order, window_rows: int, features: Features | None) -> None:
        super().__init__(order, features, has_tables=bool(source.iter_arrow), typed=bool(source.is_typed))
        self.ex_iterable = source  # the name by which `datasets` walks a chain
        self._window_rows = window_rows

    def _blocks(self, start: dict[str, Any] | None) -> Iterator[Block]:
        reader: Reader = (TableReader if self._has_tables else ExampleReader)(
            self.ex_iterable, start["place"] if start is not None else None
        )
        here = reader.place()
        for window in count(start["window"] if start is not None else 0):
            rows = reader.read(self._window_rows)
            if not len(rows):
                return
            end = reader.place()
            yield Block(
                start={"window": window, "place": here},
                end={"window": window + 1, "place": end},
                rows=rows,
                order=permutation(f"{self._order} window={window}", len(rows)),
            )
            here = end
            del rows  # before the next ones are read

    @property
    def num_shards(self) -> int:
        return self.ex_iterable.num_shards  # type: ignore[no-any-return] # not as int: it may be a ShardCount

    def shard_data_sources(self, num_shards: int, index: int, contiguous: bool = True) -> WindowExamples:
        """One of ``num_shards`` parts, with windows of its own."""
        part = self.ex_iterable.shard_data_sources(num_shards, index, contiguous=contiguous)
        return self._over(part, self._order.of_part(num_shards, index))

    def shuffle_data_sources(self, shuffled_with: np.random.Generator) -> WindowExamples:
        """The order of another epoch."""
        order = self._order.in_epoch(shuffled_with)
        if order == self._order:
            return self
        return self._over(shuffled_source(self.ex_iterable, generator(f"{order} shards")), order)

    def reshard_data_sources(self) -> WindowExamples:
        return self._over(self.ex_iterable.reshard_data_sources(), self._order)

    def _over(self, source: Any, order: Order) -> WindowExamples:
        return WindowExamples(source, order, self._window_rows, self._features)
