"""The threads that requests wait in: a few for the whole process, and none that keeps an interpreter from exiting.

``concurrent.futures`` joins its threads at exit, so that a process would wait for a request that stalls. These are
daemons, end when nothing was to do for a while, and a child of a fork starts its own. A fork waits for the requests on
their way, since a child that inherits a lock of the HTTP client hangs; at exit nothing is cancelled any more, since a
daemon may have been stopped with the lock of its future in hand.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["EXITING", "MAX_THREADS", "submit"]

MAX_THREADS = 8
"""Requests in flight: at 1 Gbit/s and 50 ms about 6 MB are on their way, which are two or three windows."""
_IDLE_S = 5.0
_FORK_WAITS_S = 10.0

EXITING: list[bool] = []
"""Not empty once the interpreter exits. Whoever needs it then keeps it: modules lose their names first."""
atexit.register(EXITING.append, True)


class _Job(Future[Any]):
    exiting = EXITING

    def cancel(self) -> bool:
        """What nobody has begun is not done; nothing changes at exit."""
        return not self.exiting and super().cancel()


class _Crew:
    def __init__(self) -> None:
        self._waiting = threading.Condition()
        self._work: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._threads = self._idle = self._running = 0
        self._is_paused = False

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = _Job()
        with self._waiting:
            self._work.append((future, work))
            if self._idle >= len(self._work):
                self._waiting.notify()
            elif self._threads < MAX_THREADS:
                self._threads += 1
                threading.Thread(target=self._run, name="laion-ranges", daemon=True).start()
        return future

    def _run(self) -> None:
        while True:
            with self._waiting:
                while not self._work or self._is_paused:
                    self._idle += 1
                    in_time = self._waiting.wait(_IDLE_S)
                    self._idle -= 1
                    if not in_time and not self._work and not self._is_paused:
                        self._threads -= 1
                        return
                future, work = self._work.popleft()
                self._running += 1
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:  # whoever waits raises it
                    future.set_exception(error)
            del future, work
            with self._waiting:
                self._running -= 1
                self._waiting.notify_all()

    def pause(self) -> None:
        """Begin nothing more, and wait for what was begun, within limits."""
        with self._waiting:
            self._is_paused = True
            self._waiting.wait_for(lambda: not self._running, _FORK_WAITS_S)

    def go_on(self) -> None:
        with self._waiting:
            self._is_paused = False
            self._waiting.notify_all()


_crew = _Crew()


def submit(work: Callable[[], Any]) -> Future[Any]:
    """Have the work done in one of the threads, in the order of the calls."""
    return _crew.submit(work)


def _after_fork() -> None:
    global _crew
    _crew = _Crew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lambda: _crew.pause(), after_in_parent=lambda: _crew.go_on(), after_in_child=_after_fork)
