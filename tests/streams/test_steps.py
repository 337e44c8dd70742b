"""`laion_dataset.steps_per_epoch`: epochs of as many steps as were asked for, whatever the rows do."""

from __future__ import annotations

import json
from itertools import chain, islice
from typing import Any

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resuming import as_tables, numbers

from laion_dataset import shuffle, steps_per_epoch
from laion_pairs.errors import PolicyError, ShardError


@given(n_batches=st.integers(1, 20), steps=st.integers(1, 30), epochs=st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_epochs_of_exactly_so_many_steps(n_batches: int, steps: int, epochs: int) -> None:
    batches = steps_per_epoch(range(n_batches), steps)
    assert len(batches) == steps
    given_batches = [list(batches) for _ in range(epochs)]
    assert [len(epoch) for epoch in given_batches] == [steps] * epochs
    assert list(chain.from_iterable(given_batches)) == [step % n_batches for step in range(steps * epochs)]


def test_every_pass_is_in_an_order_of_its_own() -> None:
    batches = steps_per_epoch(shuffle(as_tables(50, 2), window_rows=20), 50)
    passes = [numbers(batches) for _ in range(3)]
    assert [sorted(rows) for rows in passes] == [list(range(50))] * 3
    assert len({tuple(rows) for rows in passes}) == 3
    ds = shuffle(as_tables(50, 2), window_rows=20)
    ds.set_epoch(2)
    assert numbers(ds) == passes[2]
    assert numbers(steps_per_epoch(ds, 50)) == passes[2]  # begins with the epoch that was set


def test_an_epoch_that_is_left_early_is_over() -> None:
    batches = steps_per_epoch(range(10), 4)
    assert list(islice(batches, 2)) == [0, 1]
    assert list(batches) == [2, 3, 4, 5]


@given(steps=st.integers(1, 60), cut=st.integers(0, 150))
@settings(max_examples=25, deadline=None)
def test_it_goes_on_where_it_was_saved(steps: int, cut: int) -> None:
    def make() -> Any:
        return steps_per_epoch(shuffle(as_tables(40, 2), window_rows=15), steps)

    def endless(batches: Any) -> Any:
        while True:
            yield from batches

    whole = numbers(islice(endless(make()), cut + 70))
    running = make()
    assert numbers(islice(endless(running), cut)) == whole[:cut]
    state = json.loads(json.dumps(running.state_dict()))
    resumed = make()
    resumed.load_state_dict(state)
    left = numbers(resumed)
    assert len(left) == (steps - cut % steps)
    rest = left + numbers(islice(endless(resumed), 70 - len(left))) if len(left) < 70 else left[:70]
    assert rest == whole[cut:]


@pytest.mark.parametrize(
    ("loader", "steps", "says"),
    [
        ([1], 0, "steps must be a whole number of at least 1, got 0"),
        ([1], 1.5, "steps must be a whole number of at least 1, got 1.5"),
        ([1], True, "got True"),
        (iter([1]), 1, "iterated again and again, and got list_iterator; give it the loader itself"),
        (5, 1, "and got int"),
    ],
)
def test_what_cannot_be(loader: Any, steps: Any, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        steps_per_epoch(loader, steps)


def test_a_loader_without_batches_or_state() -> None:
    with pytest.raises(ShardError, match="gave no batch in a whole pass"):
        list(steps_per_epoch([], 1))
    for use in (lambda: steps_per_epoch([1], 1).state_dict(), lambda: steps_per_epoch([1], 1).load_state_dict({})):
        with pytest.raises(PolicyError, match=r"list has no (load_)?state_dict; use torchdata's StatefulDataLoader"):
            use()


def test_a_resumed_pass_may_be_over() -> None:
    """Saved after the last row of a pass: it is no pass without rows."""
    ds: datasets.IterableDataset = as_tables(5)
    running = steps_per_epoch(ds, 5)
    list(running)
    resumed = steps_per_epoch(as_tables(5), 5)
    resumed.load_state_dict(running.state_dict())
    assert numbers(resumed) == [0, 1, 2, 3, 4]
