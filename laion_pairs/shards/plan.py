"""What to read from every shard of a load: picklable, hashable, the same in every worker (no I/O)."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pyarrow as pa

from laion_pairs.releases import Recipe
from laion_pairs.schema import Predicate

__all__ = ["ReadPlan"]


@dataclass(frozen=True)
class ReadPlan:
    """What to read from every shard of a load.

    Attributes:
        wanted: canonical columns to deliver, in that order, without ``image`` (ask for what it is made from: url,
            width, height, digest).
        predicate: the user's filters, or None.
        recipe: a recipe whose predicate applies too and that is checked against each file's score models, or None.
        own: the release's own columns to deliver after the canonical ones, under their exposed names
            (:func:`laion_pairs.shards.own_schema` reads them from the first shard), or None.
        column_mapping: ``((canonical, source), …)`` as the user gave it, or None. A dict is accepted.
        release: the catalogue's name of the release, or None for files of the user's own.
        withdrawn: :attr:`Listing.withdrawn`. A file with a withdrawn release's schema is read only when it is set.
        takedown: paths of the takedown lists to apply.
        ledger: path of the ledger to count in, or None.
        batch_rows: rows read at a time; what is delivered is never more.
    """

    wanted: tuple[str, ...]
    predicate: Predicate | None = None
    recipe: Recipe | None = None
    own: pa.Schema | None = None
    column_mapping: tuple[tuple[str, str], ...] | None = None
    release: str | None = None
    withdrawn: str | None = None
    takedown: tuple[str, ...] = ()
    ledger: str | None = None
    batch_rows: int = 4096

    def __post_init__(self) -> None:
        if self.batch_rows < 1:
            raise ValueError(f"batch_rows must be at least 1, got {self.batch_rows}.")
        object.__setattr__(self, "wanted", tuple(self.wanted))
        object.__setattr__(self, "takedown", tuple(os.fspath(path) for path in self.takedown))
        if self.column_mapping is not None:
            object.__setattr__(self, "column_mapping", tuple(sorted(dict(self.column_mapping).items())))
        if self.ledger is not None:
            object.__setattr__(self, "ledger", os.fspath(self.ledger))
