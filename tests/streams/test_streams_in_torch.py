"""Shuffled and mixed streams in a DataLoader's workers, and ranks that end their epochs together."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets.distributed import split_dataset_by_node
from numbered import write_numbered
from PIL import Image
from resuming import as_examples, as_tables

import laion_dataset
from laion_dataset import interleave, shuffle, steps_per_epoch
from laion_pairs.sample.image_host import ImageHost

pytestmark = pytest.mark.ci
torch = pytest.importorskip("torch", reason="needs PyTorch, which .ci/run installs")

N_ROWS = 240


def _shuffled() -> datasets.IterableDataset:
    return shuffle(as_tables(N_ROWS, 4), seed=1, window_rows=50)


def _mixed() -> datasets.IterableDataset:
    streams = [shuffle(as_tables(N_ROWS // 2, 4, first), window_rows=20) for first in (0, N_ROWS // 2)]
    return interleave(streams, weights=[2, 1], stopping_strategy="all_exhausted")


def _mixed_rows() -> datasets.IterableDataset:
    streams = [shuffle(as_examples(N_ROWS // 2, 4, first), window_rows=20) for first in (0, N_ROWS // 2)]
    return interleave(streams, weights=[2, 1], stopping_strategy="all_exhausted")


MAKERS = [_shuffled, _mixed, _mixed_rows]


def _in_order(batches: Any) -> list[int]:
    return [int(n) for batch in batches for n in batch["n"]]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.parametrize("persistent", [False, True])
def test_workers_hear_of_the_epoch(
    make: Callable[[], datasets.IterableDataset], context: str, persistent: bool
) -> None:
    ds = make()
    loader = torch.utils.data.DataLoader(
        ds, batch_size=8, num_workers=2, multiprocessing_context=context, persistent_workers=persistent
    )
    orders = {}
    for epoch in (0, 1, 2, 1):
        ds.set_epoch(epoch)
        order = _in_order(loader)
        assert sorted(order) == list(range(N_ROWS))
        assert orders.setdefault(epoch, order) == order
    assert len({tuple(order) for order in orders.values()}) == 3


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("epoch", [0, 1])
@pytest.mark.parametrize("workers", [0, 2, 3])
def test_a_stateful_data_loader_resumes_exactly(
    make: Callable[[], datasets.IterableDataset], workers: int, epoch: int
) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata")

    def loader() -> Any:
        ds = make()
        ds.set_epoch(epoch)
        return stateful.StatefulDataLoader(ds, batch_size=8, num_workers=workers)

    whole = _in_order(loader())
    for stop in (1, 7, 20):
        running = loader()
        batches = iter(running)
        before = _in_order(next(batches) for _ in range(stop))
        file = io.BytesIO()
        torch.save(running.state_dict(), file)
        del batches, running
        file.seek(0)
        resumed = loader()
        resumed.load_state_dict(torch.load(file, weights_only=True))
        assert before + _in_order(resumed) == whole


def _of_files(files: list[str]) -> datasets.IterableDataset:
    return laion_dataset.load_dataset(data_files=files, split="train", streaming=True, columns=["pair_id"])


CHAINS: dict[str, Callable[[list[str]], datasets.IterableDataset]] = {
    "loaded": _of_files,
    "shuffled": lambda files: shuffle(_of_files(files), seed=5, window_rows=20),
    "as the guide has it": lambda files: split_dataset_by_node(
        shuffle(_of_files(files), seed=5, window_rows=20), 0, 1
    ).select_columns(["pair_id"]),
    "mixed": lambda files: interleave([_of_files(files[:1]), shuffle(_of_files(files[1:]), window_rows=20)]),
    "formatted": lambda files: _of_files(files).with_format("torch"),
    "mapped": lambda files: _of_files(files).map(lambda row: {"pair_id": row["pair_id"]}),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_saved_and_resumed_after_every_batch(tmp_path: Path, chain: str) -> None:
    """So that most workers are resumed, and saved again, before they gave a batch."""
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata")
    files = write_numbered(tmp_path, [32] * 3, row_group_rows=10)

    def loader() -> Any:
        return stateful.StatefulDataLoader(CHAINS[chain](files), batch_size=8, num_workers=3)

    whole = [int(n) for batch in loader() for n in batch["pair_id"]]
    assert sorted(whole) == list(range(96)) or chain == "mixed"
    seen: list[int] = []
    state = None
    while len(seen) <= len(whole):
        running = loader()
        if state is not None:
            running.load_state_dict(state)
        batches = iter(running)
        batch = next(batches, None)
        if batch is None:
            break
        seen += [int(n) for n in batch["pair_id"]]
        state = running.state_dict()
        del batches, running
    assert seen == whole


@pytest.mark.parametrize("shards", [1, 3, 8])
@pytest.mark.parametrize("workers", [2, 4])
def test_the_shuffle_of_datasets_goes_on_in_workers(tmp_path: Path, workers: int, shards: int) -> None:
    """Also from a state in which some workers have not begun, or have fewer shards each than the whole stream."""
    in_buffers = 0 if datasets.__version__ >= "4" else workers  # 3.6 loses what is in a buffer, also in one of a row
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata")
    files = write_numbered(tmp_path, [480 // shards] * shards, row_group_rows=40)

    def loader() -> Any:
        rows = laion_dataset.load_dataset(data_files=files, split="train", streaming=True, columns=["pair_id"])
        return stateful.StatefulDataLoader(rows.shuffle(seed=3, buffer_size=1), batch_size=8, num_workers=workers)

    for stop in (1, 7):
        running = loader()
        batches = iter(running)
        seen = [int(n) for _ in range(stop) for n in next(batches)["pair_id"]]
        state = running.state_dict()
        del batches, running
        resumed = loader()
        resumed.load_state_dict(state)
        seen += [int(n) for batch in resumed for n in batch["pair_id"]]
        assert len(seen) == len(set(seen)) >= 480 - in_buffers


@pytest.mark.parametrize("nodes", [1, 2, 4])
@pytest.mark.parametrize("workers", [1, 3, 7])
def test_nodes_and_workers_have_every_row_once(tmp_path: Path, nodes: int, workers: int) -> None:
    streams = []
    for name, sizes in (("a", [500]), ("b", [200, 100])):
        (tmp_path / name).mkdir()
        files = write_numbered(tmp_path / name, sizes, row_group_rows=120)
        streams.append(laion_dataset.load_dataset(data_files=files, split="train", streaming=True))
    shuffled = shuffle(streams[0], window_rows=60).select_columns(["pair_id"])
    mixed = interleave(streams, stopping_strategy="all_exhausted").select_columns(["pair_id"])
    for ds, expected in ((shuffled, [*range(500)]), (mixed, sorted([*range(500), *range(300)]))):
        rows: list[int] = []
        for rank in range(nodes):
            part = split_dataset_by_node(ds, rank, nodes)
            for batch in torch.utils.data.DataLoader(part, batch_size=16, num_workers=workers):
                rows += batch["pair_id"].tolist()
        assert sorted(rows) == expected


@pytest.mark.parametrize("workers", [0, 2])
def test_steps_go_on_where_they_were_saved(workers: int) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata")

    def make() -> Any:
        return steps_per_epoch(stateful.StatefulDataLoader(_shuffled(), batch_size=8, num_workers=workers), 13)

    running = make()
    epochs = [_in_order(running) for _ in range(5)]
    assert [len(epoch) for epoch in epochs] == [13 * 8] * 5
    whole = [n for epoch in epochs for n in epoch]
    assert sorted(whole[:N_ROWS]) == list(range(N_ROWS))
    for stop in (4, 13, 29, 30, 31):
        running = make()
        before, step, state = [], 0, None
        while state is None:
            for batch in running:
                before += _in_order([batch])
                step += 1
                if step == stop:
                    state = running.state_dict()
                    break
        resumed = make()
        resumed.load_state_dict(state)
        rest = _in_order(resumed)
        rest += [n for _ in range((65 - stop - len(rest) // 8) // 13) for n in _in_order(resumed)]
        assert before + rest == whole[: len(before + rest)]
        assert len(before + rest) >= 64 * 8 - 13 * 8


def _picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (9, 9), (7, 8, 9)).save(file, "PNG")
    return file.getvalue()


def test_ranks_end_together_though_one_has_broken_links(tmp_path: Path) -> None:
    """Of one rank's pictures three in ten are gone: it has 14 batches a pass, the other one 20."""
    with ImageHost() as host:
        shards: list[list[str]] = [[], []]
        for number in range(160):
            path = f"/{number}.png"
            if number >= 80 and number % 10 < 3:
                host.gone(path)
            else:
                host.serve(path, _picture())
            shards[number // 80].append(host.url(path))
        (tmp_path / "urls.json").write_text(json.dumps(shards))
        script = [sys.executable, str(Path(__file__).with_name("gloo_rank.py"))]
        arguments = [str(tmp_path / "rendezvous"), str(tmp_path / "urls.json"), "17", "3"]
        ranks = [
            subprocess.Popen([*script, str(rank), *arguments], stdout=subprocess.PIPE, text=True) for rank in range(2)
        ]
        try:
            answers = [json.loads(rank.communicate(timeout=240)[0].splitlines()[-1]) for rank in ranks]
        finally:
            for rank in ranks:
                rank.kill()
    assert [rank.returncode for rank in ranks] == [0, 0]
    assert [answer["steps"] for answer in answers] == [[17, 17, 17]] * 2
    assert answers[0]["weights"] == answers[1]["weights"]
