"""The engine of a download: one thread for the network, a few for the pixels, shared by the lanes of one process.

The network thread ends with its last lane, or with the main thread: an iterator that nobody closed keeps no interpreter
from exiting.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from queue import Empty, SimpleQueue

from laion_pairs.images.bulk.budget import Budget
from laion_pairs.images.bulk.file_limit import room_for_sockets
from laion_pairs.images.bulk.finishing import Finishing
from laion_pairs.images.bulk.flight import Flight
from laion_pairs.images.bulk.job import Downloaded, Job, Settings
from laion_pairs.images.bulk.lane import Lane
from laion_pairs.images.bulk.network import Network
from laion_pairs.images.bulk.outbox import Outbox
from laion_pairs.images.bulk.streak import Streak
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import ImageCounts, Ledger

__all__ = ["Engine"]

_LONGEST_SLEEP_S, _SHORT_SLEEP_S = 0.2, 0.01
_BATCH = 16
"""Images that the network thread hands on at once, where so many are under way."""
_PIXELS_BATCH = 4
"""Images that a thread for pixels hands on at once, while more wait for it."""
_FLUSH_S = 0.25
_CLOSE_WAIT_S = 5.0


class Engine:
    """The threads of one download, in the process that made it.

    Args:
        settings: what is wanted.

    Raises:
        TakedownError, LockError: a takedown list, or the lock of pictures, cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._concurrency = room_for_sockets(settings.concurrency)
        self._counts = None if settings.ledger is None else ImageCounts(Ledger(settings.ledger))
        self._streak = Streak(settings.policy.stop_after_failures)
        self._finishing = Finishing(settings)
        self._budget = Budget(settings.policy.max_bytes_in_flight, typical_bytes=settings.typical_bytes)
        self._inbox: deque[Flight] = deque()
        self._bodies: SimpleQueue[tuple[Flight, bytes] | None] = SimpleQueue()
        self._network = Network(
            settings,
            self._concurrency,
            self._budget,
            self._inbox,
            self._bodies.qsize,
            self._finish_here if settings.resize is None else self._finish_later,
            self._failed,
        )
        self._lanes: set[Lane] = set()
        self._outbox = Outbox()  # the network thread's
        self._changing = threading.Lock()
        self._error: BaseException | None = None
        self._hungry = False  # the network thread sleeps, and has free slots
        self._closing = False
        n_workers = 0 if settings.resize is None else _cpus()
        self._workers = [
            threading.Thread(target=self._finish_bodies, name=f"laion-pixels-{n}") for n in range(n_workers)
        ]
        self._main = threading.Thread(target=self._run, name="laion-download")
        for thread in (*self._workers, self._main):
            thread.start()

    # Used by lanes, in their threads

    @property
    def running(self) -> bool:
        """Whether jobs still end."""
        return self._main.is_alive()

    @property
    def error(self) -> BaseException | None:
        """What ended the run, if anything did but its lanes."""
        return self._error

    @property
    def queue_room(self) -> int:
        """How many jobs of a lane may wait for a free slot."""
        return max(2, self._concurrency // max(1, len(self._lanes)))

    def open(self, *, ordered: bool, window: int) -> Lane | None:
        """A new lane; None when the engine is closing already."""
        with self._changing:
            if self._closing:
                return None
            lane = Lane(self, self._budget, ordered=ordered, window=window)
            self._lanes.add(lane)
            return lane

    def submit(self, job: Job, lane: Lane, number: int) -> None:
        """Put a job on its way."""
        self._inbox.append(Flight(job, lane, number))
        if self._hungry and len(self._inbox) >= _BATCH:
            self.ring()

    def ring(self) -> None:
        """Wake the network thread, if it sleeps though there is something to do: somebody waits for an image."""
        if self._hungry or not self._budget.has_room(0):
            self._hungry = False
            self._network.ring()

    def wake(self) -> None:
        """There is room again."""
        self._network.ring()

    def leave(self, lane: Lane) -> None:
        """A lane closed; the last one closes the engine."""
        with self._changing:
            self._lanes.discard(lane)
            self._closing = self._closing or not self._lanes
        if self._closing:
            self._network.ring()
            if threading.current_thread() is not self._main:
                self._main.join(_CLOSE_WAIT_S)

    # The network thread

    def _run(self) -> None:
        flush_s = deliver_s = 0.0
        try:
            while not self._closing and self._error is None and threading.main_thread().is_alive():
                self._hungry = self._network.has_free_slots
                self._network.work(_SHORT_SLEEP_S if self._hungry or self._outbox else _LONGEST_SLEEP_S)
                self._hungry = False
                if self._has_a_batch or time.monotonic() >= deliver_s:
                    self._outbox.deliver()
                    deliver_s = time.monotonic() + _SHORT_SLEEP_S
                if self._counts is not None and time.monotonic() >= flush_s:
                    self._flush(self._counts)
                    flush_s = time.monotonic() + _FLUSH_S
        except BaseException as error:  # whatever it is, those who wait for images must hear of it
            self._stop(error)
        finally:
            self._close()

    @property
    def _has_a_batch(self) -> bool:
        """Whether enough has ended to be delivered; anything is, where memory is short or little is under way."""
        enough = min(_BATCH, 1 + self._network.n_in_flight // _BATCH)
        return len(self._outbox) >= enough or (len(self._outbox) > 0 and self._budget.spent)

    def _close(self) -> None:
        self._outbox.deliver()
        with self._changing:
            self._closing = True
            lanes = list(self._lanes)
        self._network.close()
        for _ in self._workers:
            self._bodies.put(None)
        for worker in self._workers:
            worker.join()
        try:
            self._finishing.close()
            if self._counts is not None:
                self._flush(self._counts)
        except Exception as error:  # a full disk, most likely
            self._stop(error)
        for lane in lanes:
            lane.fail(self._error or RuntimeError("the download has been closed."))

    def _flush(self, counts: ImageCounts) -> None:
        counts.total("digests", "malformed", self._finishing.malformed_digests)
        counts.flush()

    def _stop(self, error: BaseException) -> None:
        """End the run with ``error``; the first one counts."""
        with self._changing:
            self._error = self._error or error
        self._network.ring()

    def _failed(self, flight: Flight, refused: Refused) -> None:
        self._budget.hold(-flight.held)
        downloaded = Downloaded(flight.job.tag, refused.outcome, refused.detail)
        self._end(flight, downloaded, self._outbox, signal=refused.signal)

    def _finish_here(self, flight: Flight, body: bytes) -> None:
        """A header is read faster than handed on."""
        self._finish(flight, body, self._outbox)

    def _finish_later(self, flight: Flight, body: bytes) -> None:
        self._bodies.put((flight, body))

    # Threads for pixels

    def _finish_bodies(self) -> None:
        outbox = Outbox()
        while (waiting := self._next_body(outbox)) is not None:
            if not self._closing:
                self._finish(*waiting, outbox)
            if len(outbox) >= _PIXELS_BATCH or self._budget.spent:
                outbox.deliver()
            if self._hungry is False and self._bodies.qsize() <= len(self._workers):
                self._network.ring()  # slots came free while the network thread slept
        outbox.deliver()

    def _next_body(self, outbox: Outbox) -> tuple[Flight, bytes] | None:
        """What is finished next, None for the end; nobody who has something to deliver waits for it."""
        try:
            return self._bodies.get_nowait()
        except Empty:
            outbox.deliver()
            return self._bodies.get()

    def _finish(self, flight: Flight, body: bytes, outbox: Outbox) -> None:
        try:
            downloaded = self._finishing.finish(flight.job, body)
        except Exception as error:  # a column that holds no digests, a lock that cannot be written
            self._stop(error)
            return
        self._budget.hold(downloaded.held_bytes - flight.held)
        self._budget.learn(downloaded.held_bytes)
        self._end(flight, downloaded, outbox, n_bytes=len(body))

    def _end(
        self, flight: Flight, downloaded: Downloaded, outbox: Outbox, *, signal: str | None = None, n_bytes: int = 0
    ) -> None:
        """Count, and put into the outbox of the thread that this is."""
        outcome = downloaded.outcome
        downloaded.tries = flight.tries
        status = None if flight.hops is None else flight.hops.status
        if self._counts is not None:
            self._counts.add(
                outcome,
                host=flight.host_name,
                status=status,
                trust=None if downloaded.trust is None else downloaded.trust.value,
                signal=signal,
                tries=flight.tries,
                n_bytes=n_bytes,
            )
        stopped = self._streak.add(outcome, status)
        outbox.put(flight.lane, flight.number, downloaded)
        if stopped is not None:
            self._stop(stopped)


def _cpus() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
