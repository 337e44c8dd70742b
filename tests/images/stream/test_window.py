"""Laws of the window: whatever is pulled, delivered, interrupted and resumed, every row is delivered exactly once."""

from __future__ import annotations

import copy
import json
import pickle
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laion_pairs.errors import PolicyError
from laion_pairs.images.stream.turns import Turns
from laion_pairs.images.stream.window import REPLAY_ROWS, Window, parse_rows, render_rows


class _Stream:
    """A source of ``n_rows`` rows, whose state is the number of the next one, behind a window."""

    def __init__(self, n_rows: int, saved: Any = None) -> None:
        self.n_rows = n_rows
        self.window = Window(saved)
        self.position = self.window.source_state or 0
        self.under_way: list[int] = []
        if saved is None:
            self.window.snapshot(self.position)

    def pull(self) -> None:
        if self.position < self.n_rows:
            row, number = self.position, self.window.pull()
            self.position += 1
            assert number in (None, row)
            if number is not None:
                self.under_way.append(row)

    def deliver(self, choice: int) -> int | None:
        if not self.under_way:
            return None
        row = self.under_way.pop(choice % len(self.under_way))
        self.window.deliver(row)
        return row

    def resumed(self) -> _Stream:
        return _Stream(self.n_rows, json.loads(json.dumps(copy.deepcopy(self.window))))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pull"), st.integers(1, 30)),
        st.tuples(st.just("deliver"), st.integers(0, 1000)),
        st.tuples(st.sampled_from(["snapshot", "resume"]), st.just(0)),
    ),
    max_size=120,
)


@settings(deadline=None)
@given(n_rows=st.integers(0, 80), steps=STEPS)
def test_every_row_is_delivered_exactly_once(n_rows: int, steps: list[tuple[str, int]]) -> None:
    stream, delivered = _Stream(n_rows), []
    for step, argument in steps:
        if step == "pull":
            for _ in range(argument):
                stream.pull()
        elif step == "deliver":
            row = stream.deliver(argument)
            delivered += [row] if row is not None else []
        elif step == "snapshot":
            stream.window.snapshot(stream.position)
        else:
            stream = stream.resumed()
        assert len(set(delivered)) == len(delivered)
        assert all(row in delivered for row in range(stream.window.watermark))
        state = stream.window.state()
        assert state["row"] == state["source"] <= stream.window.watermark
    while stream.position < n_rows or stream.under_way:
        stream.pull()
        row = stream.deliver(0)
        delivered += [row] if row is not None else []
    assert sorted(delivered) == list(range(n_rows))
    assert stream.window.state()["missing"] == ""


@settings(deadline=None)
@given(rows=st.sets(st.integers(0, 5000), min_size=1, max_size=64))
def test_the_state_is_as_small_as_what_is_under_way(rows: set[int]) -> None:
    window = Window()
    for row in range(5001):
        if row % 64 == 0:
            window.snapshot(row)
        window.pull()
        if row not in rows:
            window.deliver(row)
    state = window.state()
    assert set(parse_rows(state["missing"])) == rows
    assert len(state["missing"].split()) <= len(rows)
    assert min(rows) - 64 < state["row"] <= min(rows) == window.watermark
    assert window.span == 5001 - min(rows)


def test_nothing_is_remembered_of_a_stream_in_order() -> None:
    window = Window()
    for row in range(10_000):
        window.snapshot(row)
        window.deliver(window.pull())
    assert window.state() == {"source": 9_999, "row": 9_999, "end": 10_000, "missing": "", "first": ""}
    assert len(window._snapshots) == 1


GOOD = {"source": None, "row": 2, "end": 20, "missing": "4 7-9", "first": "8 4"}
BAD: list[Any] = [
    [],
    {},
    GOOD | {"row": -1},
    GOOD | {"row": "2"},
    GOOD | {"end": 1},
    GOOD | {"end": None},
    GOOD | {"missing": "0-99999999999"},
    GOOD | {"end": 10**12, "missing": "4-99999999999"},
    GOOD | {"end": 10**12, "first": "4-99999999999"},
    GOOD | {"missing": "4 seven"},
    GOOD | {"missing": "-4"},
    GOOD | {"missing": "9-7"},
    GOOD | {"missing": "7 4"},
    GOOD | {"missing": "4 4"},
    GOOD | {"missing": "1"},
    GOOD | {"missing": "20"},
    GOOD | {"missing": "9" * 5000},
    GOOD | {"missing": [4]},
    GOOD | {"first": 4},
    GOOD | {"first": "5"},
]


@pytest.mark.parametrize("saved", BAD, ids=lambda saved: str(saved)[:90])
def test_what_is_no_state_is_told(saved: Any) -> None:
    assert Window(GOOD).first == (8, 4)
    with pytest.raises(PolicyError, match=r"cannot be resumed from: .*; load one that"):
        Window(saved)


def test_a_stream_that_was_not_read_begins_at_the_beginning() -> None:
    assert Window().state() == {"source": None, "row": 0, "end": 0, "missing": "", "first": ""}
    assert Window(Window().state()).source_state is None


@given(
    before=st.integers(0, 20),
    since=st.permutations(range(20, 40)),
    n_since=st.integers(0, 20),
    failed=st.sets(st.integers(20, 39)),
)
def test_a_mark_replays_what_was_handed_over_since(
    before: int, since: list[int], n_since: int, failed: set[int]
) -> None:
    window = Window()
    window.snapshot("start")
    for _ in range(20):
        window.deliver(window.pull())
    mark = copy.deepcopy({"download": window})
    at_mark = dict(mark["download"])
    for _ in range(20):
        window.pull()
    window.snapshot("end")
    for row in since[:n_since]:
        window.deliver(row, handed_over=row not in failed)
    later = copy.deepcopy(mark)["download"]
    handed = [row for row in since[:n_since] if row not in failed]
    assert mark["download"] == at_mark
    assert later["source"] == "start"
    assert list(parse_rows(later["first"])) == handed
    assert Window(later)._missing.keys() == {*handed, *since[n_since:]}


def test_a_mark_of_long_ago_replays_in_any_order() -> None:
    window = Window()
    window.snapshot("start")
    mark = window.state()
    for _ in range(REPLAY_ROWS + 1):
        window.deliver(window.pull())
    assert copy.deepcopy(mark) == mark


def test_a_copy_of_a_copy_goes_on_following() -> None:
    window = Window()
    window.snapshot("start")
    mark = window.state()
    for _ in range(3):
        window.deliver(window.pull())
        assert copy.deepcopy(copy.deepcopy(mark))["first"] == render_rows(range(window.watermark))
        mark = copy.deepcopy(mark)


def test_states_and_windows_are_pickled_as_plain_things() -> None:
    window = Window()
    window.snapshot({"row": 0})
    window.pull()
    state = pickle.loads(pickle.dumps(window.state()))
    assert type(state) is OrderedDict
    assert state == window.state() == pickle.loads(pickle.dumps(window)).state()


@given(rows=st.lists(st.integers(0, 30)))
def test_rows_are_read_as_they_were_written(rows: list[int]) -> None:
    assert list(parse_rows(render_rows(rows))) == rows
    assert list(parse_rows(render_rows(sorted(set(rows))))) == sorted(set(rows))
    assert render_rows([4101, 4350, 4351, 4352]) == "4101 4350-4352"


@given(first=st.permutations(range(8)), n_first=st.integers(0, 8), finished=st.permutations(range(10)))
def test_turns(first: list[int], n_first: int, finished: list[int]) -> None:
    turns: Turns[int] = Turns(first[:n_first])
    out = [item for number in finished for item in turns.in_turn(number, number)]
    assert out[:n_first] == first[:n_first]
    assert sorted(out) == list(range(10))
    assert turns.waiting == 0
