"""Which rows of a stream have been delivered while hundreds are under way: what an exact resume needs. Pure.

Rows are numbered as they are pulled from the source. All of them up to the *watermark* have been delivered; after it,
those that are *missing* have not, and they are what is under way, so the record is as small as that, however slow one
host may be. The source cannot be asked to go on at any row: it is, at the last *snapshot* of its own state before the
watermark, and what was delivered since is passed over.

The state is plain JSON::

    {"source": …, "row": 4096, "end": 4380, "missing": [[4101, 4102], [4350, 4380]]}

the source's state, the number of the row that it gives next, the first number that was never pulled, and the ranges of
rows before it that were not delivered.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any

__all__ = ["Window"]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    row: int
    source_state: Any


class Window:
    """The rows under way, and where the source has to go on so that none is lost.

    Args:
        saved: what :meth:`state` gave, or None to begin at the first row.
    """

    def __init__(self, saved: dict[str, Any] | None = None) -> None:
        self._next = 0  # the number of the row that is pulled next
        self._end = 0  # no row from here on was pulled, in this life or in one before
        self._missing: OrderedDict[int, None] = OrderedDict()  # in ascending order
        self._snapshots: deque[_Snapshot] = deque()
        if saved is not None:
            self._next, self._end = saved["row"], saved["end"]
            self._missing.update((row, None) for first, end in saved["missing"] for row in range(first, end))
            self._snapshots.append(_Snapshot(saved["row"], saved["source"]))

    @property
    def source_state(self) -> Any:
        """Where the source has to go on; None for its beginning."""
        return self._snapshots[0].source_state if self._snapshots else None

    @property
    def watermark(self) -> int:
        """All rows below have been delivered."""
        return next(iter(self._missing), self._end)

    @property
    def span(self) -> int:
        """Rows from the watermark to the last one pulled, delivered or not."""
        return max(0, self._next - self.watermark)

    def snapshot(self, source_state: Any) -> None:
        """Remember that the source, in this state, gives next the row that is pulled next."""
        self._snapshots.append(_Snapshot(self._next, source_state))
        self._forget()

    def pull(self) -> int | None:
        """The number of the row that the source just gave; None for one that was delivered before."""
        row = self._next
        self._next += 1
        if row >= self._end:
            self._end = self._next
            self._missing[row] = None
        return row if row in self._missing else None

    def deliver(self, row: int) -> None:
        """The row is through: its consumer has it, or it was counted as a failure."""
        was_first = row == next(iter(self._missing))
        del self._missing[row]
        if was_first:
            self._forget()

    def state(self) -> dict[str, Any] | None:
        """As the module's docstring says; None while the source has not been read."""
        if not self._snapshots:
            return None
        first = self._snapshots[0]
        return {"source": first.source_state, "row": first.row, "end": self._end, "missing": self._missing_ranges()}

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any] | None:
        """The state: `datasets` copies the state of what it wraps, so this may stand in one and be always right."""
        return self.state()

    def _missing_ranges(self) -> list[list[int]]:
        ranges: list[list[int]] = []
        for row in self._missing:
            if ranges and ranges[-1][1] == row:
                ranges[-1][1] = row + 1
            else:
                ranges.append([row, row + 1])
        return ranges

    def _forget(self) -> None:
        """Drop the snapshots that a later one, still not after the watermark, makes needless."""
        while len(self._snapshots) > 1 and self._snapshots[1].row <= self.watermark:
            self._snapshots.popleft()
