"""What a ``/.well-known/tdmrep.json`` says about a URL (W3C TDM Reservation Protocol, 2024-05-10). Pure.

The grammar; a file of any other form is unreadable, which is a refusal::

    file     = [ rule, … ]                              JSON in UTF-8
    rule     = {"location": pattern, "tdm-reservation": 0 | 1, …}      other keys are ignored
    pattern  = "/" or "*", then text in which "*" is any text and a last "$" the end of the URL

A rule without ``tdm-reservation`` says nothing. A value other than the number 0 reserves: 1, and illegal ones such as
``"0"`` or ``true``. A pattern is compared with path and query, with regard to case, after what need not be
percent-encoded is decoded on both sides. "The most specific match", says the protocol, "is the first in sequence";
people who write these files as they write a robots.txt mean the longest. Where the two differ, the reserving one holds.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from laion_pairs.images.reservations.unreadable import Unreadable

__all__ = ["TdmFile"]

_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


class _Rule(NamedTuple):
    pattern: str
    reserved: bool


class TdmFile:
    """The rules of one origin."""

    __slots__ = ("_rules",)

    def __init__(self, body: bytes) -> None:
        """Raises :class:`Unreadable` for a body that is no ``tdmrep.json``."""
        try:
            rules = json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise Unreadable from None
        if not isinstance(rules, list):
            raise Unreadable
        self._rules = tuple(rule for rule in map(_rule, rules) if rule is not None)

    @property
    def size_bytes(self) -> int:
        """About how much memory this takes."""
        return sum(160 + 4 * len(rule.pattern) for rule in self._rules)

    def reserves(self, url: str) -> bool:
        """Whether ``url`` (http or https) is reserved, by either reading of "most specific"."""
        parts = urlsplit(url)
        path = _normal(parts.path + (f"?{parts.query}" if parts.query else ""))
        matching = [rule for rule in self._rules if _matches(rule.pattern, path)]
        if not matching:
            return False
        return matching[0].reserved or max(matching, key=lambda rule: len(rule.pattern)).reserved


def _rule(given: Any) -> _Rule | None:
    if not isinstance(given, dict):
        raise Unreadable
    pattern = given.get("location")
    if not isinstance(pattern, str) or not pattern.startswith(("/", "*")):
        raise Unreadable
    if "tdm-reservation" not in given:
        return None
    value = given["tdm-reservation"]
    return _Rule(_normal(pattern), not (type(value) is int and value == 0))


def _normal(text: str) -> str:
    """``text`` in one spelling of its percent-encoding; what is not ASCII is encoded as UTF-8."""
    ascii_text = "".join(c if c.isascii() else _encode(c) for c in text)
    return _ESCAPE.sub(_decode, ascii_text)


def _encode(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))


def _decode(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()


def _matches(pattern: str, path: str) -> bool:
    """Whether ``pattern`` matches from the start of ``path``; linear, whatever the pattern."""
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if pattern.endswith("$"):
        if not others:
            return path == first
        *others, last = others
        end = len(path) - len(last)
        if not path.endswith(last):
            return False
    else:
        end = len(path)
    at = len(first)
    for part in others:
        at = path.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return at <= end
