"""From Arrow tables to rows, a slice at a time: under 2 µs a row with a lazy image, where row by row costs 50."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from inspect import signature
from typing import Any

import pyarrow as pa
from datasets import Features
from datasets.features.features import decode_nested_example, require_decoding
from datasets.iterable_dataset import FormattedExamplesIterable

__all__ = ["TAKES_TABLES_APART", "RowMaker"]

SLICE_ROWS = 256
"""Rows whose values are made at once: enough to spread the cost, few enough to stay in the processor's cache."""


TAKES_TABLES_APART = "force_convert_to_python" not in signature(FormattedExamplesIterable).parameters
"""Until `datasets` 4, ``map`` and ``filter`` make rows of whole tables; a state taken meanwhile forgets the rest."""


class RowMaker:
    """Makes rows of tables that have the columns of ``features``, decoded as `datasets` decodes them."""

    def __init__(self, features: Features) -> None:
        self._decoders = {name: _decoder(feature) for name, feature in features.items() if require_decoding(feature)}

    def rows(self, table: pa.Table) -> Iterator[dict[str, Any]]:
        """The rows in order. A row is made when it is asked for: hundreds of them, kept, cost half as much again."""
        names = table.column_names
        for first in range(0, table.num_rows, SLICE_ROWS):
            columns = [self._values(name, table.column(name).slice(first, SLICE_ROWS)) for name in names]
            for values in zip(*columns, strict=True):
                yield dict(zip(names, values, strict=True))

    def _values(self, name: str, column: pa.ChunkedArray) -> list[Any]:
        values: list[Any] = column.to_pylist()
        decode = self._decoders.get(name)
        return values if decode is None else [None if value is None else decode(value) for value in values]


def _decoder(feature: Any) -> Callable[[Any], Any]:
    """What makes a value of its storage; `datasets`' own walk only where there is something to walk through."""
    if hasattr(feature, "decode_example"):
        decode: Callable[[Any], Any] = feature.decode_example
        return decode
    return partial(decode_nested_example, feature)
