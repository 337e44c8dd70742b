"""The threads that requests wait in: a few for the whole process, and none that keeps an interpreter from exiting.

``concurrent.futures`` joins its threads at exit, so that a process would wait for a request that stalls. These are
daemons, end when nothing was to do for a while, and a child of a fork starts its own.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["MAX_THREADS", "submit"]

MAX_THREADS = 8
"""Requests in flight: at 1 Gbit/s and 50 ms about 6 MB are on their way, which are two or three windows."""
_IDLE_S = 5.0


class _Crew:
    def __init__(self) -> None:
        self._waiting = threading.Condition()
        self._work: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._threads = self._idle = 0

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
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
                while not self._work:
                    self._idle += 1
                    in_time = self._waiting.wait(_IDLE_S)
                    self._idle -= 1
                    if not in_time and not self._work:
                        self._threads -= 1
                        return
                future, work = self._work.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:  # whoever waits raises it
                    future.set_exception(error)
            del future, work


_crew = _Crew()


def submit(work: Callable[[], Any]) -> Future[Any]:
    """Have the work done in one of the threads, in the order of the calls."""
    return _crew.submit(work)


def _after_fork() -> None:
    global _crew
    _crew = _Crew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
