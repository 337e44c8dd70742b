"""The bytes of one range as they come, over all its tries; what comes too slowly counts as lost."""

from __future__ import annotations

import time

from huggingface_hub import constants

__all__ = ["MIN_BYTES_PER_S", "Body"]

MIN_BYTES_PER_S = 1024
"""Over ``HF_HUB_DOWNLOAD_TIMEOUT`` seconds. A byte now and then is a stall that no time-out between two bytes sees."""


class Body(bytearray):
    """What has come. A try begins with :meth:`begin`."""

    def begin(self) -> None:
        """A request is answered: its clock starts."""
        self._window_s, self._window_bytes = time.monotonic(), 0

    def take(self, piece: bytes, max_bytes: int) -> bool:
        """Add a piece; whether more is wanted. Nothing beyond ``max_bytes`` is kept.

        Raises:
            TimeoutError: the answer comes below ``MIN_BYTES_PER_S``.
        """
        self += piece
        if len(self) > max_bytes:
            del self[max_bytes:]
            return False
        self._window_bytes += len(piece)
        passed_s = time.monotonic() - self._window_s
        if passed_s >= constants.HF_HUB_DOWNLOAD_TIMEOUT:
            if self._window_bytes < MIN_BYTES_PER_S * passed_s:
                raise TimeoutError(f"the answer came below {MIN_BYTES_PER_S} bytes/s")
            self.begin()
        return True
