"""`laion_dataset.shuffle`: every row once, in an order that only seed and epoch decide, resumed at any row."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import datasets
import numpy as np
import pytest
from datasets.distributed import split_dataset_by_node
from hypothesis import given, settings
from hypothesis import strategies as st
from numbered import write_numbered
from resuming import KINDS, as_examples, as_tables, interrupted, numbers

import laion_dataset
from laion_pairs.errors import PolicyError, SchemaError
from laion_pairs.streams.chance import fractions, permutation

shuffle = laion_dataset.shuffle


@given(
    kind=st.sampled_from(sorted(KINDS)),
    n_rows=st.integers(1, 400),
    shards=st.integers(1, 4),
    window_rows=st.integers(1, 500),
    epoch=st.integers(0, 2),
    data=st.data(),
)
@settings(max_examples=30, deadline=None)
def test_every_row_once_however_interrupted(
    kind: str, n_rows: int, shards: int, window_rows: int, epoch: int, data: st.DataObject
) -> None:
    def make() -> datasets.IterableDataset:
        return shuffle(KINDS[kind](n_rows, shards), seed=5, window_rows=window_rows)

    whole = make()
    whole.set_epoch(epoch)
    rows = numbers(whole)
    assert sorted(rows) == list(range(n_rows))
    cut = data.draw(st.integers(0, n_rows))
    assert interrupted(make, cut, epoch) == (rows[:cut], rows[cut:])


def _batched(ds: datasets.IterableDataset) -> datasets.IterableDataset:
    return ds.map(lambda rows: {"m": rows["n"]}, batched=True, batch_size=30)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    "after",
    [
        lambda ds: ds.map(lambda row: {"m": row["n"]}),
        _batched,
        lambda ds: ds.filter(lambda row: row["n"] % 3 > 0),
        lambda ds: ds.select_columns(["n"]),
        lambda ds: ds.with_format("numpy"),
        lambda ds: shuffle(ds, seed=2, window_rows=70),
    ],
    ids=["map", "batched map", "filter", "select_columns", "numpy", "shuffle"],
)
def test_what_comes_after_resumes_exactly(
    kind: str, after: Callable[[datasets.IterableDataset], datasets.IterableDataset]
) -> None:
    def make() -> datasets.IterableDataset:
        return after(shuffle(KINDS[kind](300, 2), seed=5, window_rows=110))

    rows = numbers(make())
    for cut in (1, 29, 109, 110, 111, 199):
        assert interrupted(make, cut) == (rows[:cut], rows[cut:])


def test_seed_and_epoch_decide_the_order() -> None:
    orders = {}
    for seed in range(3):
        for epoch in range(4):
            for _ in range(2):
                ds = shuffle(as_tables(500, 2), seed=seed, window_rows=100)
                ds.set_epoch(epoch)
                assert orders.setdefault((seed, epoch), numbers(ds)) == numbers(ds)
    assert len({tuple(order) for order in orders.values()}) == len(orders)


def test_neighbours_are_spread_over_their_window() -> None:
    n_rows, window = 10_000, 2_000
    order = numbers(shuffle(as_tables(n_rows), seed=1, window_rows=window))
    for first in range(0, n_rows, window):
        assert sorted(order[first : first + window]) == list(range(first, first + window))
        distances = np.abs(np.diff(order[first : first + window]))
        assert abs(distances.mean() / (window / 3) - 1) < 0.07  # its deviation is 0.016
        moved = [n - first - place for place, n in enumerate(order[first : first + window])]
        assert abs(mean(map(abs, moved)) / (window / 3) - 1) < 0.07
    windows = np.array(order).reshape(-1, window) % window
    assert len({tuple(row) for row in windows}) == len(windows)


def test_every_row_of_a_window_is_as_likely_to_come_first() -> None:
    firsts = Counter(int(permutation(f"seed={seed} window=0", 10)[0]) for seed in range(5_000))
    chi_square = sum((firsts[place] - 500) ** 2 / 500 for place in range(10))
    assert chi_square < 33.7  # of 9 degrees of freedom: p = 0.0001


def test_the_shards_come_in_another_order() -> None:
    firsts = {numbers(shuffle(as_tables(40, 8), seed=seed, window_rows=5).take(1))[0] // 5 for seed in range(30)}
    assert len(firsts) > 4


def test_chance_is_what_it_always_was() -> None:
    """A checkpoint is resumed by later versions of numpy, on other machines."""
    assert permutation("seed=0 window_rows=8 window=0", 8).tolist() == [1, 2, 5, 0, 3, 4, 7, 6]
    assert fractions("draws", 2).tolist() == [0.7928762334922153, 0.3184017111778452]


RESUME = """
import json, sys
from resuming import as_tables, numbers
import laion_dataset
ds = laion_dataset.shuffle(as_tables(400, 3), seed=7, window_rows=90)
ds.set_epoch(2)
ds.load_state_dict(json.loads(sys.stdin.read()))
print(json.dumps(numbers(ds)))
"""


def test_a_new_process_goes_on() -> None:
    ds = shuffle(as_tables(400, 3), seed=7, window_rows=90)
    ds.set_epoch(2)
    whole, rows = numbers(ds), iter(ds)
    before = [next(rows)["n"] for _ in range(137)]
    state = json.dumps(ds.state_dict())
    done = subprocess.run(
        [sys.executable, "-c", RESUME],
        cwd=Path(__file__).parent,
        input=state,
        capture_output=True,
        text=True,
        check=True,
    )
    assert before + json.loads(done.stdout) == whole


def test_the_state_is_small() -> None:
    ds = shuffle(as_tables(3_000, 3), window_rows=500)
    rows = iter(ds)
    for _ in range(1_700):
        next(rows)
    assert len(json.dumps(ds.state_dict())) < 1_000


def test_a_state_is_of_one_order() -> None:
    def make(seed: int = 0, window_rows: int = 10) -> datasets.IterableDataset:
        return shuffle(as_tables(30), seed=seed, window_rows=window_rows)

    ds = make()
    next(iter(ds))
    half = split_dataset_by_node(shuffle(as_tables(30, 2), window_rows=10), 0, 2)
    for other in (make(seed=1), make(window_rows=11), half):
        other.load_state_dict(ds.state_dict())
        with pytest.raises(PolicyError, match=r"seed=0 window_rows=10.*but this one has"):
            next(iter(other))


@pytest.mark.parametrize(
    ("ds", "options", "error", "says"),
    [
        (datasets.Dataset.from_dict({"n": [1]}), {}, SchemaError, "needs a stream .* got Dataset; make a stream of it"),
        ({"train": 1}, {}, SchemaError, r"got dict; choose a split, such as ds\['train'\]"),
        ([1], {}, SchemaError, "got list; give it what load_dataset"),
        (None, {"window_rows": 0}, PolicyError, "window_rows must be a whole number of at least 1, got 0"),
        (None, {"window_rows": 2.5}, PolicyError, "window_rows must be a whole number of at least 1, got 2.5"),
        (None, {"window_rows": True}, PolicyError, "got True"),
        (None, {"seed": -1}, PolicyError, "seed must be a whole number from 0 on, got -1"),
        (None, {"seed": "a"}, PolicyError, "seed must be a whole number from 0 on, got 'a'"),
    ],
)
def test_what_cannot_be(ds: Any, options: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        shuffle(as_tables(3) if ds is None else ds, **options)


def test_two_readers_do_not_disturb_each_other() -> None:
    ds = shuffle(as_tables(300, 4), window_rows=50)
    rows = numbers(ds)
    reading = iter(ds)
    first = [next(reading)["n"] for _ in range(60)]
    assert next(iter(ds))["n"] == rows[0]
    assert first + numbers(reading) == rows


def test_take_and_skip_divide_for_good() -> None:
    ds = shuffle(as_tables(200, 4), window_rows=60)
    held_out, training = ds.take(50), ds.skip(50)
    held_out.set_epoch(3)
    training.set_epoch(7 if datasets.__version__ >= "5" else 3)
    assert sorted(numbers(held_out) + numbers(training)) == list(range(200))
    taken = shuffle(as_tables(200, 4).take(50), window_rows=20)
    taken.set_epoch(2)
    assert sorted(numbers(taken)) == list(range(50))


@pytest.mark.parametrize("nodes", [1, 2, 3, 4])
def test_nodes_have_every_row_of_shards_once(tmp_path: Path, nodes: int) -> None:
    files = write_numbered(tmp_path, [700, 200, 100], row_group_rows=300)
    ds = shuffle(laion_dataset.load_dataset(data_files=files, split="train", streaming=True), window_rows=128)
    for epoch in range(2):
        ds.set_epoch(epoch)
        rows: list[int] = []
        for rank in range(nodes):
            part = split_dataset_by_node(ds, rank, nodes)
            part.set_epoch(epoch)
            ids = [row["pair_id"] for row in part]
            assert ids != sorted(ids)
            rows += ids
        assert sorted(rows) == list(range(1000))


def test_lazy_images_of_shards_come_as_they_are(tmp_path: Path) -> None:
    files = write_numbered(tmp_path, [300], row_group_rows=100)

    def make() -> datasets.IterableDataset:
        ds = laion_dataset.load_dataset(data_files=files, split="train", streaming=True)
        return shuffle(ds, seed=3, window_rows=70).rename_column("pair_id", "n")

    plain = laion_dataset.load_dataset(data_files=files, split="train", streaming=True)
    expected = {row["pair_id"]: (row["url"], row["image"]) for row in plain}
    rows = list(make())
    assert {row["n"]: (row["url"], row["image"]) for row in rows} == expected
    assert {type(row["image"]) for row in rows} == {laion_dataset.RemoteImage}
    for cut in (1, 69, 70, 170, 299):
        assert interrupted(make, cut) == (numbers(rows)[:cut], numbers(rows)[cut:])


MEMORY = """
import sys
import datasets, pyarrow as pa
from resuming import FEATURES
import laion_dataset

def tables(n_tables, rows=10_000):
    for first in range(0, n_tables * rows, rows):
        numbers = range(first, first + rows)
        yield first, pa.table({"n": numbers, "text": [f"{n:0100d}" for n in numbers]})

n_rows, window = int(sys.argv[1]), int(sys.argv[2])
source = datasets.iterable_dataset.ArrowExamplesIterable(tables, {"n_tables": n_rows // 10_000})
ds = datasets.IterableDataset(source, info=datasets.DatasetInfo(features=FEATURES))
window_bytes = next(tables(1))[1].nbytes * window / 10_000
n = 0
for _, table in laion_dataset.shuffle(ds, window_rows=window)._ex_iterable.iter_arrow():
    n += len(table)
assert n == n_rows
print(pa.default_memory_pool().max_memory() / window_bytes)
"""


@pytest.mark.parametrize(
    ("n_rows", "window"), [(100_000, 20_000), pytest.param(1_000_000, 50_000, marks=pytest.mark.ci)]
)
def test_no_more_than_two_windows_are_in_memory(n_rows: int, window: int) -> None:
    command = [sys.executable, "-c", MEMORY, str(n_rows), str(window)]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    slack = 1.6 * 10_000 / window  # a table that is cut, and one that is being made
    assert 1 < float(done.stdout) < 2.1 + slack


def test_pictures_are_shuffled_too() -> None:
    """Rows that are no tables are moved as they are."""
    rows = list(shuffle(as_examples(50).map(lambda row: {"picture": object()}), window_rows=20))
    assert len({id(row["picture"]) for row in rows}) == 50
