"""Exact resume: a state taken after any row, through whatever is done to the rows, gives the rest, each row once."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from counted import MAPPING, content, numbers, stream, write_shards
from datasets.distributed import split_dataset_by_node
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import laion_dataset
from laion_pairs import errors
from laion_pairs.ledger import Ledger
from laion_pairs.sample.hub import LoopbackHub

SHARDS = [150, 1, 0, 97]
N_ROWS = sum(SHARDS)

Stream = datasets.IterableDataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Row groups of 40 rows, and a text file."""
    return write_shards(tmp_path_factory.mktemp("resume") / "s", SHARDS, 40, text={1})


def _shown(row: Any) -> list[int]:
    """The numbers in a row, or in a batch, in whatever format."""
    found = row["pair_id"]
    values = found.to_pylist() if hasattr(found, "to_pylist") else np.atleast_1d(np.asarray(found)).tolist()
    return [int(value) for value in values]


CHAINS: dict[str, Callable[[Stream], Any]] = {
    "rows": lambda rows: rows,
    "map": lambda rows: rows.map(lambda row: {"n": row["pair_id"]}),
    "map in batches": lambda rows: rows.map(lambda batch: {"n": batch["pair_id"]}, batched=True, batch_size=7),
    "filter": lambda rows: rows.filter(lambda row: row["pair_id"] % 3 != 1),
    "filter in batches": lambda rows: rows.filter(
        lambda batch: [n % 3 != 1 for n in batch["pair_id"]], batched=True, batch_size=7
    ),
    "select_columns": lambda rows: rows.select_columns(["pair_id", "image"]),
    "rename_column": lambda rows: rows.rename_column("caption", "text"),
    "take": lambda rows: rows.take(200),
    "skip": lambda rows: rows.skip(30),
    "batch": lambda rows: rows.batch(9),
    "numpy in batches": lambda rows: rows.with_format("numpy").batch(9),
    "map and filter": lambda rows: rows.map(lambda row: {"n": 1}).filter(lambda row: row["pair_id"] % 2 == 0),
    "arrow": lambda rows: rows.with_format("arrow"),
    "numpy": lambda rows: rows.with_format("numpy"),
    "one node of three": lambda rows: split_dataset_by_node(rows, 1, 3),
    "map of one node of three": lambda rows: split_dataset_by_node(rows.map(lambda row: row), 1, 3),
}
IN_BATCHES = {
    "iter": lambda rows: rows.iter(16),
    "arrow iter": lambda rows: rows.with_format("arrow").iter(16),
    "numpy iter": lambda rows: rows.with_format("numpy").iter(16),
}


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stops=st.lists(st.integers(1, 130), min_size=1, max_size=3))
@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("chain", CHAINS)
def test_after_any_row(folder: Path, chain: str, filtered: bool, stops: list[int]) -> None:
    def fresh() -> Any:
        return CHAINS[chain](stream(folder, filters=[("similarity", ">", 0.3)] if filtered else None))

    wanted = [n for row in fresh() for n in _shown(row)]
    assert len(wanted) > 10
    rows: list[int] = []
    state = None
    for stop in [*stops, None]:
        images = fresh()
        if state is not None:
            images.load_state_dict(json.loads(state))
        rows += [n for row in islice(images, stop) for n in _shown(row)]
        state = json.dumps(images.state_dict())
    assert rows == wanted


@pytest.mark.parametrize("way", IN_BATCHES)
@pytest.mark.parametrize("stop", [0, 1, 3, 9, 12])
def test_after_any_batch(folder: Path, way: str, stop: int) -> None:
    rows = stream(folder)
    batches = IN_BATCHES[way]
    formatted = {"arrow iter": "arrow", "numpy iter": "numpy"}.get(way)
    first, again = (stream(folder).with_format(formatted) for _ in range(2))
    wanted = [_shown(batch) for batch in batches(rows)]
    found = [_shown(batch) for batch in islice(first.iter(16), stop)]
    again.load_state_dict(first.state_dict())
    found += [_shown(batch) for batch in again.iter(16)]
    assert found == wanted


def test_every_row_of_a_small_stream(tmp_path: Path) -> None:
    source = write_shards(tmp_path / "s", [5, 4], 2)
    for stop in range(10):
        rows = stream(source)
        found = numbers(islice(rows, stop))
        rows.load_state_dict(rows.state_dict())
        assert found + numbers(rows) == list(range(9))


def test_a_state_of_rows_goes_on_as_tables_and_back(folder: Path) -> None:
    rows = stream(folder)._ex_iterable
    rows._init_state_dict()
    found = [row["pair_id"] for _, row in islice(rows, 17)]
    tables = stream(folder)._ex_iterable
    tables._init_state_dict()
    tables.load_state_dict(rows.state_dict())
    _, table = next(tables.iter_arrow())
    found += table["pair_id"].to_pylist()
    rows = stream(folder)._ex_iterable
    rows._init_state_dict()
    rows.load_state_dict(tables.state_dict())
    assert found + [row["pair_id"] for _, row in rows] == list(range(N_ROWS))


def test_shuffled_sources_go_on_in_their_order(folder: Path) -> None:
    def fresh() -> Any:
        examples = stream(folder)._ex_iterable.shuffle_data_sources(np.random.default_rng(3))
        examples._init_state_dict()
        return examples

    wanted = [row["pair_id"] for _, row in fresh()]
    assert wanted != sorted(wanted)
    for stop in range(0, N_ROWS, 31):
        first, second = fresh(), fresh()
        found = [row["pair_id"] for _, row in islice(first, stop)]
        second.load_state_dict(first.state_dict())
        assert found + [row["pair_id"] for _, row in second] == wanted


def test_a_state_is_small_and_plain(folder: Path) -> None:
    rows = stream(folder)
    states = []
    for _ in rows:
        states.append(rows.state_dict())
    assert all(len(json.dumps(state)) < 1000 for state in states)
    assert states == json.loads(json.dumps(states))
    assert pickle.loads(pickle.dumps(rows)).state_dict() == rows.state_dict()


@pytest.mark.parametrize("stop", [0, 1, 13, 14, 50, 82])
def test_nothing_is_counted_twice(folder: Path, tmp_path: Path, stop: int) -> None:
    """However often a reader stops; each batch is counted by whoever gives its first row."""
    ledger = tmp_path / "l"
    options: dict[str, Any] = {"filters": [("similarity", ">", 0.3)], "ledger": ledger}
    rows = stream(folder, **options)
    found, state = [], None
    while len(found) < N_ROWS / 3:
        if state is not None:
            rows = stream(folder, **options)
            rows.load_state_dict(state)
        more = numbers(islice(rows, stop or None))
        found += more
        state = rows.state_dict()
        if not more:
            break
    rows.load_state_dict(state)
    assert numbers(rows) == []
    assert found == [n for n in range(N_ROWS) if n % 3 == 0]
    counts = Ledger(ledger).counts()
    assert counts["rows"] == {"seen": N_ROWS, "kept": len(found)}
    assert counts["dropped"] == {"filter": N_ROWS - len(found)}
    assert counts["row_groups"] == {"read": 8}


def test_a_resume_reads_its_row_group_and_the_footer(hub: LoopbackHub) -> None:
    """Of a shard with ten row groups, at row 9.5: not the nine before it."""
    shard = content(0, 100_000, 10_000)
    hub.add_repository("me/large", {"train.parquet": shard})
    rows = stream("hf://datasets/me/large/*.parquet")
    iterator = iter(rows.iter(1000))
    found = [n for _ in range(95) for n in next(iterator)["pair_id"]]
    state = rows.state_dict()
    again = stream("hf://datasets/me/large/*.parquet")
    again.load_state_dict(state)
    hub.forget()
    found += numbers(again)
    assert found == list(range(100_000))
    moved = sum(line.bytes_sent for line in hub.requests() if "/resolve/" in line.path)
    assert moved < len(shard) / 10 + (1 << 20)


def test_a_commit_that_moved_is_refused(hub: LoopbackHub) -> None:
    repository = hub.add_repository("me/moving", {"train.parquet": content(0, 9, 3)})
    options = {"column_mapping": MAPPING, "split": "train", "streaming": True}
    rows = laion_dataset.load_dataset("me/moving", **options)
    next(iter(rows))
    state = rows.state_dict()
    repository.add_commit({"train.parquet": content(0, 12, 3)})
    moved = laion_dataset.load_dataset("me/moving", **options)
    moved.load_state_dict(state)
    with pytest.raises(errors.ShardError, match="saved at commit"):
        next(iter(moved))


WORKERS = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from counted import stream
from torchdata.stateful_dataloader import StatefulDataLoader

def fresh():
    rows = stream(Path(sys.argv[1])).map(lambda_free)
    return StatefulDataLoader(rows, batch_size=4, num_workers=4, multiprocessing_context=sys.argv[2], collate_fn=ids)

def lambda_free(row):
    return {"n": row["pair_id"]}

def ids(rows):
    return [row["n"] for row in rows]

if __name__ == "__main__":
    loader, stop = fresh(), int(sys.argv[3])
    running = iter(loader)
    found = [n for _ in range(stop) for n in next(running)]
    state = loader.state_dict()
    del running
    again = fresh()
    again.load_state_dict(state)
    found += [n for batch in again for n in batch]
    print(json.dumps(sorted(found)))
"""


@pytest.mark.ci
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_dataloaders_workers_go_on(folder: Path, tmp_path: Path, start: str) -> None:
    pytest.importorskip("torchdata.stateful_dataloader")
    (tmp_path / "train.py").write_text(WORKERS)
    command = [sys.executable, str(tmp_path / "train.py"), str(folder), start, "11", str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=dict(os.environ))
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == list(range(N_ROWS))
