"""When a run stops: so many failures in a row say that something is wrong here, not with the links."""

from __future__ import annotations

from collections import Counter
from threading import Lock

from laion_pairs.errors import DownloadStopped
from laion_pairs.ledger import Outcome, likely_cause

__all__ = ["Streak"]

_NO_FAILURE = frozenset({Outcome.OPTED_OUT, Outcome.TAKEN_DOWN, Outcome.WITHDRAWN})


class Streak:
    """Failures in a row, in the order in which images end. Thread-safe.

    Args:
        limit: how many stop the run; 0 for never.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._outcomes: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, outcome: Outcome, status: int | None = None) -> DownloadStopped | None:
        """One more image ended, after an answer with ``status``; the error that the run stops with, once it does."""
        if outcome in _NO_FAILURE or not self._limit:
            return None
        with self._lock:
            if outcome is Outcome.OK:
                self._outcomes.clear()
                self._statuses.clear()
                return None
            self._outcomes[outcome.value] += 1
            self._statuses[str(status)] += 1
            n = self._outcomes.total()
            return DownloadStopped(self._sentence(n)) if n >= self._limit else None

    def _sentence(self, n: int) -> str:
        found = ", ".join(f"{times:,} {outcome}" for outcome, times in self._outcomes.most_common(3))
        cause = likely_cause(self._outcomes, self._statuses) or "look at the column, the line and the name server"
        return (
            f"{n:,} images in a row could not be had ({found}). Likely cause: {cause}. "
            "Go on from the last state once that is mended, or set DownloadPolicy(stop_after_failures=0)."
        )
