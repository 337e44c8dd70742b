"""``export``: a stream of rows becomes a folder of shards, resumable after a kill or a full disk.

Shard k holds what became of rows [k · N, (k + 1) · N) of the stream. Up to ``OPEN_SHARDS`` are filled at a time, so
that a slow host in one does not hold up the next; they become visible in order. So what is finished is always the first
so many rows, each once, and the last stats file says where the stream goes on: a resumed run reads nothing before that,
and new takedown lists move no row into another shard. What a kill costs is the shards that were open.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from filelock import FileLock, Timeout

from laion_pairs.errors import ExportError, LaionError
from laion_pairs.images.bulk import Settings
from laion_pairs.images.export.card import write_card
from laion_pairs.images.export.durable import PARTIAL, remove, write_whole
from laion_pairs.images.export.fetching import fetch_rows
from laion_pairs.images.export.manifest import begin
from laion_pairs.images.export.naming import shard_name
from laion_pairs.images.export.settings import ExportSettings
from laion_pairs.images.export.shard import Shard
from laion_pairs.images.export.stats import Counts, ShardStats, not_ours, read_finished, stats_path
from laion_pairs.images.export.writers import image_path
from laion_pairs.ledger import Outcome

__all__ = ["OPEN_SHARDS", "Rows", "Summary", "export", "finished_rows"]

OPEN_SHARDS = 3
"""Shards that are filled at a time. Each holds a row group (16 MiB of images at most), 1,000 records and two files."""


class Rows(Protocol):
    """A stream that says where it is: a ``datasets.IterableDataset``, or anything with the same three methods."""

    def __iter__(self) -> Iterator[Mapping[str, Any]]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


@dataclass(frozen=True)
class Summary:
    """What is in an output folder now.

    Attributes:
        directory: the folder.
        shards: finished ones.
        counts: of all their rows.
        complete: whether that is the whole stream.
    """

    directory: Path
    shards: int
    counts: Counts
    complete: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.counts.as_dict(), "shards": self.shards, "complete": self.complete}


def finished_rows(directory: Path) -> int:
    """How many rows of the stream are in finished shards."""
    return sum(stats.counts.rows for stats in read_finished(directory))


def export(
    rows: Rows,
    schema: pa.Schema,
    directory: Path,
    export: ExportSettings,
    download: Settings,
    *,
    source: Mapping[str, Any],
    split: str = "train",
    limit: int | None = None,
    progress: Callable[[Outcome], None] = lambda outcome: None,
) -> Summary:
    """Fetch every row's image into ``directory``, which is new, empty, or holds a part of the same export.

    Args:
        rows: with a lazy image under ``image``; not begun.
        schema: Arrow schema of the rows.
        directory: the output folder.
        export: what is written.
        download: how images are fetched.
        source: what the rows come from, by the names of the command line; kept in the manifest.
        split: what `datasets` shall call the rows.
        limit: stop after so many rows of the stream.
        progress: called with the outcome of each row as it is written.

    Raises:
        ExportMismatch: the folder holds something else.
        ExportError: it cannot be written; what is finished stays, and the next run goes on from there.
        DownloadStopped: too many failures in a row.
    """
    with _writing(directory):
        begin(directory, {**source, "limit": limit, **export.as_dict()})
        write_card(directory, export.format, split)
        lock = _locked(directory)
    try:
        return _Run(rows, schema, directory, export, limit, progress).go(download)
    finally:
        lock.release()


def _locked(directory: Path) -> FileLock:
    lock = FileLock(directory / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ExportError(
            f"Another laion download is writing to {directory}; wait for it, or choose another."
        ) from None
    return lock


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    """What goes wrong with the disk here is one sentence."""
    try:
        yield
    except LaionError:
        raise
    except OSError as error:
        if not os.path.isdir(directory):
            raise ExportError(
                f"The folder {directory} cannot be made ({error.strerror or error}); choose a place for it where "
                "files can be written."
            ) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            advice = "free some space, or choose another folder"
        else:
            advice = "put that right, or choose another folder"
        place = error.filename or directory
        raise ExportError(
            f"{place} cannot be written ({error.strerror or error}); {advice}. "
            f"The same command then goes on: {finished_rows(directory)} rows are in finished shards, which are kept."
        ) from error


class _Run:
    def __init__(
        self,
        rows: Rows,
        schema: pa.Schema,
        directory: Path,
        settings: ExportSettings,
        limit: int | None,
        progress: Callable[[Outcome], None],
    ) -> None:
        self._rows = rows
        self._schema = schema
        self._directory = directory
        self._settings = settings
        self._limit = limit
        self._progress = progress
        self._open: dict[int, Shard] = {}
        self._totals = Counts()
        self._shards = 0
        self._at_end = False
        self._next_index = 0
        self._resumed: ShardStats | None = None

    def go(self, download: Settings) -> Summary:
        """Fill and publish shards until the stream ends."""
        self._pick_up()
        if not self._at_end:
            try:
                rows = self._numbered()
                for fetched in fetch_rows(rows, self._settings, download, may_ask=self._may_ask):
                    with _writing(self._directory):
                        self._open[fetched.index // self._settings.shard_rows].add(fetched)
                        self._publish()
                    self._progress(fetched.done.outcome)
                with _writing(self._directory):
                    self._publish()
            finally:
                for shard in self._open.values():
                    shard.abandon()
        summary = Summary(self._directory, self._shards, self._totals, complete=True)
        with _writing(self._directory):
            write_whole(self._directory / "stats.json", json.dumps(summary.as_dict(), indent=4).encode())
        return summary

    def _pick_up(self) -> None:
        """Go on behind the last finished shard; what a kill left of the next ones is removed."""
        last = None
        for last in read_finished(self._directory):
            self._totals.add(last.counts)
            self._shards += 1
        self._next_index = self._totals.rows
        if last is not None:
            self._at_end = last.counts.rows < self._settings.shard_rows or self._next_index == self._limit
            if not self._at_end:
                if last.resume is None:
                    raise not_ours(stats_path(self._directory, last.shard))
                self._resumed = last
        with _writing(self._directory):
            _remove_leftovers(self._directory, self._settings, self._shards)

    def _numbered(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The rows with their index; opens their shards, and notes the stream's state where each ends."""
        rows, size = self._going_on(), self._settings.shard_rows
        while self._next_index != self._limit and (row := next(rows, None)) is not None:
            index = self._next_index
            shard = self._open.get(index // size)
            if shard is None:
                with _writing(self._directory):
                    shard = Shard(self._directory, index // size, self._settings, self._schema)
                self._open[shard.number] = shard
            shard.asked += 1
            self._next_index += 1
            if self._next_index % size == 0:
                shard.resume = self._rows.state_dict()
            yield index, row
        self._at_end = True

    def _going_on(self) -> Iterator[Mapping[str, Any]]:
        """The rows behind what is finished. A state that is another stream's shows when the first of them is read."""
        if self._resumed is None:
            rows = iter(self._rows)
        else:
            resume, path = self._resumed.resume, stats_path(self._directory, self._resumed.shard)
            try:
                self._rows.load_state_dict(resume)
                rows = iter(self._rows)
                row = next(rows, None)
            except (LaionError, pa.ArrowException):
                raise
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                raise not_ours(path) from error
            now = self._rows.state_dict()
            if not _has_names_of(resume, now) or now.get("epoch") != resume.get("epoch"):  # it would begin anew
                raise not_ours(path)
            if row is None:
                return
            yield row
        yield from rows

    def _may_ask(self) -> bool:
        return self._next_index // self._settings.shard_rows < self._shards + OPEN_SHARDS

    def _publish(self) -> None:
        """Show, in order, the shards to which nothing can be added any more."""
        while (shard := self._open.get(self._shards)) is not None and self._is_whole(shard):
            self._totals.add(shard.publish())
            del self._open[self._shards]
            self._shards += 1

    def _is_whole(self, shard: Shard) -> bool:
        return shard.complete and (self._at_end or shard.asked == self._settings.shard_rows)


def _has_names_of(state: Any, other: Any) -> bool:
    """Whether two states are of the same stream: the same names at every depth; one may have None for a part."""
    if state is None or other is None or not isinstance(other, dict):
        return not isinstance(state, dict) or other is None
    return (
        isinstance(state, dict)
        and state.keys() == other.keys()
        and all(_has_names_of(state[name], other[name]) for name in other)
    )


def _remove_leftovers(directory: Path, settings: ExportSettings, shard: int) -> None:
    """Remove what an ended process left: hidden parts, and files of ``shard``, which has no stats yet."""
    unfinished = image_path(directory, settings.format, shard_name(shard))
    records = directory / f"{shard_name(shard)}.parquet"
    for path in (*directory.glob(f"{PARTIAL}*"), *directory.glob(f"data/{PARTIAL}*"), unfinished, records):
        remove(path)
