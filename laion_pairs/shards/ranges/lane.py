"""One column chunk on its way: what was asked for, what has come, what was read (no I/O of its own)."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass

from laion_pairs.shards.ranges.chunks import Chunk

__all__ = ["Lane", "Window"]


@dataclass(frozen=True)
class Window:
    """The bytes [start, end) of the file, which are or will be the bytes from ``offset`` on of a request's body."""

    start: int
    end: int
    body: Future[memoryview]
    offset: int

    def view(self, start: int, end: int) -> memoryview:
        """Wait for the body; raises what the request raised."""
        begin = start - self.start + self.offset
        return self.body.result()[begin : begin + end - start]


class Lane:
    """The windows of a chunk, without gaps, read once from its start to its end.

    Attributes:
        asked: up to where bytes were asked for.
        done: up to where they were read.
        limit: what lies beyond is not needed, as far as is known.
        page_bytes: about how many bytes are read at once.
        is_kept: whether what was read is kept, to be read again.
    """

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.asked = self.done = chunk.start
        self.limit = chunk.end
        self.page_bytes = chunk.page_bytes
        self.is_kept = False
        self._windows: deque[Window] = deque()

    @property
    def ahead(self) -> int:
        """Bytes that were asked for and not read."""
        return max(0, self.asked - self.done)

    def add(self, window: Window) -> None:
        self._windows.append(window)

    def read(self, start: int, end: int) -> bytes | memoryview:
        """Bytes that were asked for; windows that end before them are forgotten, unless they are kept."""
        while not self.is_kept and self._windows and self._windows[0].end <= start:
            self._windows.popleft()
        pieces = [
            window.view(max(start, window.start), min(end, window.end))
            for window in self._windows
            if window.start < end and window.end > start
        ]
        self.done = max(self.done, end)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def peek(self, start: int, n_bytes: int) -> memoryview:
        """Some bytes from ``start`` on, of one window."""
        window = next(window for window in self._windows if window.end > start)
        return window.view(start, min(window.end, start + n_bytes))

    def rewind(self) -> None:
        """Begin again at the chunk's start, for the last time."""
        self.done, self.is_kept = self.chunk.start, False
        if not self._windows or self._windows[0].start > self.chunk.start:
            self.forget()

    def forget(self) -> None:
        """Give up what was asked for; what is needed is asked for again."""
        for window in self._windows:
            window.body.cancel()
        self._windows.clear()
        self.asked = self.done
