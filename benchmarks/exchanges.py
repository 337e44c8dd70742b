"""What a client asked of a host, as intervals of time, and how many round trips it waited for one after the other.

Pure: times are seconds on any one clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["Exchange", "bursts", "sequential_round_trips"]


@dataclass
class Exchange:
    """One request and its answer: from when its head was read until its last byte was handed to the socket.

    ``ended_at`` is None while the answer is on its way; ``sent_bytes`` are those of the body, until now.
    """

    what: str
    came_at: float
    ended_at: float | None = None
    sent_bytes: int = 0

    def told(self, first_at: float) -> str:
        """In one line, with times counted from ``first_at``."""
        ended = "…" if self.ended_at is None else f"{self.ended_at - first_at:.3f}"
        return f"{self.came_at - first_at:.3f}–{ended} s {self.sent_bytes} bytes: {self.what}"


def sequential_round_trips(exchanges: Iterable[Exchange]) -> int:
    """The length of the longest chain of exchanges in which each came when the one before it had ended.

    Requests that overlap in time wait together, and count once: a client that sends four at a time, three times over,
    counts three, however many the delay of an answer hides. It is the largest number of exchanges of which no two
    overlap, which taking the one that ends first, then the first to end of those that came later, and so on, finds (the
    textbooks' interval scheduling). What has not ended yet overlaps with everything that comes after it.
    """
    chain, free_from = 0, float("-inf")
    for came_at, ended_at in sorted(_intervals(exchanges), key=lambda interval: interval[1]):
        if came_at >= free_from:
            chain, free_from = chain + 1, ended_at
    return chain


def bursts(exchanges: Iterable[Exchange]) -> int:
    """How often something was asked for while nothing was under way: the stretches of time without a pause.

    A reader that always has a window on its way is one burst however many windows it fetches, where the longest chain
    counts all that came after one another; one that waits for each answer has as many of both.
    """
    count, busy_until = 0, float("-inf")
    for came_at, ended_at in sorted(_intervals(exchanges)):
        count += came_at >= busy_until
        busy_until = max(busy_until, ended_at)
    return count


def _intervals(exchanges: Iterable[Exchange]) -> Iterator[tuple[float, float]]:
    return ((each.came_at, float("inf") if each.ended_at is None else each.ended_at) for each in exchanges)
