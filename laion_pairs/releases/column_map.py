"""One file's columns as canonical ones: what to read, how to convert a batch, what may be pushed down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from laion_pairs.errors import UnknownColumn
from laion_pairs.releases.conversion import Converted, convert
from laion_pairs.releases.pushdown import push_down
from laion_pairs.schema import NAMES, SCHEMA, Predicate, ScoreModel, pair_ids

__all__ = ["Canonical", "ColumnMap"]


class Canonical(NamedTuple):
    """A batch in canonical columns, and how many impossible values became null, by ``"column: reason"``."""

    batch: pa.RecordBatch
    nulled: Mapping[str, int]


@dataclass(frozen=True)
class ColumnMap:
    """Where each canonical column of a file comes from. Made by :func:`laion_pairs.releases.map_columns`; picklable.

    Attributes:
        schema_id: the published schema that the file matched, or ``"column_mapping"``.
        sources: canonical column -> the file's column. ``pair_id`` is computed where it is not here.
        score_models: canonical score column -> the model behind it.
        notes: canonical column -> why that column.
        own: exposed name -> the file's column, for what is not canonical.
    """

    schema_id: str
    sources: Mapping[str, str] = field(hash=False)
    score_models: Mapping[str, ScoreModel] = field(hash=False)
    notes: Mapping[str, str] = field(hash=False)
    own: Mapping[str, str] = field(hash=False)

    @property
    def available(self) -> frozenset[str]:
        """The canonical columns that are not null throughout."""
        return frozenset((*self.sources, "pair_id"))

    def source_columns(self, wanted: Sequence[str]) -> list[str]:
        """The file's columns to read for the canonical columns ``wanted``. Raises UnknownColumn."""
        _check(wanted)
        names = [name for canonical in wanted for name in self._read_for(canonical)]
        return list(dict.fromkeys(names))

    def own_columns(self) -> dict[str, str]:
        """Exposed name -> the file's column, for ``columns="all"``: what no canonical column was made from.

        A name that a canonical column has taken (img2dataset's resized ``width``) is exposed as ``source_width``.
        """
        return dict(self.own)

    def apply(self, batch: pa.RecordBatch, wanted: Sequence[str]) -> Canonical:
        """Convert a batch of the file that holds at least ``source_columns(wanted)``.

        Returns exactly the columns ``wanted``, in that order and in canonical types; what the file lacks is null.
        """
        _check(wanted)
        converted = {name: self._convert(name, batch) for name in wanted}
        nulled = {f"{name}: {reason}": n for name, (_, reasons) in converted.items() for reason, n in reasons.items()}
        arrays = [converted[name].array for name in wanted]
        schema = pa.schema([SCHEMA.field(name) for name in wanted])
        return Canonical(_record_batch(arrays, schema, batch.num_rows), nulled)

    def pushdown(self, predicate: Predicate, file_schema: pa.Schema) -> pc.Expression | None:
        """A filter on the file's own columns that keeps at least what ``predicate`` keeps; None: it would keep all."""
        return push_down(predicate, self.sources, file_schema)

    def describe(self) -> list[tuple[str, str]]:
        """For each canonical column, where it comes from, in a few words."""
        return [(name, self._describe(name)) for name in NAMES]

    def _read_for(self, name: str) -> list[str]:
        if name in self.sources:
            return [self.sources[name]]
        if name == "pair_id":
            return [self.sources[part] for part in ("url", "caption") if part in self.sources]
        return []

    def _convert(self, name: str, batch: pa.RecordBatch) -> Converted:
        if name in self.sources:
            return convert(name, batch.column(self.sources[name]))
        if name == "pair_id":
            return Converted(pair_ids(self._convert("url", batch).array, self._convert("caption", batch).array), {})
        return Converted(pa.nulls(batch.num_rows, SCHEMA.field(name).type), {})

    def _describe(self, name: str) -> str:
        note = f" ({self.notes[name]})" if name in self.notes else ""
        if name not in self.sources:
            parts = self._read_for(name)
            return (f"computed from {' and '.join(parts)}" if parts else "null") + note
        model = self.score_models.get(name)
        return self.sources[name] + (f": {model.meaning}" if model is not None else "") + note


def _check(wanted: Sequence[str]) -> None:
    for name in wanted:
        if name not in NAMES:
            raise UnknownColumn(f"{name!r} is not a canonical column: choose from {', '.join(NAMES)}.")


def _record_batch(arrays: list[pa.Array], schema: pa.Schema, num_rows: int) -> pa.RecordBatch:
    if arrays:
        return pa.RecordBatch.from_arrays(arrays, schema=schema)
    # without columns a batch still has rows (a count, a filter on nothing)
    return pa.RecordBatch.from_struct_array(pa.array([{}] * num_rows, pa.struct([])))
