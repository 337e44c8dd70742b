"""What a host of files is to a reader: one request for one range (no retries, no state)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from laion_pairs.shards.ranges.body import Body

__all__ = ["Answer", "Host", "Lost", "Refused", "answer_of", "refusal_of"]

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_RATE_LIMIT = re.compile(r";\s*r=0\s*;\s*t=(\d+)")
"""The Hub's own way to say it: nothing remains, for so many seconds (draft-ietf-httpapi-ratelimit-headers)."""


class Answer(NamedTuple):
    """The head of an answer.

    ``partial``: it is the range that begins at ``first``; else it is the whole file. ``total``: the file's size.
    ``url``: who answered, after redirects. ``etag``: of the file's content.
    """

    partial: bool
    first: int | None
    total: int | None
    url: str
    etag: str | None


@dataclass
class Refused(Exception):
    """The host answered, and not with the file; why is the ``__cause__``."""

    status: int
    url: str
    retry_after_s: float
    total: int | None


class Lost(Exception):
    """The connection could not be made, broke or stalled; the client's own error is the ``__cause__``."""


class Host(Protocol):
    """Where one file is had from."""

    url: str
    is_pinned: bool
    """Whether what the URL names can never be replaced: a file at a commit."""

    def get(self, url: str, byte_range: str, begin: Callable[[Answer], None], into: Body, max_bytes: int) -> None:
        """Append a range of the file to ``into`` until it holds ``max_bytes``.

        ``url`` is the host's own or what an earlier answer came from. ``begin`` sees the head before any byte is taken,
        and may raise. The body of an answer that is not partial is not read.

        Raises:
            Refused, Lost: ``into`` keeps what had come.
        """


def answer_of(status: int, headers: Mapping[str, str], url: str) -> Answer:
    """The head of a 200 or 206 answer."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip()) if status == 206 else None
    length = headers.get("Content-Length", "")
    if match is None:
        return Answer(
            False, None, int(length) if status == 200 and length.isdigit() else None, url, headers.get("ETag")
        )
    first, _, total = match.groups()
    return Answer(
        True, int(first) if first else None, int(total) if total.isdigit() else None, url, headers.get("ETag")
    )


def refusal_of(status: int, headers: Mapping[str, str], url: str) -> Refused:
    """What any other answer is; ``Retry-After`` as a date is taken for none."""
    wait = headers.get("Retry-After", "").strip()
    limit = _RATE_LIMIT.search(headers.get("RateLimit", "")) if status == 429 else None
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    total = int(match[3]) if match is not None and match[3].isdigit() else None
    return Refused(status, url, float(limit[1] if limit else wait if wait.isdigit() else 0), total)
