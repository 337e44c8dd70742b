"""What the catalogue says about one release. Data only: nothing here asks the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from laion_pairs.schema import ScoreModel

__all__ = ["Kind", "Release", "Status"]


class Kind(str, Enum):
    """What a release's rows are. Only ``pairs`` load."""

    PAIRS = "pairs"
    TAGS = "tags"
    KEY_VALUE = "key-value"
    IDS = "ids"

    def __str__(self) -> str:
        return str(self.value)


class Status(str, Enum):
    """``current``: LAION's, reachable. ``withdrawn``: taken down, never loaded. ``sister``: another project's."""

    CURRENT = "current"
    WITHDRAWN = "withdrawn"
    SISTER = "sister"

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Release:
    """One published dataset, one repository. A fact that nobody published is None or empty, never a guess.

    Attributes:
        name: what ``load_dataset`` takes, in any case.
        repo_id: its Hub repository, in the Hub's spelling.
        kind: what its rows are; only pairs load.
        status: current, withdrawn or sister.
        schema: id of its :class:`~laion_pairs.releases.SourceSchema`; None where the columns are unknown.
        score_models: canonical score column -> the model behind it.
        rows: exact number of rows; None where only a rounded number is known.
        rows_text: the number as published, with its date where there is one; empty where there is none.
        rows_source: where that number stands.
        gated: whether the Hub asks for consent first; None where unknown.
        license: of the metadata (never of the images); two names where sources disagree; None where unknown.
        shards: name of the shards, ``{i:05d}`` standing for their number from 0, or a glob; None: list at run time.
        shard_count: how many; None where unknown.
        original_shards: the shards' name before a re-release, where the name of today's is unknown.
        splits: split -> glob of its files; empty: one split ``train`` with every shard.
        former_ids: repositories that were renamed to this one; never loaded under the old name.
        alternate_ids: other ids in use for the same repository, to be tried when ``repo_id`` is not found.
        mirrors: where else its data is or was.
        replacement: name of the release to load instead.
        renamed_since: day of the re-release in a repository that keeps its history; older commits are refused.
        text_location: the one text file that it is published as, outside the Hub.
        note: what else a reader should know.
    """

    name: str
    repo_id: str
    status: Status
    kind: Kind = Kind.PAIRS
    schema: str | None = None
    score_models: Mapping[str, ScoreModel] = field(default_factory=dict, hash=False)
    rows: int | None = None
    rows_text: str = ""
    rows_source: str = ""
    gated: bool | None = None
    license: str | None = None
    shards: str | None = None
    shard_count: int | None = None
    original_shards: str | None = None
    splits: Mapping[str, str] = field(default_factory=dict, hash=False)
    former_ids: tuple[str, ...] = ()
    alternate_ids: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    replacement: str | None = None
    renamed_since: date | None = None
    text_location: str | None = None
    note: str = ""

    @property
    def shard_glob(self) -> str | None:
        """``shards`` as a glob relative to the repository; None: list it. A hint: what the Hub lists decides."""
        return None if self.shards is None else self.shards.replace("{i:05d}", "*")

    @property
    def summary(self) -> str:
        """One line: status, kind, rows, licence."""
        rows = f"{self.rows:,} rows" if self.rows is not None else f"{self.rows_text or 'unknown number of'} rows"
        access = {True: ", gated", False: "", None: ""}[self.gated]
        instead = f", replaced by {self.replacement}" if self.replacement else ""
        return f"{self.status} {self.kind}, {rows}{access}, licence {self.license or 'not stated'}{instead}"
