"""Host names to addresses, any number at a time: a slow name server holds up nobody but those who ask it.

c-ares asks (through `pycares`) as the system is configured: ``/etc/hosts``, ``/etc/resolv.conf`` and their like.
libcurl's own look-ups run in a small pool of threads, where a few dead names hold up all others. Boundary: addresses
are not judged here; the one that is dialled is, by :mod:`laion_pairs.images.transfer`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pycares
from cachetools import TLRUCache

from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = ["Addresses", "Names", "is_address"]

Addresses = tuple[str, ...]

_MAX_NAMES = 50_000
_LEAST_S, _MOST_S = 10.0, 300.0  # an answer is kept for its own time to live, within these
_UNKNOWN_S, _UNANSWERED_S = 60.0, 5.0  # how long a refusal is kept; a try later asks the name server again
_TRIES = 2
_UNKNOWN = frozenset({pycares.errno.ARES_ENOTFOUND, pycares.errno.ARES_ENODATA, pycares.errno.ARES_EBADNAME})


def is_address(host: str) -> bool:
    """Whether the host of a checked URL is an IP address already."""
    return ":" in host or host[-1].isdigit()  # what ends in a number is IPv4 (`url_check`)


class Names:
    """What is known about names. Belongs to one thread; ``answered`` is called from another.

    Args:
        timeout_s: for one name.
        answered: called with a name once :meth:`look_up` knows it.
    """

    def __init__(self, timeout_s: float, answered: Callable[[str], None]) -> None:
        self._channel: pycares.Channel | None = None
        self._timeout_s = timeout_s
        self._answered = answered
        self._fresh: dict[str, tuple[Addresses | Refused, float]] = {}
        self._known: TLRUCache[str, tuple[Addresses | Refused, float]] = TLRUCache(
            _MAX_NAMES, ttu=lambda _name, entry, now_s: now_s + entry[1], timer=time.monotonic
        )
        self._asked: set[str] = set()

    def look_up(self, name: str) -> Addresses | Refused | None:
        """The addresses of ``name``, preferred ones first; a refusal; or None while it is being asked."""
        if name in self._fresh:
            self._known[name] = self._fresh.pop(name)
            self._asked.discard(name)
        known = self._known.get(name)
        if known is not None:
            return known[0]
        if name not in self._asked:
            self._asked.add(name)
            self._ask(name)
            if name in self._fresh:  # it was answered at once, out of a file
                return self.look_up(name)
        return None

    def close(self) -> None:
        """Ask nothing any more."""
        if self._channel is not None:
            self._channel.close()

    def _ask(self, name: str) -> None:
        if self._channel is None:
            self._channel = pycares.Channel(timeout=self._timeout_s / _TRIES, tries=_TRIES)

        def answer(result: pycares.AddrInfoResult | None, error: int | None) -> None:
            self._fresh[name] = _read(result, error)
            self._answered(name)

        self._channel.getaddrinfo(name, None, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM, callback=answer)


def _read(result: pycares.AddrInfoResult | None, error: int | None) -> tuple[Addresses | Refused, float]:
    """The answer, and for how many seconds it holds."""
    if error or result is None or not result.nodes:
        unknown = error is None or error in _UNKNOWN
        why = "the host name has no address" if unknown else "the name server did not answer"
        return Refused(Outcome.DNS_FAILED, f"{why}."), _UNKNOWN_S if unknown else _UNANSWERED_S
    addresses = tuple(dict.fromkeys(node.addr[0].decode("ascii") for node in result.nodes))
    return addresses, min(_MOST_S, max(_LEAST_S, min(node.ttl for node in result.nodes)))
