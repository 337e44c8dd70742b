"""A line of so many bytes a second, which everything that a host sends shares."""

from __future__ import annotations

import threading
import time

__all__ = ["Line"]


class Line:
    """A token bucket without a burst: pieces leave one after the other, in the order in which their senders come.

    ``bytes_per_s=None`` is a line that never makes anybody wait.
    """

    def __init__(self, bytes_per_s: float | None) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at = 0.0
        self._lock = threading.Lock()

    def carry(self, n_bytes: int, ready_at: float) -> float:
        """Return when a piece has gone through, after those that came before it; the moment when it should have.

        A sender that had its piece ready at ``ready_at`` (``time.monotonic``) but woke up late does not lose the line's
        time: on a busy machine sleeps last longer than asked, and the rate would be lower than it says.
        """
        if self._bytes_per_s is None:
            return ready_at
        with self._lock:
            self._free_at = max(self._free_at, ready_at) + n_bytes / self._bytes_per_s
            gone_at = self._free_at
        time.sleep(max(0.0, gone_at - time.monotonic()))
        return gone_at
