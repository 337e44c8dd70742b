"""Machine-readable opt-outs in response headers: one parser, for every header of a name, on every hop. Pure.

What counts as a refusal; names and values are compared without regard to case, and unknown directives are ignored:

``X-Robots-Tag``
    ``noai``, ``noimageai``, ``noml``, ``noindex``, ``noimageindex`` or ``none``, bare or behind any ``agent:``.
    A directive that takes a value is not an agent: ``noai, unavailable_after: 25 Jun 2030 15:00:00 PST`` refuses by
    its ``noai``, and ``max-image-preview: none`` does not refuse.
``tdm-reservation`` (W3C TDM Reservation Protocol)
    everything but ``0``: ``1``, and illegal values such as ``yes`` or nothing at all.
``Content-Usage`` (IETF AIPREF draft; a dictionary of RFC 9651)
    ``train-ai`` or its narrower ``train-genai`` with any value but ``y``: ``n``, and illegal values such as ``no``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["allows_tdm", "find_opt_out"]

_REFUSALS = frozenset({"noai", "noimageai", "noml", "noindex", "noimageindex", "none"})
_VALUED = re.compile(r"(?<![\w-])max-(?:snippet|image-preview|video-preview)\s*[:=]\s*[^\s,;:]*", re.I)
_WORD = re.compile(r"[^\s,;:=\"']+")
_TRAINING = frozenset({"train-ai", "train-genai"})


def find_opt_out(headers: Iterable[tuple[str, str]]) -> str | None:
    """The first refusal among ``(name, value)`` pairs, as a phrase of a closed list; None where there is none.

    >>> find_opt_out([("X-Robots-Tag", "googlebot: nofollow"), ("x-robots-tag", "otherbot: NoAI")])
    'X-Robots-Tag: noai'
    """
    for name, value in headers:
        parse = _PARSERS.get(name.strip().lower())
        found = parse(value) if parse is not None else None
        if found is not None:
            return found
    return None


def allows_tdm(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a ``tdm-reservation`` header says, legally, that nothing is reserved."""
    values = [value for name, value in headers if name.strip().lower() == "tdm-reservation"]
    return bool(values) and all(_tdm(value) is None for value in values)


def _robots(value: str) -> str | None:
    words = (word.lower() for word in _WORD.findall(_VALUED.sub("", value)))
    return next((f"X-Robots-Tag: {word}" for word in words if word in _REFUSALS), None)


def _tdm(value: str) -> str | None:
    if all(part.strip() == "0" for part in value.split(",")):
        return None
    return "tdm-reservation: 1" if value.strip() == "1" else "tdm-reservation with an illegal value"


def _usage(value: str) -> str | None:
    for member in value.split(","):
        key, _, preference = (part.strip().lower() for part in member.partition(";")[0].partition("="))
        if key in _TRAINING and preference != "y":
            return f"Content-Usage: {key}=n" if preference == "n" else f"Content-Usage: {key} with an illegal value"
    return None


_PARSERS = {"x-robots-tag": _robots, "tdm-reservation": _tdm, "content-usage": _usage}
