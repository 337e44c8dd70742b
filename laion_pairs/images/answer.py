"""What the header of an answer means for a fetch: a refusal, a redirect, or a body worth reading. Pure.

An opt-out comes first, whatever the status: also a redirect or an error page that reserves is believed. Then:

=====================================  ====================
301 302 303 307 308 with ``Location``   redirect
200, 203                                body, unless ``Content-Length`` is over the limit: ``TOO_LARGE``
429, 503 with ``Retry-After``           ``RATE_LIMITED``
other 4xx                               ``HTTP_CLIENT_ERROR``
other 5xx, and statuses HTTP lacks      ``HTTP_SERVER_ERROR``
other 2xx and 3xx (204, 206, 304 …)     ``NOT_AN_IMAGE``: nothing that we asked for, and no image in it
=====================================  ====================
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from laion_pairs.images.opt_out import allows_tdm, find_opt_out
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = ["Headers", "Redirect", "content_encodings", "judge_answer", "judge_opt_out", "judge_status", "read_headers"]

Headers = Sequence[tuple[str, str]]

_BLANKS = b" \t\r\n"  # not all that Latin-1 calls a space: "\xa0" also ends the UTF-8 of "à"
_JUDGED = frozenset(
    (
        b"x-robots-tag",
        b"tdm-reservation",
        b"content-usage",
        b"location",
        b"content-length",
        b"content-encoding",
        b"retry-after",
    )
)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Redirect:
    """The answer points elsewhere: ``location`` as sent, not yet resolved or checked."""

    location: bytes


def read_headers(lines: Sequence[bytes]) -> Headers:
    """The headers that are judged, as ``(name, value)`` in order, of the lines of one block; its status line is none.

    Names in lower case; values decoded as Latin-1. A line that starts with a blank goes on with the one before it.
    """
    found: list[tuple[bytes, bytes]] = []
    for line in lines:
        if line[:1] in b" \t":
            if found:
                name, value = found[-1]
                found[-1] = (name, value + b" " + line.strip(_BLANKS))
        else:
            name, _, value = line.partition(b":")
            found.append((name.strip(_BLANKS).lower(), value.strip(_BLANKS)))
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in found if name in _JUDGED]


def content_encodings(headers: Headers) -> list[str]:
    """The encodings of the body, in the order in which they were applied; empty for none."""
    return [word.strip().lower() for value in _values(headers, "content-encoding") for word in value.split(",")]


def judge_answer(status: int, headers: Headers, max_body_bytes: int, *, reserved: str | None = None) -> Redirect | None:
    """A :class:`Redirect`, or None where the body is to be read; raises :class:`Refused` for the rest.

    Args:
        status: of the final header block.
        headers: its ``(name, value)`` pairs in order, decoded as Latin-1.
        max_body_bytes: the largest ``Content-Length`` that is read.
        reserved: as for :func:`judge_opt_out`.
    """
    judge_opt_out(headers, reserved)
    return judge_status(status, headers, max_body_bytes)


def judge_status(status: int, headers: Headers, max_body_bytes: int) -> Redirect | None:
    """As :func:`judge_answer`, without a look at opt-outs."""
    if status in _REDIRECTS and _values(headers, "location"):
        locations = set(_values(headers, "location"))
        if len(locations) > 1:
            raise Refused(Outcome.HTTP_SERVER_ERROR, "the host redirects to two places at once.")
        return Redirect(locations.pop().encode("latin-1"))
    if status in (200, 203):
        if any(_is_more_than(value, max_body_bytes) for value in _values(headers, "content-length")):
            raise Refused(Outcome.TOO_LARGE, f"the host announces a body of more than {max_body_bytes} bytes.")
        return None
    outcome = _outcome_of_status(status, headers)
    pause_s = _retry_after_s(headers) if outcome is Outcome.RATE_LIMITED else None
    raise Refused(outcome, f"the host answered with status {status}.", retry_after_s=pause_s)


def judge_opt_out(headers: Headers, reserved: str | None = None) -> None:
    """Raise :class:`Refused` with ``OPTED_OUT`` where the image is reserved.

    Args:
        headers: of one block of the answer.
        reserved: a file of the host that reserves the image, such as ``tdmrep.json``, or None; a header
            ``tdm-reservation: 0`` overrides it.
    """
    signal = find_opt_out(headers)
    if signal is not None:
        raise Refused(Outcome.OPTED_OUT, f"the host opts out by header: {signal}.", signal=signal)
    if reserved is not None and not allows_tdm(headers):
        raise Refused(Outcome.OPTED_OUT, f"the host's {reserved} reserves this image.", signal=reserved)


def _outcome_of_status(status: int, headers: Headers) -> Outcome:
    if status == 429 or (status == 503 and _values(headers, "retry-after")):
        return Outcome.RATE_LIMITED
    if 400 <= status <= 499:
        return Outcome.HTTP_CLIENT_ERROR
    return Outcome.NOT_AN_IMAGE if 200 <= status <= 399 else Outcome.HTTP_SERVER_ERROR


def _retry_after_s(headers: Headers) -> float | None:
    """Seconds, or a date (RFC 9110 section 10.2.3); the longest of several, None where none is readable."""
    found = [_pause_s(value.strip()) for value in _values(headers, "retry-after")]
    return max((pause_s for pause_s in found if pause_s is not None), default=None)


def _pause_s(text: str) -> float | None:
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _values(headers: Headers, name: str) -> list[str]:
    return [value for key, value in headers if key.strip().lower() == name]


def _is_more_than(text: str, limit: int) -> bool:
    digits = text.strip()
    return digits.isascii() and digits.isdecimal() and (len(digits) > 18 or int(digits) > limit)
