"""One pass: rows come from the source, their images are fetched hundreds at a time, and the rows come out again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from laion_pairs.images.bulk import Downloaded, Lane, Settings, open_lane
from laion_pairs.images.export.failed_rows import NEVER_WRITTEN, FailedRows
from laion_pairs.images.failure import fetch_failed
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.stream.delivery import Delivery
from laion_pairs.images.stream.image_column import ImageColumn
from laion_pairs.images.stream.source_rows import Chunk
from laion_pairs.images.stream.turns import Turns
from laion_pairs.images.stream.window import Window
from laion_pairs.ledger import Outcome
from laion_pairs.streams.splitting import worker_count

__all__ = ["Downloading"]

WINDOW_ROWS = 65_536
"""How far the stream may run ahead of its slowest image: minutes at a thousand images a second, while a host that
answers nothing is given up after ``total_timeout_s``. Bounds what is remembered, and what a resume reads again."""


@dataclass(slots=True)
class _Row:
    number: int
    row: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Downloading:
    """What to download and how to hand it over. Holds nothing that runs, so it can be sent to other processes.

    Attributes:
        settings: of the engine; the takedown lists of the column are added.
        failures: the directory for the rows that failed, or None.
    """

    column: ImageColumn
    settings: Settings
    delivery: Delivery
    ordered: bool = False
    failures: str | None = None

    def rows(self, chunks: Iterator[Chunk], window: Window) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows whose images could be had, with the picture, ``outcome`` and ``trust``, each with its number.

        A row counts as delivered when it is handed over, or when its failure was taken note of. However the iteration
        ends, nothing of it stays in flight.

        Raises:
            FetchFailed: the first failure, with ``on_error="raise"``.
            SchemaError: a row has no image to download.
        """
        takedown = self.column.takedown
        failed = FailedRows(self.failures) if self.failures is not None else None
        lane = self._open(takedown)
        try:
            pulled = _pull(chunks, window)
            turns: Turns[Downloaded] = Turns(window.first)
            row = next(pulled, None)
            while row is not None or lane.outstanding:
                while row is not None and self._wants(lane, window, turns):
                    named = self.column.takedown_of(row.row)
                    if not named <= takedown:  # lists that came up later: what is in flight is finished without them
                        if lane.outstanding:
                            break
                        lane.close()
                        takedown |= named
                        lane = self._open(takedown)
                    lane.submit(self.column.job(row.row, row))
                    row = next(pulled, None)
                if lane.outstanding:
                    ended = lane.take()
                    for done in turns.in_turn(ended.tag.number, ended):
                        yield from self._settle(done, window, failed)
            lane.finish()
        finally:
            lane.close()
            if failed is not None:
                failed.close()

    def _open(self, takedown: frozenset[str]) -> Lane:
        paths = tuple(sorted(takedown.union(self.settings.takedown)))
        policy = _shared_manners(self.settings.policy, worker_count())
        return open_lane(replace(self.settings, takedown=paths, policy=policy), ordered=self.ordered)

    def _wants(self, lane: Lane, window: Window, turns: Turns[Downloaded]) -> bool:
        if not lane.outstanding:
            return True
        return lane.wants_more and turns.waiting < self.settings.concurrency and window.span < WINDOW_ROWS

    def _settle(
        self, done: Downloaded, window: Window, failed: FailedRows | None
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        number, row = done.tag.number, done.tag.row
        if done.outcome is not Outcome.OK and done.outcome not in NEVER_WRITTEN:
            if failed is not None:
                failed.add(row, done.outcome, done.detail)
            if self.delivery.on_error == "raise":
                raise fetch_failed(done.outcome, self.column.url(row), done.detail)
        is_ok = done.outcome is Outcome.OK
        if not is_ok and (self.delivery.on_error == "skip" or done.outcome in NEVER_WRITTEN):
            window.deliver(number, handed_over=False)
            return
        row[self.column.name] = self.delivery.picture(done) if is_ok else None
        row["outcome"] = done.outcome.value
        row["trust"] = done.trust.value if done.trust is not None else None
        window.deliver(number)
        yield number, row


def _shared_manners(policy: DownloadPolicy, n_workers: int) -> DownloadPolicy:
    """What is left of the manners towards a host for each of a DataLoader's workers, who know nothing of each other."""
    if n_workers == 1:
        return policy
    return replace(
        policy,
        requests_per_host=max(1, policy.requests_per_host // n_workers),
        host_interval_s=policy.host_interval_s * n_workers,
    )


def _pull(chunks: Iterator[Chunk], window: Window) -> Iterator[_Row]:
    """The rows that were not delivered before, numbered; read one chunk at a time."""
    for chunk in chunks:
        if chunk.state is not None:
            window.snapshot(chunk.state)
        for row in chunk.rows:
            number = window.pull()
            if number is not None:
                yield _Row(number, row)
