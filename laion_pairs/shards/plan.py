"""What to read from every shard of a load: picklable, the same in every worker (no I/O)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from laion_pairs.releases import Recipe, Release
from laion_pairs.schema import Predicate
from laion_pairs.schema.selection import IMAGE
from laion_pairs.shards.source import MAX_BATCH_ROWS

__all__ = ["ReadPlan"]

IMAGE_IS_MADE_FROM = ("url", "width", "height", "digest", "punsafe", "nsfw")
"""What :func:`laion_pairs.images.image_array` reads from a batch; the last two hide unsafe pictures in notebooks."""


@dataclass(frozen=True)
class ReadPlan:
    """What to read from every shard of a load.

    Attributes:
        columns: canonical columns to deliver, in order. ``image`` stands for the columns that it is made from.
        predicate: the user's filters, or None.
        recipe: a recipe whose predicate applies too and that is checked against each file's score models, or None.
        all_columns: deliver the files' own columns after the canonical ones.
        own: the names and types that own columns are delivered with whatever a file holds, from
            :func:`laion_pairs.shards.own_schema`; None delivers each file's as they are.
        column_mapping: canonical column to source column, for files that nobody knows, or None.
        release: the catalogue's release, or None for files of the user's own.
        withdrawn: :attr:`Listing.withdrawn`; a remote file of a withdrawn release's schema is read only if it is set.
        takedown: paths of the takedown lists to apply.
        ledger: path of the ledger to count in, or None.
        batch_rows: rows read at a time; a delivered batch has at most as many.
    """

    columns: tuple[str, ...]
    predicate: Predicate | None = None
    recipe: Recipe | None = None
    all_columns: bool = False
    own: pa.Schema | None = None
    column_mapping: Mapping[str, str] | None = field(default=None, hash=False)
    release: Release | None = None
    withdrawn: str | None = None
    takedown: tuple[str, ...] = ()
    ledger: str | None = None
    batch_rows: int = MAX_BATCH_ROWS

    def __post_init__(self) -> None:
        if self.batch_rows < 1:
            raise ValueError(f"batch_rows must be at least 1, got {self.batch_rows}.")
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "takedown", tuple(os.fspath(path) for path in self.takedown))
        if self.ledger is not None:
            object.__setattr__(self, "ledger", os.fspath(self.ledger))

    @property
    def delivered(self) -> tuple[str, ...]:
        """The canonical columns of a delivered batch: ``columns``, and what an image is made from in its place."""
        made_from = IMAGE_IS_MADE_FROM if IMAGE in self.columns else ()
        return tuple(dict.fromkeys((*made_from, *(name for name in self.columns if name != IMAGE))))
