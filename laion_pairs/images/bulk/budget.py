"""How many bytes a download may hold: bodies that come in, bodies that wait, and decoded images that nobody took yet.

Counts; never blocks. What is in flight is reckoned with the size of the last images, so a request is started only when
there will be room for its image. When the budget is spent, nothing is started and running transfers are paused, until
somebody takes an image. While somebody *waits* for an image, one transfer at a time may go on beyond the budget, so
that there is always one that arrives.

So the bound is the budget, one image more, and what the reckoning is wrong by: a few requests' images where sizes jump.
In order, where one image is waited for while others arrive, it is the images of the requests that were begun before.
"""

from __future__ import annotations

from threading import Lock

__all__ = ["Budget"]

_REMEMBERED = 32


class Budget:
    """Bytes held, of at most ``limit``. Thread-safe.

    Args:
        typical_bytes: what one image is reckoned with before any was seen.
    """

    def __init__(self, limit: int, *, typical_bytes: int = 0) -> None:
        self._limit = limit
        self._typical = float(typical_bytes)
        self._held = 0
        self._waiting = 0
        self._ahead: object | None = None
        self._lock = Lock()

    @property
    def spent(self) -> bool:
        """Whether nothing new should be started."""
        return self._held >= self._limit

    def has_room(self, n_under_way: int) -> bool:
        """Whether the images of so many requests and one more will find room."""
        return self._held + (n_under_way + 1) * self._typical <= self._limit

    def learn(self, n_bytes: int) -> None:
        """An image of so many bytes came: the next are reckoned with a mean over about the last 32."""
        self._typical += (n_bytes - self._typical) / _REMEMBERED

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
