"""What a ``robots.txt`` says about a URL, for our name or, where it names us nowhere, for ``*``. Pure.

The grammar is RFC 9309's, read by Protego: the longest pattern that matches wins, ``*`` and ``$`` are special, and at
a tie ``Allow`` wins. A file that starts like a web page or holds a NUL byte is not a ``robots.txt`` but what some
server sends for everything; it is unreadable, which is a refusal.
"""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple

from cachetools import LRUCache, cached
from protego import Protego

from laion_pairs.images.policy import AGENT_TOKEN
from laion_pairs.images.reservations.unreadable import Unreadable

__all__ = ["RobotsFile"]

_MAX_PARSED_CHARS = 2**20
"""Of the files that are held parsed; parsed they take about 20 times their text (measured with Protego 0.7)."""


class _Parsed(NamedTuple):
    rules: Protego
    chars: int


class RobotsFile:
    """A ``robots.txt``; held as text, because its parsed form is many times larger."""

    __slots__ = ("_text",)

    def __init__(self, body: bytes) -> None:
        """Raises :class:`Unreadable` for a body that is no ``robots.txt``."""
        if b"\0" in body or body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
            raise Unreadable
        self._text = body.decode("utf-8-sig", errors="replace").strip()

    @property
    def size_bytes(self) -> int:
        """About how much memory this takes."""
        return len(self._text) * (1 if self._text.isascii() else 4)

    def refuses(self, url: str) -> bool:
        """Whether our agent is told not to fetch ``url``."""
        return bool(self._text) and not _parse(self._text).rules.can_fetch(url, AGENT_TOKEN)


@cached(LRUCache(_MAX_PARSED_CHARS, getsizeof=lambda parsed: parsed.chars), lock=Lock())
def _parse(text: str) -> _Parsed:
    return _Parsed(Protego.parse(text), 1 + len(text))
