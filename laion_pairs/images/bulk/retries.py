"""What is tried again, and when. Pure; given the clock."""

from __future__ import annotations

import heapq
import math
from itertools import count
from typing import Generic, TypeVar

from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused

__all__ = ["Retries"]

T = TypeVar("T")


class Retries(Generic[T]):
    """Everything that waits for another try.

    Args:
        policy: says how often and how soon.
    """

    def __init__(self, policy: DownloadPolicy) -> None:
        self._policy = policy
        self._later: list[tuple[float, int, T]] = []
        self._order = count()

    def put(self, item: T, tries: int, refused: Refused, now_s: float) -> bool:
        """Keep ``item`` for another try, after ``tries`` that ended with ``refused``; False where there is none."""
        policy = self._policy
        if not refused.outcome.retryable or tries > policy.max_retries:
            return False
        pause_s = policy.retry_delay_s * 2.0 ** min(tries - 1, 30)
        if refused.retry_after_s is not None:
            if refused.retry_after_s > policy.max_retry_after_s:
                return False
            pause_s = max(pause_s, refused.retry_after_s)
        heapq.heappush(self._later, (now_s + pause_s, next(self._order), item))
        return True

    def take_due(self, now_s: float) -> list[T]:
        """Those whose time has come."""
        due = []
        while self._later and self._later[0][0] <= now_s:
            due.append(heapq.heappop(self._later)[2])
        return due

    def due_s(self) -> float:
        """When the next one's time comes; infinity for never."""
        return self._later[0][0] if self._later else math.inf
