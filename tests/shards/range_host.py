"""A Hub on loopback whose files lie elsewhere, as on the real one: a redirect to a signed address that expires.

It counts what was asked of the store, in bytes and in sequential round trips, and misbehaves at chosen requests.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from laion_pairs.sample import LoopbackHub
from laion_pairs.sample.loopback import Answer, LoopbackServer, Request

__all__ = ["Asked", "RangeHost"]

REPO, PATH = "me/pairs", "data/part-0.parquet"


@dataclass(frozen=True)
class Asked:
    """One request for a file: when it came in, and how many bytes of the file were sent."""

    at_s: float
    n_bytes: int
    is_redirect: bool


class RangeHost(LoopbackHub):
    """One file at :attr:`url`. ``delay_s`` is the time of a round trip.

    ``redirects`` sends every request for it on to a signed address, which answers 403 after ``signed_requests`` ones.
    ``fault`` is asked for each answer of the store what becomes of it, by the number of the request.
    """

    def __init__(self, content: bytes, delay_s: float = 0.0, redirects: bool = False) -> None:
        super().__init__()
        self.delay_s, self.redirects = delay_s, redirects
        self.signed_requests: int | None = None
        self.fault: Callable[[int, Answer], Answer] = lambda number, answer: answer
        self.asked: list[Asked] = []
        self.store = _Store(self)
        self._numbers, self._signatures = itertools.count(), itertools.count()
        self._used: dict[str, int] = {}
        self._counting = threading.Lock()
        self.add_repository(REPO, {PATH: content})

    def start(self) -> RangeHost:
        self.store.start()
        return super().start()

    def stop(self) -> None:
        super().stop()
        self.store.stop()

    @property
    def url(self) -> str:
        return f"hf://datasets/{REPO}@{self.repositories[REPO].commits[-1].commit_id}/{PATH}"

    @property
    def moved(self) -> int:
        return sum(asked.n_bytes for asked in self.asked)

    @property
    def round_trips(self) -> int:
        """The longest chain of requests that came in one after the other's answer. Needs a delay to tell."""
        ends: list[tuple[float, int]] = []
        for asked in sorted(self.asked, key=lambda asked: asked.at_s):
            before = [depth for end, depth in ends if end <= asked.at_s]
            ends.append((asked.at_s + self.delay_s, 1 + max(before, default=0)))
        return max((depth for _, depth in ends), default=0)

    def answer(self, request: Request) -> Answer:
        if "/resolve/" not in request.path:
            return super().answer(request)
        if self.redirects:
            self._count(Answer(302), is_redirect=True)
            location = f"{self.store.url_of('127.0.0.1')}{request.path}?signature={next(self._signatures)}"
            return Answer(302, (("Location", location),), b"", delay_s=self.delay_s)
        return self._serve(request)

    def from_store(self, request: Request) -> Answer:
        """What the store answers to a signed address."""
        (signature,) = request.query["signature"]
        with self._counting:
            self._used[signature] = self._used.get(signature, 0) + 1
        if self.signed_requests is not None and self._used[signature] > self.signed_requests:
            return Answer(
                403, (("Content-Type", "application/xml"),), b"<Code>AccessDenied</Code>", delay_s=self.delay_s
            )
        return self._serve(request)

    def _serve(self, request: Request) -> Answer:
        answer = super().answer(replace(request, query={}))
        with self._counting:
            answer = self.fault(next(self._numbers), answer)
        self._count(answer)
        return replace(answer, delay_s=max(self.delay_s, answer.delay_s))

    def _count(self, answer: Answer, is_redirect: bool = False) -> None:
        n_bytes = 0 if answer.status >= 300 else min(answer.body_bytes, answer.cut_at or answer.body_bytes)
        with self._counting:
            self.asked.append(Asked(time.monotonic(), n_bytes, is_redirect))


class _Store(LoopbackServer):
    def __init__(self, host: RangeHost) -> None:
        super().__init__()
        self._host = host

    def answer(self, request: Request) -> Answer:
        return self._host.from_store(request)
