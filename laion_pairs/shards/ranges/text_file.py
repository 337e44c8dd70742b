"""A remote text file, read from its start to its end, a few windows ahead of the reader."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from functools import partial

from laion_pairs.shards.ranges import crew
from laion_pairs.shards.ranges.remote import Remote

__all__ = ["TextFile"]

_HEAD_BYTES = 1 << 20
_MAX_WINDOW_BYTES = 4 << 20
_WINDOWS_AHEAD = 3


class TextFile:
    """A file to read and to begin anew. Its first MiB is kept, and nothing more fetched until that was read."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._head = remote.read_head(_HEAD_BYTES)
        self._size = remote.size or 0
        self._at = 0
        self._windows: deque[tuple[int, Future[memoryview]]] = deque()  # (where it begins, its bytes), without gaps
        self._asked = len(self._head)

    def seek(self, offset: int) -> None:
        self._at = offset
        if offset <= len(self._head):
            self.close()

    def read(self, n_bytes: int) -> bytes:
        """As many bytes, fewer only at the end of the file."""
        data = bytearray()
        while len(data) < n_bytes and self._at < self._size:
            piece = self._piece(n_bytes - len(data))
            data += piece
            self._at += len(piece)
        return bytes(data)

    def close(self) -> None:
        """Forget what was fetched ahead."""
        for _, body in self._windows:
            body.cancel()
        self._windows.clear()
        self._asked = len(self._head)

    def _piece(self, n_bytes: int) -> memoryview:
        if self._at < len(self._head):
            return memoryview(self._head)[self._at : self._at + n_bytes]
        while self._asked < self._size and len(self._windows) < _WINDOWS_AHEAD:
            end = min(self._size, self._asked + min(_MAX_WINDOW_BYTES, self._asked))  # as long as all before it
            self._windows.append((self._asked, crew.submit(partial(self._remote.read, self._asked, end))))
            self._asked = end
        start, body = self._windows[0]
        window = body.result()
        piece = window[self._at - start : self._at - start + n_bytes]
        if self._at + len(piece) >= start + len(window):
            self._windows.popleft()
        return piece
