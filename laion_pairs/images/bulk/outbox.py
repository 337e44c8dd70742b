"""What ended in one thread of the engine, until it is delivered: several at once, as every delivery may wake a thread.

Two Python threads that take turns at every image spend as much on that as on the image.
"""

from __future__ import annotations

from collections import defaultdict

from laion_pairs.images.bulk.job import Downloaded
from laion_pairs.images.bulk.lane import Batch, Lane

__all__ = ["Outbox"]


class Outbox:
    """Ended jobs by lane. Of one thread."""

    def __init__(self) -> None:
        self._batches: dict[Lane, Batch] = defaultdict(list)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def put(self, lane: Lane, number: int, downloaded: Downloaded) -> None:
        """Keep job ``number`` of a lane for the next delivery."""
        self._batches[lane].append((number, downloaded))
        self._n += 1

    def deliver(self) -> None:
        """Give the lanes everything."""
        for lane, batch in self._batches.items():
            lane.deliver(batch)
        self._batches.clear()
        self._n = 0
