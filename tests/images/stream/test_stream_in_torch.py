"""Streams of pictures in PyTorch: every worker its own pictures, exact resume with a StatefulDataLoader."""

from __future__ import annotations

import io
from typing import Any

import datasets
import pytest
from datasets.distributed import split_dataset_by_node
from gallery import Gallery, there

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.stream import download_images

pytestmark = pytest.mark.ci
torch = pytest.importorskip("torch", reason="needs PyTorch, which .ci/run installs")

N_ROWS = 60


def _numbers(batches: Any) -> list[int]:
    return sorted(int(n) for batch in batches for n in batch["n"])


def _only_numbers(rows: list[dict[str, Any]]) -> dict[str, list[int]]:
    return {"n": [row["n"] for row in rows]}


@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.parametrize(("workers", "shards"), [(0, 1), (2, 1), (4, 3)])
def test_a_data_loader(gallery: Gallery, hurry: DownloadPolicy, workers: int, shards: int, context: str) -> None:
    pairs = gallery.pairs(N_ROWS).to_iterable_dataset(num_shards=shards)
    images = download_images(pairs, size=8, decode="torch", policy=hurry).select_columns(["image", "n"])
    options = {"multiprocessing_context": context} if workers else {}
    batches = list(torch.utils.data.DataLoader(images, batch_size=4, num_workers=workers, **options))
    assert _numbers(batches) == there(N_ROWS)
    assert gallery.requested() == dict.fromkeys(range(N_ROWS), 1)
    for batch in batches:
        assert batch["image"].shape[1:] == (3, 8, 8)
        assert batch["image"].dtype is torch.uint8
        assert batch["image"][:, 0, 4, 4].tolist() == batch["n"].tolist()


@pytest.mark.parametrize("shards", [1, 4])
@pytest.mark.parametrize("nodes", [1, 2, 4])
@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_every_picture_is_fetched_by_one_worker_of_one_node(
    gallery: Gallery, hurry: DownloadPolicy, shards: int, nodes: int, workers: int
) -> None:
    pairs = gallery.pairs(N_ROWS).to_iterable_dataset(num_shards=shards)
    images = download_images(pairs, size=8, policy=hurry)
    rows: list[int] = []
    for rank in range(nodes):
        part = split_dataset_by_node(images, rank, nodes)
        loader = torch.utils.data.DataLoader(
            part, batch_size=4, num_workers=workers, collate_fn=_only_numbers, multiprocessing_context="fork"
        )
        rows += _numbers(loader)
    assert sorted(rows) == there(N_ROWS)
    assert gallery.requested() == dict.fromkeys(range(N_ROWS), 1)


def test_taken_and_shuffled_in_workers(gallery: Gallery, hurry: DownloadPolicy) -> None:
    images = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry)
    for stream, n_rows in ((images.take(20), 20), (images.shuffle(seed=1, buffer_size=7), len(there(N_ROWS)))):
        loader = torch.utils.data.DataLoader(stream, batch_size=4, num_workers=3, collate_fn=_only_numbers)
        numbers = _numbers(loader)
        assert len(numbers) == len(set(numbers)) == n_rows


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("workers", [0, 2, 3])
def test_a_stateful_data_loader_resumes_exactly(
    gallery: Gallery, hurry: DownloadPolicy, workers: int, ordered: bool
) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata")
    pairs = gallery.pairs(N_ROWS)
    gallery.slow(5, delay_s=0.2)

    def loader() -> Any:
        images = download_images(pairs, size=8, policy=hurry, ordered=ordered, concurrency=8)
        return stateful.StatefulDataLoader(images, batch_size=4, num_workers=workers, collate_fn=_only_numbers)

    for stop in (1, 3, 7):
        running = loader()
        batches = iter(running)
        rows = [n for _ in range(stop) for n in next(batches)["n"]]
        file = io.BytesIO()
        torch.save(running.state_dict(), file)
        del batches, running
        file.seek(0)
        resumed = loader()
        resumed.load_state_dict(torch.load(file, weights_only=False))
        assert sorted(rows + _numbers(resumed)) == there(N_ROWS)


@pytest.mark.parametrize("ordered", [False, True])
def test_saved_and_resumed_after_every_batch(gallery: Gallery, hurry: DownloadPolicy, ordered: bool) -> None:
    """So that most workers are resumed, and saved again, before they gave a batch."""
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata")
    pairs = gallery.pairs(24)
    rows: list[int] = []
    state = None
    while len(rows) <= 24:
        images = download_images(pairs, size=8, policy=hurry, ordered=ordered, concurrency=8)
        running = stateful.StatefulDataLoader(images, batch_size=4, num_workers=3, collate_fn=_only_numbers)
        if state is not None:
            running.load_state_dict(state)
        batches = iter(running)
        batch = next(batches, None)
        if batch is None:
            break
        rows += batch["n"]
        state = running.state_dict()
        del batches, running
    assert sorted(rows) == there(24)


def test_torch_loads_a_state_without_trusting_it(gallery: Gallery, hurry: DownloadPolicy) -> None:
    images = download_images(gallery.pairs(10), size=8, policy=hurry)
    next(iter(images))
    file = io.BytesIO()
    torch.save(images.state_dict(), file)
    file.seek(0)
    assert torch.load(file, weights_only=True) == images.state_dict()


@pytest.mark.parametrize("batched", [False, True])
def test_the_torch_format(gallery: Gallery, hurry: DownloadPolicy, batched: bool) -> None:
    images = download_images(gallery.pairs(9), size=8, policy=hurry).with_format("torch")
    rows = list(images.batch(2) if batched else images)
    assert {tuple(row["image"].shape) for row in rows} == {(2, 3, 8, 8) if batched else (3, 8, 8)}
    assert {row["image"].dtype for row in rows} == {torch.uint8}


def test_tensors_of_any_size(gallery: Gallery, hurry: DownloadPolicy) -> None:
    images = download_images(gallery.pairs(3), resize="no", decode="torch", policy=hurry)
    assert [tuple(row["image"].shape) for row in images] == [(3, 16, 24)] * 3
    if images.features is not None:
        assert images.with_format("arrow").take(1) is not None
        assert isinstance(images.features["outcome"], datasets.Value)
