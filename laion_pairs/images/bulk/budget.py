"""How many bytes a download may hold: bodies that come in, bodies that wait, and decoded images that nobody took yet.

What is in flight is reckoned with the size of the last images, so a request is started only when there will be room for
its image. When the budget is spent, nothing is started and running transfers are paused, until somebody takes an image.
While somebody *waits* for an image, one transfer at a time may go on beyond the budget, so that there is always one
that arrives.

Where the network may run ahead of the decoders, bodies take three quarters of the budget at most, and a request is
reckoned with its body alone: :meth:`Budget.await_room` holds the decoders up, instead, when the budget is spent.

So the bound is the budget, one image more (a decoder), and what the reckoning is wrong by: a few requests' images where
sizes jump. In order, where one image is waited for while others arrive, it is the images of the requests that were
begun before.
"""

from __future__ import annotations

from threading import Condition, Lock

__all__ = ["Budget"]

_REMEMBERED = 32
_BODIES_SHARE = 3 / 4
"""Of the budget, for bodies that wait: on a web with silent hosts the last ones are asked so much earlier."""
_LOOK_AGAIN_S = 0.2


class Budget:
    """Bytes held, of at most ``limit``. Thread-safe.

    Args:
        typical_bytes: what one image is reckoned with before any was seen.
        runs_ahead: whether the network may run ahead of the decoders.
    """

    def __init__(self, limit: int, *, typical_bytes: int = 0, runs_ahead: bool = False) -> None:
        self.runs_ahead = runs_ahead
        self._limit = limit
        self._typical = self._typical_body = float(typical_bytes)
        self._held = 0
        self._images = 0  # of these, what is finished and not taken
        self._waiting = 0
        self._ahead: object | None = None
        self._changed = Condition(Lock())

    @property
    def spent(self) -> bool:
        """Whether nothing new should be started."""
        return self._held >= self._limit

    @property
    def tight(self) -> bool:
        """Whether one image more, as the last ones were, would find no room."""
        return self._held + self._typical > self._limit

    def has_room(self, n_in_flight: int, n_under_way: int) -> bool:
        """Whether one more request may be started: what it brings will find room beside that of the others.

        Args:
            n_in_flight: requests whose bodies have not come.
            n_under_way: these, and the bodies that wait to become images.
        """
        if not self.runs_ahead:
            return self._held + (n_under_way + 1) * self._typical <= self._limit
        bodies = self._held - self._images + (n_in_flight + 1) * self._typical_body
        return not self.spent and bodies <= _BODIES_SHARE * self._limit

    def finish(self, n_body_bytes: int, n_image_bytes: int) -> None:
        """A body became an image, which waits to be taken; the next are reckoned with a mean of about the last 32."""
        with self._changed:
            self._held += n_image_bytes - n_body_bytes
            self._images += n_image_bytes
            self._typical += (n_image_bytes - self._typical) / _REMEMBERED
            self._typical_body += (n_body_bytes - self._typical_body) / _REMEMBERED
            self._changed.notify_all()

    def take(self, n_image_bytes: int) -> bool:
        """Finished images left; returns whether that made room where there was none."""
        with self._changed:
            was_spent = self.spent
            self._held -= n_image_bytes
            self._images -= n_image_bytes
            self._changed.notify_all()
            return was_spent and not self.spent

    def await_room(self) -> bool:
        """Wait a moment until the budget is not spent, or somebody waits for an image; returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self.spent or self._waiting > 0, _LOOK_AGAIN_S)

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for an image."""
        return self._waiting > 0

    def hold(self, n: int) -> None:
        """Hold ``n`` bytes more (fewer, if negative), whether there is room or not."""
        with self._changed:
            self._held += n
            self._changed.notify_all()

    def may_hold(self, transfer: object, n: int) -> bool:
        """Hold ``n`` bytes more for ``transfer`` if there is room, or if it is the one that may go on without."""
        with self._changed:
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
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()

    def wait_ends(self) -> None:
        """Somebody does not wait any more."""
        with self._changed:
            self._waiting -= 1
