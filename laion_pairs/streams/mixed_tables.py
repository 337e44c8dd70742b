"""A mix of sources that give tables: rows are drawn by hundreds, and gathered from one table of each source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from laion_pairs.streams.blocks import Block, BlockExamples
from laion_pairs.streams.mix import Mix, Mixed
from laion_pairs.streams.reading import TableReader

__all__ = ["MixedTables"]


class MixedTables(Mixed, BlockExamples):
    """The rows of a mix; a block is a run of draws.

    Where a block begins is ``{"draw": its first one, "ended": the sources without rows, "places": one a source}``.
    """

    def __init__(self, sources: Sequence[Any], mix: Mix) -> None:
        BlockExamples.__init__(self, mix.order, mix.features, has_tables=True, typed=False)
        Mixed.__init__(self, sources, mix)

    def _blocks(self, start: dict[str, Any] | None) -> Iterator[Block]:
        places = start["places"] if start is not None else [None] * len(self.ex_iterables)
        readers = [TableReader(source, place) for source, place in zip(self.ex_iterables, places, strict=True)]
        draw, ended = (start["draw"], start["ended"]) if start is not None else (0, [])
        here = {"draw": draw, "ended": ended, "places": [reader.place() for reader in readers]}
        while not self._mix.is_over(ended):
            draws = self._mix.draw(draw, ended)
            drawn = _before_an_end(draws, readers)
            rows = _gathered(drawn, readers, list(self._mix.features or ()))
            draw += min(len(drawn) + 1, len(draws))
            if len(drawn) < len(draws):
                ended = [*ended, int(draws[len(drawn)])]
            end = {"draw": draw, "ended": ended, "places": [reader.place() for reader in readers]}
            if len(drawn):
                yield Block(here, end, rows, _places_in_turn(drawn))
            here = end


def _before_an_end(draws: NDArray[np.int64], readers: Sequence[TableReader]) -> NDArray[np.int64]:
    """The draws before the first one whose source has no row left."""
    for source, reader in enumerate(readers):
        places = np.flatnonzero(draws == source)
        n_rows = reader.fill(len(places))
        if n_rows < len(places):
            draws = draws[: places[n_rows]]
    return draws


def _gathered(drawn: NDArray[np.int64], readers: Sequence[TableReader], columns: list[str]) -> pa.Table:
    """The rows that were drawn, those of the first source first."""
    counts = np.bincount(drawn, minlength=len(readers)).tolist()
    tables = [reader.read(count).select(columns) for reader, count in zip(readers, counts, strict=True) if count]
    return pa.concat_tables(table.replace_schema_metadata(None) for table in tables) if tables else pa.table({})


def _places_in_turn(drawn: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the row of each draw lies in what was gathered."""
    places = np.empty(len(drawn), np.int64)
    places[np.argsort(drawn, kind="stable")] = np.arange(len(drawn))
    return places
