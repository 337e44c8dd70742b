"""The counts of one shard, as the file that marks it finished, and of all finished shards together.

``00000_stats.json`` is written last: where it is, the shard is whole, and what is not in it was not delivered. So the
totals of the files are exact after any number of kills. The first eight names are img2dataset's.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from laion_pairs.errors import ExportError
from laion_pairs.images.export.durable import write_whole
from laion_pairs.images.export.naming import shard_name
from laion_pairs.images.export.record import failed_step
from laion_pairs.images.integrity import Trust
from laion_pairs.ledger import Outcome

__all__ = ["Counts", "ShardStats", "not_ours", "read_finished", "stats_path", "write_stats"]

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
        outcomes = {"ok" if word == "success" else word: n for word, n in given["status_dict"].items()}
        if not (outcomes.keys() <= _OUTCOMES.keys() and given["trust"].keys() <= {*Trust}):
            raise ValueError("a word for an outcome that there is not")
        return cls(
            outcomes=Counter({word: _count(n) for word, n in outcomes.items()}),
            trust=Counter({word: _count(n) for word, n in given["trust"].items()}),
            n_bytes=_count(given["bytes"]),
            start_time=_seconds(given["start_time"]),
            end_time=_seconds(given["end_time"]),
            seconds=_seconds(given["duration"]),
        )


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no time")
    return float(value)


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
    """The finished shards, from the first to the one before the first that is not finished. Raises ExportError."""
    shard = first_row = 0
    while os.path.isfile(path := stats_path(directory, shard)):
        stats = _read(path)
        if (stats.shard, stats.first_row) != (shard, first_row):
            raise not_ours(path)
        yield stats
        shard, first_row = shard + 1, first_row + stats.counts.rows


def not_ours(path: Path) -> ExportError:
    """The error of a stats file that says what it cannot."""
    return ExportError(
        f"{path} is not a stats file that laion download wrote; remove it, and the shard is fetched again."
    )


def _read(path: Path) -> ShardStats:
    try:
        given = json.loads(path.read_bytes())
        shard, first_row, counts = _count(given["shard"]), _count(given["first_row"]), Counts.from_dict(given)
        resume = given["resume"]
        if resume is not None and not isinstance(resume, dict):
            raise TypeError("a state is a dictionary")
        return ShardStats(shard, first_row, counts, resume)
    except OSError as error:
        raise ExportError(f"{path} cannot be read ({error.strerror or error}); make it readable.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise not_ours(path) from error
