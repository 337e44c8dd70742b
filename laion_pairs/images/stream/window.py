"""Which rows of a stream have been delivered while hundreds are under way: what an exact resume needs. Pure.

Rows are numbered as they are pulled from the source. All of them up to the *watermark* have been delivered; after it,
those that are *missing* have not, and they are what is under way, so the record is as small as that, however slow one
host may be. The source cannot be asked to go on at any row: it is, at the last *snapshot* of its own state before the
watermark, and what was delivered since is passed over.

The state is JSON::

    {"source": …, "row": 4096, "end": 4380, "missing": "4101 4350-4379", "first": ""}

the source's state, the number of the row that it gives next, the first number that was never pulled, the rows before it
that were not delivered, and rows that go first, in this order. Rows are written as text, ``12`` or ``12-15`` (both
included), because `datasets` 3.6 mixes lists of one state into those of another.

Those that go first are for `datasets`: behind a batched ``map`` it resumes by replaying, from a state that was taken
before the batch, and passes over as many results as had come out. For that the same rows must come again, while images
finish in any order. So a state that it keeps and copies later then also says which rows were handed over since, and in
which order (:class:`Mark`).
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from threading import Lock
from typing import Any

from laion_pairs.errors import PolicyError

__all__ = ["REPLAY_ROWS", "Mark", "Window", "parse_rows", "render_rows", "window_of"]

REPLAY_ROWS = 16_384
"""How many of the last rows can be replayed in their order: the largest batch of a ``map`` that is resumed exactly."""

MISSING_ROWS = 1_000_000
"""What a state may say is under way: far more than ``downloading.WINDOW_ROWS`` with all that can be replayed."""

_RANGE = re.compile(r"[0-9]{1,18}(-[0-9]{1,18})?")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    row: int
    source_state: Any


class Mark(dict[str, Any]):
    """A state that knows its window: a copy (`copy.deepcopy`) made later also replays what came in between."""

    def __init__(self, state: dict[str, Any], window: Window, n_handed: int) -> None:
        super().__init__(state)
        self._window = window
        self._n_handed = n_handed

    def __deepcopy__(self, memo: dict[int, Any]) -> Mark:
        return Mark(self._window.replay_from(self, self._n_handed), self._window, self._n_handed)

    def __reduce__(self) -> tuple[Any, ...]:
        return OrderedDict, (), None, None, iter(self.items())  # which `torch.load` accepts, unlike a class of ours


class Window:
    """The rows under way, and where the source has to go on so that none is lost. May be copied from other threads.

    Args:
        saved: a state, or None to begin at the first row. What is no state is a :class:`PolicyError`.
    """

    def __init__(self, saved: dict[str, Any] | None = None) -> None:
        self._next = 0  # the number of the row that is pulled next
        self._end = 0  # no row from here on was pulled, in this life or in one before
        self._missing: OrderedDict[int, None] = OrderedDict()  # in ascending order
        self._snapshots: deque[_Snapshot] = deque()
        self._handed: deque[int] = deque(maxlen=REPLAY_ROWS)
        self._n_handed = 0
        self._begun = False
        self._lock = Lock()
        self.first: tuple[int, ...] = ()
        if saved is not None:
            _check(saved)
            self._next, self._end = saved["row"], saved["end"]
            self._missing.update((row, None) for row in parse_rows(saved["missing"]))
            self._snapshots.append(_Snapshot(saved["row"], saved["source"]))
            self.first = tuple(parse_rows(saved["first"]))
            if not self._missing.keys() >= {*self.first}:
                raise _not_ours("rows that go first are not among the missing")

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was read since it was made: what was copied of it goes on knowing it."""
        return not self._begun

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
        with self._lock:
            self._begun = True
            self._snapshots.append(_Snapshot(self._next, source_state))
            self._forget()

    def pull(self) -> int | None:
        """The number of the row that the source just gave; None for one that was delivered before."""
        with self._lock:
            row = self._next
            self._next += 1
            if row >= self._end:
                self._end = self._next
                self._missing[row] = None
            return row if row in self._missing else None

    def deliver(self, row: int, *, handed_over: bool = True) -> None:
        """The row is through: its consumer gets it now, or it was counted as a failure and nobody does."""
        with self._lock:
            was_first = row == next(iter(self._missing))
            del self._missing[row]
            if was_first:
                self._forget()
            if handed_over:
                self._handed.append(row)
                self._n_handed += 1

    def state(self) -> Mark:
        """As the module's docstring says."""
        with self._lock:
            first = self._snapshots[0] if self._snapshots else _Snapshot(0, None)
            return Mark(self._state(first.source_state, first.row, self._missing), self, self._n_handed)

    def replay_from(self, mark: Mark, n_handed: int) -> dict[str, Any]:
        """The state at ``mark``, but failures since are through, and the rows handed over since go first."""
        with self._lock:
            since = self._n_handed - n_handed
            if since > len(self._handed):
                return dict(mark)
            first = list(islice(self._handed, len(self._handed) - since, None))
            return self._state(mark["source"], mark["row"], sorted({*self._missing, *first}), first)

    def __deepcopy__(self, memo: dict[int, Any]) -> Mark:
        """The state: `datasets` copies the state of what it wraps, so this may stand in one and be always right."""
        return self.state()

    def __reduce__(self) -> tuple[Any, ...]:
        return Window, (dict(self.state()),)

    def _state(self, source: Any, row: int, missing: Iterable[int], first: Iterable[int] = ()) -> dict[str, Any]:
        rows = {"missing": render_rows(missing), "first": render_rows(first)}
        return {"source": source, "row": row, "end": self._end, **rows}

    def _forget(self) -> None:
        """Drop the snapshots that a later one, still not after the watermark, makes needless."""
        while len(self._snapshots) > 1 and self._snapshots[1].row <= self.watermark:
            self._snapshots.popleft()


def window_of(window: Window) -> Window:
    """A window that goes on where this one stands: itself, unless it was read into already."""
    return window if window.is_fresh else Window(window.state())


def render_rows(rows: Iterable[int]) -> str:
    """Row numbers as text, in their order: ``4101 4350-4379``."""
    ranges: list[list[int]] = []
    for row in rows:
        if ranges and ranges[-1][1] == row - 1:
            ranges[-1][1] = row
        else:
            ranges.append([row, row])
    return " ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in ranges)


def _check(saved: Any) -> None:
    """Raise a PolicyError before anything is made of a state that no window gave."""
    if not isinstance(saved, Mapping) or not {"source", "row", "end", "missing", "first"} <= saved.keys():
        raise _not_ours("it lacks one of source, row, end, missing, first")
    row, end = saved["row"], saved["end"]
    if type(row) is not int or type(end) is not int or not 0 <= row <= end:
        raise _not_ours("row and end are no numbers of rows, in this order")
    for name, most in (("missing", MISSING_ROWS), ("first", REPLAY_ROWS)):
        text, n_rows, last = saved[name], 0, row - 1
        if not isinstance(text, str) or not all(map(_RANGE.fullmatch, text.split())):
            raise _not_ours(f"{name} must be rows such as '12 15-18'")
        for rows in _ranges(text):
            n_rows += len(rows)
            if not rows or rows[0] < row or rows[-1] >= end or n_rows > most:
                raise _not_ours(f"{name} has rows that cannot be, or more than {most}")
            if name == "missing" and rows[0] <= last:
                raise _not_ours("missing must ascend")
            last = rows[-1]


def _not_ours(why: str) -> PolicyError:
    return PolicyError(
        f"This state of download_images cannot be resumed from: {why}; load one that state_dict() gave, or begin anew."
    )


def parse_rows(text: str) -> Iterator[int]:
    """The row numbers that :func:`render_rows` wrote."""
    return chain.from_iterable(_ranges(text))


def _ranges(text: str) -> Iterator[range]:
    for item in text.split():
        first, _, last = item.partition("-")
        yield range(int(first), int(last or first) + 1)
