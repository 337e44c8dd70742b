"""Which bytes of a parquet file are fetched when, so that decoders seldom wait and little is fetched in vain.

The first batch of a stream costs two rounds of requests, each for all columns at once: the dictionaries with the first
bytes of the data, then the rest of the first pages, whose length those bytes tell. Nothing more is fetched until a
second batch is wanted. From then on every column is kept ahead of the reader, by its share of a budget that doubles
with every batch up to ``MAX_AHEAD_BYTES``; the row groups that come next follow when the last byte of this one was
asked for.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from laion_pairs.shards.ranges import crew
from laion_pairs.shards.ranges.chunks import Chunk
from laion_pairs.shards.ranges.lane import Lane, Window
from laion_pairs.shards.ranges.merging import merged
from laion_pairs.shards.ranges.pages import Page, parse_page

__all__ = ["MAX_AHEAD_BYTES", "ReadAhead"]

MAX_AHEAD_BYTES = 16 << 20
"""Asked for and not read, of all columns: 1.3 s of a 100 Mbit/s line, and 80 ms of one with 1.6 Gbit/s."""
_FIRST_PACE_BYTES = 2 << 20
_DECODER_BYTES = 16 << 10
"""Arrow looks that far for a page's header, and that far beyond a page's end; twice where a short dictionary precedes
it (``kDefaultPageHeaderSize``, ``BufferedInputStream``)."""
_MISS_BYTES = 128 << 10
_LANE_BYTES = 1 << 20
"""Even a narrow column is kept that far ahead: many small requests cost more than the memory."""
_SMALL_GROUP_BYTES = 4 << 20
"""A row group that is fetched as a whole."""


class _Group:
    """The wanted column chunks of one row group."""

    def __init__(self, row_group: int, chunks: Sequence[Chunk]) -> None:
        self.row_group = row_group
        self.lanes = [Lane(chunk) for chunk in chunks]
        self.starts = [chunk.start for chunk in chunks]
        self.n_bytes = sum(chunk.n_bytes for chunk in chunks)

    def ahead_with(self, due: Mapping[Lane, int]) -> int:
        """Bytes that are not read, of those asked for and those about to be."""
        return sum(lane.ahead + max(0, due.get(lane, 0) - lane.asked) for lane in self.lanes)

    def all_asked_with(self, due: Mapping[Lane, int]) -> bool:
        return all(max(lane.asked, due.get(lane, 0)) >= lane.limit for lane in self.lanes)

    def due(self, budget: int) -> dict[Lane, int]:
        """Up to where each lane should be asked for, if its share of the budget has become a third larger."""
        due = {}
        floor = min(_LANE_BYTES, budget // max(1, len(self.lanes)))
        for lane in self.lanes:
            quota = max(floor, budget * lane.chunk.n_bytes // max(1, self.n_bytes))
            if self.n_bytes <= _SMALL_GROUP_BYTES:
                quota = lane.chunk.n_bytes
            rest, room = lane.limit - lane.asked, quota - lane.ahead
            if rest > 0 and (room >= rest or room >= quota // 3 > 0):
                due[lane] = lane.asked + min(rest, room)
        return due


class ReadAhead:
    """The same columns of one row group after the other.

    Args:
        fetch: the bytes [start, end) of the file; called from other threads.
        chunks: the wanted chunks of a row group.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], memoryview],
        chunks: Callable[[int], Sequence[Chunk]],
        max_ahead_bytes: int = MAX_AHEAD_BYTES,
    ) -> None:
        self._fetch, self._chunks, self._max_ahead = fetch, chunks, max_ahead_bytes
        self._groups: deque[_Group] = deque()
        self._upcoming: deque[int] = deque()
        self._pace = 0
        self._entered = False
        self._end_row = 0
        self._process_id = os.getpid()

    def enter(self, row_group: int, rows: int, end_row: int, upcoming: Sequence[int] = ()) -> bool:
        """Begin a row group, of which ``rows`` rows are decoded first and none from ``end_row`` on.

        Waits for the first round of requests, unless the row group was fetched ahead.

        Returns:
            Whether it was not fetched ahead.
        """
        while self._groups and self._groups[0].row_group != row_group:
            self._leave(self._groups.popleft())
        opened = {group.row_group for group in self._groups}
        self._upcoming = deque(number for number in upcoming if number not in opened)
        is_cold = not self._groups
        if is_cold:
            group = _Group(row_group, self._chunks(row_group))
            self._groups.append(group)
            self._open(group, rows)
        self._end_row = end_row
        if self._entered:
            self.go_on()
        self._entered = True
        return is_cold

    def keep(self) -> None:
        """Keep what is read of the row group until :meth:`again`."""
        for lane in self._groups[0].lanes:
            lane.is_kept = True

    def again(self, rows: int) -> None:
        """Read the row group from its start once more, of which ``rows`` rows are decoded first."""
        lanes = self._groups[0].lanes
        for lane in lanes:
            lane.rewind()
        self._ask({lane: lane.chunk.reach(rows) + lane.page_bytes for lane in lanes})

    def go_on(self, beyond: bool = True) -> None:
        """Another batch is wanted: fetch further ahead, ``beyond`` what :meth:`enter` named too."""
        if beyond:
            for lane in self._groups[0].lanes:
                lane.limit = max(lane.limit, min(lane.chunk.end, lane.chunk.reach(self._end_row) + lane.page_bytes))
        self._pace = min(self._max_ahead, max(_FIRST_PACE_BYTES, 2 * self._pace))
        due: dict[Lane, int] = {}
        room = self._pace
        for group in self._groups:
            due |= group.due(room)
            room -= group.ahead_with(due)
        while beyond and self._upcoming and room >= self._pace // 4 and self._groups[-1].all_asked_with(due):
            number = self._upcoming.popleft()
            group = _Group(number, self._chunks(number))
            self._groups.append(group)
            due |= group.due(room)
            room -= group.ahead_with(due)
        self._ask(due)

    def read(self, start: int, end: int) -> bytes | memoryview:
        """Bytes of the row group that was entered; waits until they have come."""
        if self._process_id != os.getpid():  # a fork: what the parent asked for comes to the parent
            self._process_id = os.getpid()
            for parents in self._groups:
                for lane in parents.lanes:
                    lane.forget()
        group = self._groups[0]
        lane = group.lanes[max(0, bisect_right(group.starts, start) - 1)]
        if not lane.chunk.start <= start < lane.chunk.end or end > lane.chunk.end or start < lane.done:
            return self._fetch(start, end)  # old files: a decoder looks a little beyond a chunk
        if end > lane.asked:  # more than was foreseen, and so it will be of the other columns
            self._ask({other: max(other.asked, end if other is lane else 0) + _MISS_BYTES for other in group.lanes})
        return lane.read(start, end)

    def close(self) -> None:
        """Forget everything; requests that nobody has begun are not made."""
        while self._groups:
            self._leave(self._groups.popleft())

    def _open(self, group: _Group, rows: int) -> None:
        """Ask for what the first rows need, in two rounds; for what is too much at once, :meth:`go_on` asks later."""
        rows = all_rows = min(rows, max(1, max((lane.chunk.rows for lane in group.lanes), default=1)))
        whole = sum(lane.chunk.reach(rows) - lane.chunk.start for lane in group.lanes)
        if whole > self._max_ahead:
            rows = rows * self._max_ahead // whole
        self._ask({lane: lane.chunk.data + _DECODER_BYTES for lane in group.lanes})
        rest = {}
        for lane in group.lanes:
            chunk = lane.chunk
            if lane.asked < chunk.end:
                page = parse_page(lane.peek(chunk.data, _DECODER_BYTES)) or Page(chunk.page_bytes, 0)
                lane.page_bytes = max(page.n_bytes, chunk.page_bytes)  # the first is short where it holds indices only
                short = 0 < chunk.data - chunk.start < _DECODER_BYTES
                first_page = chunk.data + page.n_bytes + _DECODER_BYTES * (2 if short else 1)
                reach = chunk.reach(rows) + lane.page_bytes
                rest[lane] = first_page if rows <= page.values else max(first_page, reach)
        self._ask(rest)
        for lane in group.lanes:
            later = lane.chunk.reach(all_rows) + lane.page_bytes if all_rows > rows else 0
            lane.limit = min(lane.chunk.end, max(lane.asked, rest.get(lane, 0), later))

    def _ask(self, due: dict[Lane, int]) -> None:
        wanted = []
        for lane, end in due.items():
            end = min(end, lane.chunk.end)
            if end > lane.asked:
                wanted.append((lane.asked, end, lane))
                lane.asked = end
        for start, end, pieces in merged(wanted):
            body = crew.submit(partial(self._fetch, start, end))
            for piece_start, piece_end, lane in pieces:
                lane.add(Window(piece_start, piece_end, body, piece_start - start))

    @staticmethod
    def _leave(group: _Group) -> None:
        for lane in group.lanes:
            lane.forget()
