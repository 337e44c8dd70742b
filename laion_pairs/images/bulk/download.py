"""From jobs to what became of them: lanes of the engine that this process shares, and the loop most callers want."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from laion_pairs.images.bulk.job import Downloaded, Job, Settings
from laion_pairs.images.bulk.lane import Lane

if TYPE_CHECKING:
    from laion_pairs.images.bulk.engine import Engine

__all__ = ["download", "open_lane"]

_engines: dict[tuple[int, Settings], Engine] = {}
_opening = threading.Lock()


def open_lane(settings: Settings, *, ordered: bool = False, window: int | None = None) -> Lane:
    """A lane of this process's engine for ``settings``, which is made with its first lane and ends with its last.

    Args:
        settings: lanes whose settings are equal share an engine.
        ordered: whether jobs come back in the order of their submission.
        window: how many jobs may be outstanding. By default eight times ``concurrency``, at least 4,096, so that those
            of slow hosts hold up nobody; when ordered four times ``concurrency``.

    Raises:
        TakedownError, LockError, LedgerError: what the settings name cannot be read.
    """
    from laion_pairs.images.bulk.engine import Engine  # the first download pays for it, not every import

    if window is None:
        window = 4 * settings.concurrency if ordered else max(4096, 8 * settings.concurrency)
    key = (os.getpid(), settings)
    with _opening:
        engine = _engines.get(key)
        lane = None if engine is None else engine.open(ordered=ordered, window=window)
        while lane is None:
            for old in [other for other in _engines if other[0] == key[0] and not _engines[other].running]:
                del _engines[old]  # not a parent's: to clean up its connections here would end them there
            engine = _engines[key] = Engine(settings)
            lane = engine.open(ordered=ordered, window=window)
        return lane


def _after_fork() -> None:
    """Another thread of the parent may have held the lock, and is not here to let go of it."""
    global _opening
    _opening = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def download(
    jobs: Iterable[Job], settings: Settings, *, ordered: bool = False, window: int | None = None
) -> Iterator[Downloaded]:
    """Yield every job once, in the order in which they end, or in their own order (``ordered``).

    Jobs are pulled as they are needed, in the caller's thread. Closing the iterator drops what is in flight.

    Raises:
        DownloadStopped: the policy's number of failures in a row.
        LaionError: what the settings name (takedown lists, lock, ledger) cannot be read or written.
    """
    lane = open_lane(settings, ordered=ordered, window=window)
    waiting = iter(jobs)
    more = True
    try:
        while more or lane.outstanding:
            while more and lane.wants_more:
                job = next(waiting, None)
                if job is None:
                    more = False
                else:
                    lane.submit(job)
            if lane.outstanding:
                yield lane.take()
        lane.finish()
    finally:
        lane.close()
