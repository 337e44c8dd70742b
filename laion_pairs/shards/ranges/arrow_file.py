"""What pyarrow takes for a file and reads from, a range at a time (no I/O of its own)."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["ArrowFile"]


class ArrowFile:
    """A file of ``size`` bytes whose ranges ``read_range`` gives.

    pyarrow calls it from its own threads, one call at a time, and takes any buffer without a copy.
    """

    mode = "rb"

    def __init__(self, read_range: Callable[[int, int], bytes | memoryview], size: int) -> None:
        self._read_range, self._size, self._at = read_range, size, 0
        self.closed = False

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, n_bytes: int = -1) -> bytes | memoryview:
        end = self._size if n_bytes < 0 else min(self._size, self._at + n_bytes)
        if end <= self._at:
            return b""
        data = self._read_range(self._at, end)
        self._at = end
        return data

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
