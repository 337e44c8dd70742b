"""One remote file, read in ranges, whatever happens on the way.

A connection that cannot be made, breaks or stalls, an answer that ends early, a 5xx and a 429 are tried again, with
longer and longer waits, from the byte that was missing. A file is resolved once: what follows is asked of the address
that the host had redirected to, until that refuses (a signed address expires), and then of the host again.

What the host says about the file must not change meanwhile: its size, and at an address that may be replaced its ETag.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_exponential,
    wait_random,
)

from laion_pairs.errors import ShardError
from laion_pairs.shards.ranges import crew
from laion_pairs.shards.ranges.body import Body
from laion_pairs.shards.ranges.host import Answer, Host, Lost, Refused

__all__ = ["Patience", "Remote"]

_PASSING = (408, 425, 429)
"""The 4xx answers that another try may change; besides every 5xx."""
_EXPIRED = (400, 403)
"""What a store answers to a signed address whose time is over: S3, CloudFront and Azure 403, Google 400."""
_MAX_RETRY_AFTER_S = 300.0
"""The window of the Hub's rate limits."""


@dataclass(frozen=True)
class Patience:
    """How often one range is tried. Defaults: a host that never answered about 4 s, one that did about a minute."""

    tries_at_first: int = 4
    tries: int = 9
    first_wait_s: float = 0.5
    max_wait_s: float = 16.0


class _Again(Exception):
    """Worth another try. ``error`` is what to raise when that was the last one."""

    def __init__(self, error: BaseException, wait_s: float = 0.0, at_once: bool = False) -> None:
        super().__init__(str(error))
        self.error, self.wait_s, self.at_once = error, wait_s, at_once


class Remote:
    """A file on a host, read in ranges from any thread.

    Attributes:
        size: in bytes; None before the first answer where nobody knew it.
        tail: the last bytes of the file; empty before they are read.

    Raises:
        ShardError: it was replaced meanwhile, or its host does not serve parts of files.
        Exception: what the host's client raises when it is refused, or when every try failed.
    """

    def __init__(
        self, host: Host, size: int | None = None, tail: bytes | None = None, patience: Patience | None = None
    ) -> None:
        self.size = size
        self.tail = tail or b""
        self._host, self._patience = host, patience or Patience()
        self._resolved: str | None = None
        self._etag: str | None = None
        self._closed, self._exiting = threading.Event(), crew.EXITING

    def read(self, start: int, end: int) -> memoryview:
        """The bytes [start, end), which must lie within the file."""
        tail_start = (self.size or 0) - len(self.tail)
        if self.tail and start >= tail_start:
            return memoryview(self.tail)[start - tail_start : end - tail_start]
        return memoryview(self._read(start, end))

    def read_tail(self, n_bytes: int) -> None:
        """Have the last bytes of the file, in one request if in any; from then on its size is known."""
        if self.tail:
            return
        if self.size is None:
            body = Body()
            self._try(lambda: self._ask_tail(n_bytes, body))
            size = self.size or 0
            if len(body) == min(n_bytes, size):  # else the host does not know this form, or broke off
                self.tail = bytes(body)
                return
        size = self.size or 0
        self.tail = bytes(self._read(max(0, size - n_bytes), size))

    def read_head(self, n_bytes: int) -> bytes:
        """The first bytes of the file in one request; from then on its size is known."""
        body = Body()
        if self.size is None:
            self._try(lambda: self._ask(f"bytes={len(body)}-{n_bytes - 1}", len(body), body, n_bytes))
        end = min(n_bytes, self.size or 0)
        return bytes(body) if len(body) == end else bytes(self._read(0, end))

    def close(self) -> None:
        """Give up: no request is tried again."""
        if not self._exiting:
            self._closed.set()

    def _read(self, start: int, end: int) -> Body:
        body = Body()
        if start < end:
            self._try(lambda: self._go_on(start, end, body))
        return body

    def _go_on(self, start: int, end: int, body: Body) -> None:
        first = start + len(body)
        if first < end:  # else the connection broke after the last byte
            self._ask(f"bytes={first}-{end - 1}", first, body, end - start)
        if len(body) < end - start:
            raise _Again(ConnectionError(f"The answer ended {end - start - len(body)} bytes early."))

    def _ask_tail(self, n_bytes: int, body: Body) -> None:
        if self.size is None:  # else an answer that broke off has said it
            self._ask(f"bytes=-{n_bytes}", None, body, n_bytes)

    def _ask(self, byte_range: str, first: int | None, body: Body, max_bytes: int) -> None:
        url = self._resolved or self._host.url

        def begin(answer: Answer) -> None:
            self._check(answer, first)
            body.begin()

        try:
            self._host.get(url, byte_range, begin, body, max_bytes)
        except Lost as error:
            raise _Again(error.__cause__ or error) from error
        except Refused as refused:
            cause = refused.__cause__ or refused
            if refused.status == 416 and first is None and refused.total == 0:
                self.size = 0
                return
            if refused.status >= 500 or refused.status in _PASSING:
                raise _Again(cause, refused.retry_after_s) from refused
            if url != self._host.url:
                self._resolved = None
                raise _Again(cause, at_once=True) from refused
            if refused.status in _EXPIRED and refused.url != url:
                raise _Again(cause) from refused
            raise cause from None

    def _check(self, answer: Answer, first: int | None) -> None:
        """Refuse another file's bytes; learn from the first answer what the file is."""
        if answer.total is not None:
            if self.size is not None and answer.total != self.size:
                raise self._replaced(f"it had {self.size} bytes and has {answer.total}")
            self.size = answer.total
        if not self._host.is_pinned and answer.etag is not None:
            if self._etag is not None and answer.etag != self._etag:
                raise self._replaced("its ETag changed")
            self._etag = answer.etag
        if not answer.partial and first is not None:
            raise ShardError(f"{self._host.url} cannot be read in parts; download it and pass the file.")
        if first is not None and answer.first is not None and answer.first != first:
            raise _Again(ConnectionError(f"Byte {first} was asked for and byte {answer.first} came."))
        self._resolved = answer.url

    def _replaced(self, how: str) -> ShardError:
        return ShardError(f"{self._host.url} was replaced while it was read ({how}); load it again.")

    def _try(self, once: Callable[[], None]) -> None:
        retrying = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=self._is_enough,
            wait=self._wait_s,
            sleep=sleep_using_event(self._closed),
            reraise=True,
        )
        try:
            retrying(once)
        except _Again as error:
            raise error.error from None

    def _is_enough(self, state: RetryCallState) -> bool:
        tries = self._patience.tries if self._resolved is not None or self._etag else self._patience.tries_at_first
        return state.attempt_number >= tries or stop_when_event_set(self._closed)(state)

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        if not isinstance(error, _Again) or error.at_once:
            return 0.0
        backoff = wait_exponential(self._patience.first_wait_s, self._patience.max_wait_s) + wait_random(0, 0.25)
        return max(backoff(state), min(error.wait_s, _MAX_RETRY_AFTER_S))
