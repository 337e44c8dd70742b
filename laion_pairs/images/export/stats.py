"""The counts of one shard, as the file that marks it finished, and of all finished shards together.

``00000_stats.json`` is written last: where it is, the shard is whole, and what is not in it was not delivered. So the
totals of the files are exact after any number of kills. The first eight names are img2dataset's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from laion_pairs.errors import ExportError
from laion_pairs.images.export.durable import write_whole
from laion_pairs.images.export.naming import shard_name
from laion_pairs.images.export.record import failed_step
from laion_pairs.ledger import Outcome

__all__ = ["Counts", "ShardStats", "read_finished", "stats_path", "write_stats"]

_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


@dataclass
class Counts:
    """How a number of rows ended.

    Attributes:
        outcomes, trust: rows by word.
        n_bytes: of the image files that were written.
        start_time, end_time: seconds since 1970; when the first row was asked for, and when the last shard was whole.
        seconds: of work; shards that were open at the same time count twice.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    trust: Counter[str] = field(default_factory=Counter)
    n_bytes: int = 0
    start_time: float = 0.0
    end_time: float = 0.0
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(self.outcomes.values())

    @property
    def images(self) -> int:
        """Those whose image was written."""
        return self.outcomes[Outcome.OK.value]

    def add(self, other: Counts) -> None:
        """Count the rows of ``other`` too."""
        self.start_time = min(self.start_time or other.start_time, other.start_time)
        self.end_time = max(self.end_time, other.end_time)
        self.outcomes += other.outcomes
        self.trust += other.trust
        self.n_bytes += other.n_bytes
        self.seconds += other.seconds

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        steps = Counter[str]()
        for word, n in self.outcomes.items():
            steps[failed_step(_OUTCOMES[word]) or "successes"] += n
        return {
            "count": self.rows,
            "successes": self.images,
            "failed_to_download": steps["failed_to_download"],
            "failed_to_resize": steps["failed_to_resize"],
            "duration": round(self.seconds, 3),
            "start_time": self.start_time,
            "end_time": self.end_time,
            "status_dict": {"success" if word == "ok" else word: n for word, n in self.outcomes.most_common()},
            "trust": dict(self.trust),
            "bytes": self.n_bytes,
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Counts:
        """What :meth:`as_dict` gave."""
        words = given["status_dict"].items()
        return cls(
            outcomes=Counter({"ok" if word == "success" else word: n for word, n in words}),
            trust=Counter(given["trust"]),
            n_bytes=given["bytes"],
            start_time=given["start_time"],
            end_time=given["end_time"],
            seconds=given["duration"],
        )


@dataclass(frozen=True)
class ShardStats:
    """One finished shard.

    Attributes:
        shard: its number.
        first_row: the index of its first row in the stream.
        counts: how its rows ended.
        resume: the stream's state behind its last row: where the next shard begins.
    """

    shard: int
    first_row: int
    counts: Counts
    resume: Any


def stats_path(directory: Path, shard: int) -> Path:
    """The file that marks a finished shard."""
    return directory / f"{shard_name(shard)}_stats.json"


def write_stats(directory: Path, stats: ShardStats) -> None:
    """Mark the shard as finished."""
    content = {
        **stats.counts.as_dict(),
        "shard": stats.shard,
        "first_row": stats.first_row,
        "resume": stats.resume,
    }
    write_whole(stats_path(directory, stats.shard), json.dumps(content, indent=4).encode())


def read_finished(directory: Path) -> Iterator[ShardStats]:
    """The finished shards, from the first to the one before the first that is not finished."""
    shard = 0
    while (path := stats_path(directory, shard)).is_file():
        try:
            given = json.loads(path.read_bytes())
            yield ShardStats(given["shard"], given["first_row"], Counts.from_dict(given), given["resume"])
        except (ValueError, KeyError, TypeError) as error:
            raise ExportError(
                f"{path} is not a stats file that laion download wrote; remove it, and the shard is fetched again."
            ) from error
        shard += 1
