"""What is known about origins, shared by the fetches of one engine: each origin is asked once, however many images.

A fetch that comes to an origin nobody knows is the one that asks it; those that come meanwhile get a :class:`Wait`.
Whoever drives fetches parks these, and looks at :meth:`Reservations.take_answered` after each finished transfer for
the origins whose parked fetches can go on. A fetch that is dropped while it asks gives its claim back, and the next
that goes on asks instead. Memory is bounded in bytes, so that many small hosts or a few long files fit.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from cachetools import TLRUCache

from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.reservations.origin import Origin
from laion_pairs.images.reservations.verdict import OriginVerdict

__all__ = ["Reservations", "Wait", "asks_origins"]

_MAX_BYTES = 32 * 2**20
"""Room for about 55,000 origins without files, or 11,000 with a robots.txt of 2.3 kB."""


def asks_origins(policy: DownloadPolicy) -> bool:
    """Whether ``policy`` asks hosts for files before their images; if not, fetches need no :class:`Reservations`."""
    return policy.ask_robots_txt or policy.ask_tdmrep


@dataclass(frozen=True, slots=True)
class Wait:
    """Another fetch is asking this origin now: park the fetch, and ``resume()`` it when the origin is answered."""

    origin: Origin
    reservations: Reservations

    def block(self, timeout_s: float) -> None:
        """Instead of parking: hold this thread until the origin is answered or ``timeout_s`` is over."""
        self.reservations.block(self.origin, timeout_s)


class Reservations:
    """The answers of origins under one policy. Thread-safe; not to be shared across a fork.

    Args:
        policy: which files are asked for.
    """

    def __init__(self, policy: DownloadPolicy) -> None:
        self.policy = policy
        self._known: TLRUCache[Origin, OriginVerdict] = TLRUCache(
            _MAX_BYTES, ttu=_expiry_s, timer=time.monotonic, getsizeof=_size_bytes
        )
        self._askers: dict[Origin, object] = {}
        self._waited_for: set[Origin] = set()
        self._answered: dict[Origin, None] = {}  # an ordered set
        self._change = threading.Condition()

    def look_up(self, origin: Origin, asker: object) -> OriginVerdict | Wait | None:
        """What is known; a :class:`Wait` while another asks; None where ``asker`` has to ask now, and then tell."""
        with self._change:
            verdict = self._known.get(origin)
            if verdict is not None:
                return verdict
            if origin in self._askers:
                self._waited_for.add(origin)
                return Wait(origin, self)
            self._askers[origin] = asker
            return None

    def tell(self, origin: Origin, asker: object, verdict: OriginVerdict) -> None:
        """``asker`` has its answer."""
        with self._change:
            self._known[origin] = verdict
            self._end(origin, asker)

    def give_up(self, origin: Origin, asker: object) -> None:
        """``asker`` will have no answer: the next may ask. Does nothing where it is not the one that asks."""
        with self._change:
            self._end(origin, asker)

    def take_answered(self) -> list[Origin]:
        """The origins that fetches had to wait for and need not any more, since the last call."""
        if not self._answered:
            return []
        with self._change:
            answered = list(self._answered)
            self._answered.clear()
            return answered

    def block(self, origin: Origin, timeout_s: float) -> None:
        """Hold this thread while the origin is asked, for at most ``timeout_s``; nobody needs to be told of it then."""
        with self._change:
            self._waited_for.discard(origin)
            self._answered.pop(origin, None)
            self._change.wait_for(lambda: origin not in self._askers, timeout_s)

    def _end(self, origin: Origin, asker: object) -> None:
        if self._askers.get(origin) is not asker:
            return
        del self._askers[origin]
        if origin in self._waited_for:
            self._waited_for.remove(origin)
            self._answered[origin] = None
        self._change.notify_all()


def _expiry_s(_origin: Origin, verdict: OriginVerdict, now_s: float) -> float:
    return now_s + verdict.keep_s


def _size_bytes(verdict: OriginVerdict) -> int:
    return verdict.size_bytes
