"""Downloads in bulk against loopback hosts that measure what reaches them."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from laion_pairs.images.bulk import Downloaded, Job, Settings, download
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.ledger import Outcome
from laion_pairs.sample.image_host import ImageHost
from laion_pairs.sample.loopback import Answer, Request

__all__ = ["HURRY", "Crowd", "fetch_all", "outcomes", "policy"]

HURRY: dict[str, Any] = {
    "allow_private": True,
    "host_interval_s": 0.0,
    "max_retries": 0,
    "breaker_failures": 10**9,
    "stop_after_failures": 0,
    "connect_timeout_s": 5.0,
    "first_byte_timeout_s": 5.0,
    "total_timeout_s": 8.0,
}
"""A policy without manners, for tests of everything else: loopback, no pace, no retry, no breaker, no stop."""


def policy(**changes: Any) -> DownloadPolicy:
    """:data:`HURRY` with changes."""
    return DownloadPolicy(**{**HURRY, **changes})


def fetch_all(
    urls: Iterable[str | None],
    given: DownloadPolicy | None = None,
    *,
    ordered: bool = False,
    **settings: Any,
) -> list[Downloaded]:
    """Every URL once, through the bulk path; the tag is its place."""
    jobs = (Job(url, tag=place) for place, url in enumerate(urls))
    return list(download(jobs, Settings(policy=given or policy(), **settings), ordered=ordered))


def outcomes(done: Iterable[Downloaded]) -> dict[str, int]:
    """How many ended how."""
    return dict(Counter(one.outcome.value for one in done))


class Crowd(ImageHost):
    """An image host that holds every answer for ``hold_s`` and measures, by Host header, how many it holds at a time.

    Attributes:
        peak: the most requests at a time, by host (without port); ``peak["*"]`` over all.
        arrived_s: ``time.monotonic()`` of every request, by host.
    """

    def __init__(self, addresses: Iterable[str] = ("127.0.0.1",), *, hold_s: float = 0.0) -> None:
        super().__init__(addresses)
        self.hold_s = hold_s
        self.peak: Counter[str] = Counter()
        self.arrived_s: dict[str, list[float]] = defaultdict(list)
        self._now: Counter[str] = Counter()
        self._measuring = threading.Lock()

    def answer(self, request: Request) -> Answer:
        host = request.headers["host"].rpartition(":")[0]
        with self._measuring:
            self.arrived_s[host].append(time.monotonic())
            for name in (host, "*"):
                self._now[name] += 1
                self.peak[name] = max(self.peak[name], self._now[name])
        try:
            self.stopping.wait(self.hold_s)
            return super().answer(request)
        finally:
            with self._measuring:
                for name in (host, "*"):
                    self._now[name] -= 1


RETRYABLE = tuple(outcome for outcome in Outcome if outcome.retryable)
