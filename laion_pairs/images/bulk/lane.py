"""One stream of jobs through an engine: the caller submits, and takes what became of them, in its own thread.

Several lanes share an engine: its requests in flight, its manners towards hosts, its memory. So a shuffled stream that
reads ten shards at a time is not ten times as impolite.
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING

from laion_pairs.images.bulk.budget import Budget
from laion_pairs.images.bulk.job import Downloaded, Job

if TYPE_CHECKING:
    from laion_pairs.images.bulk.engine import Engine

__all__ = ["Batch", "Lane"]

Batch = list[tuple[int, Downloaded]]
"""Jobs that ended, each with its number in the lane."""

_LOOK_AGAIN_S = 1.0


class Lane:
    """A lane of one engine; made by :func:`open_lane`, used by one thread.

    Args:
        engine: does the work.
        budget: the engine's.
        ordered: whether :meth:`take` keeps the order of submission.
        window: how many jobs may be outstanding.
    """

    def __init__(self, engine: Engine, budget: Budget, *, ordered: bool, window: int) -> None:
        self._engine = engine
        self._budget = budget
        self._ordered = ordered
        self._window = window
        self._ended: SimpleQueue[Batch | BaseException] = SimpleQueue()
        self._early: dict[int, Downloaded] = {}  # of an ordered lane: what ended before its turn
        self._submitted = self._arrived = self._taken = 0
        self._delivering = Lock()
        self.begun = 0  # jobs under way, or waiting for more than a slot
        self.closed = False

    def submit(self, job: Job) -> None:
        """Put one more job on its way; does not wait."""
        number = self._submitted
        self._submitted += 1
        self._engine.submit(job, self, number)

    @property
    def outstanding(self) -> int:
        """Submitted and not yet taken."""
        return self._submitted - self._taken

    @property
    def wants_more(self) -> bool:
        """Whether another job now keeps the engine busy; false when enough wait for a free slot."""
        if self._ordered and self._budget.spent:  # what is submitted now could only pile up behind what is waited for
            return not self.outstanding
        return self.outstanding < self._window and self._submitted - self.begun < self._engine.queue_room

    def take(self) -> Downloaded:
        """What became of a job: the next that ends, or of an ordered lane the next in order. Waits for it.

        Raises:
            IndexError: nothing is outstanding.
            DownloadStopped: too many failures in a row; or whatever else ended the engine.
        """
        if not self.outstanding:
            raise IndexError("take() from a lane with nothing outstanding")
        while self._taken not in self._early:
            for number, downloaded in self._next_ended():
                self._early[number if self._ordered else self._arrived] = downloaded
                self._arrived += 1
        downloaded = self._early.pop(self._taken)
        self._taken += 1
        was_spent = self._budget.spent
        self._budget.hold(-downloaded.held_bytes)
        if was_spent and not self._budget.spent:
            self._engine.wake()
        return downloaded

    def deliver(self, batch: Batch) -> None:
        """Called by the engine, from any of its threads: these jobs ended. Every call may wake the lane's thread."""
        with self._delivering:
            if not self.closed:
                self._ended.put(batch)
                return
        self._let_go(batch)

    def fail(self, error: BaseException) -> None:
        """Called by the engine: nothing will end any more."""
        self._ended.put(error)

    def finish(self) -> None:
        """Close after the last :meth:`take`; raises what ended the engine and came too late for any of them.

        Raises:
            DownloadStopped: as :meth:`take`, where everything had ended by then.
            LedgerError, LockError: the last counts could not be written.
        """
        self.close()
        if self._engine.error is not None:
            raise self._engine.error

    def close(self) -> None:
        """Let go of everything that is outstanding. Idempotent."""
        with self._delivering:
            if self.closed:
                return
            self.closed = True
        for downloaded in self._early.values():
            self._budget.hold(-downloaded.held_bytes)
        self._early.clear()
        while True:
            try:
                ended = self._ended.get_nowait()
            except Empty:
                break
            if not isinstance(ended, BaseException):
                self._let_go(ended)
        self._engine.leave(self)

    def _let_go(self, batch: Batch) -> None:
        self._budget.hold(-sum(downloaded.held_bytes for _, downloaded in batch))

    def _next_ended(self) -> Batch:
        try:
            ended = self._ended.get_nowait()
        except Empty:
            ended = self._wait()
        if isinstance(ended, BaseException):
            self._ended.put(ended)  # for the next call too
            raise ended
        return ended

    def _wait(self) -> Batch | BaseException:
        self._budget.wait_begins()
        self._engine.ring()
        try:
            while True:
                try:
                    return self._ended.get(timeout=_LOOK_AGAIN_S)
                except Empty:
                    if not self._engine.running:
                        raise RuntimeError("the download has ended, and took the outstanding images along.") from None
        finally:
            self._budget.wait_ends()
