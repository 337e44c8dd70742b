"""How many bytes a download may hold: bodies that come in, bodies that wait, and decoded images that nobody took yet.

Counts; never blocks. When the budget is spent, no request is started and running ones are paused, until somebody takes
an image. While somebody *waits* for an image, one transfer at a time may go on beyond the budget, so that there is
always one that arrives: the bound is the budget and one image more.
"""

from __future__ import annotations

from threading import Lock

__all__ = ["Budget"]


class Budget:
    """Bytes held, of at most ``limit``. Thread-safe."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._waiting = 0
        self._ahead: object | None = None
        self._lock = Lock()

    @property
    def spent(self) -> bool:
        """Whether nothing new should be started."""
        return self._held >= self._limit

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for an image."""
        return self._waiting > 0

    def hold(self, n: int) -> None:
        """Hold ``n`` bytes more (fewer, if negative), whether there is room or not."""
        with self._lock:
            self._held += n

    def may_hold(self, transfer: object, n: int) -> bool:
        """Hold ``n`` bytes more for ``transfer`` if there is room, or if it is the one that may go on without."""
        with self._lock:
            if self._held + n > self._limit and self._ahead is not transfer:
                if self._ahead is not None or not self._waiting:
                    return False
                self._ahead = transfer
            self._held += n
            return True

    def ended(self, transfer: object) -> None:
        """``transfer`` holds no more: another one may go ahead."""
        if self._ahead is transfer:
            self._ahead = None

    def wait_begins(self) -> None:
        """Somebody waits for an image from now on."""
        with self._lock:
            self._waiting += 1

    def wait_ends(self) -> None:
        """Somebody does not wait any more."""
        with self._lock:
            self._waiting -= 1
