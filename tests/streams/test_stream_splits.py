"""Every row exactly once, for any number of nodes and workers, however few shards and row groups there are."""

from __future__ import annotations

from itertools import chain, product
from pathlib import Path
from typing import Any

import pytest
from datasets.distributed import split_dataset_by_node
from numbered import write_numbered

import laion_dataset

BATCH_ROWS = 4096  # ranks differ by at most so many rows, before filtering

LAYOUTS: dict[str, dict[str, Any]] = {
    "one row group": {"rows": [9000]},
    "many row groups": {"rows": [9000], "row_group_rows": 1000},
    "uneven row groups in three shards": {"rows": [5000, 37, 2100], "row_group_rows": 999},
    "eight shards": {"rows": [700] * 8},
    "an empty shard": {"rows": [0, 4000, 0]},
    "fewer rows than parts": {"rows": [5]},
    "text": {"rows": [6000], "kind": "csv"},
}


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[str], int]:
    """Files, and how many rows they have."""
    made = LAYOUTS[request.param]
    return write_numbered(tmp_path, **made), sum(made["rows"])


def stream(files: list[str], **options: Any) -> Any:
    return laion_dataset.load_dataset(
        data_files=files, split="train", streaming=True, columns=["pair_id", "width"], **options
    )


def numbers(rows: Any) -> list[int]:
    return [row["pair_id"] for row in rows]


def check_even(sizes: list[int], shards: int) -> None:
    """Ranks differ by at most a batch; where whole shards divide, by what the shards differ."""
    assert shards % len(sizes) == 0 or max(sizes) - min(sizes) <= BATCH_ROWS


@pytest.mark.parametrize("nodes", [2, 3, 7])
def test_nodes(nodes: int, layout: tuple[list[str], int]) -> None:
    files, n_rows = layout
    parts = [numbers(split_dataset_by_node(stream(files), rank, nodes)) for rank in range(nodes)]
    assert sorted(chain.from_iterable(parts)) == list(range(n_rows))
    sizes = [len(part) for part in parts]
    check_even(sizes, len(files))
    if len(files) == 1 and n_rows > nodes and not files[0].endswith("csv"):
        assert all(sizes), "a rank of a file that is large enough has nothing to do"


def test_a_part_keeps_its_filter_and_is_split_again(layout: tuple[list[str], int]) -> None:
    files, n_rows = layout
    wide = [("width", ">", 50)]
    found = []
    for rank in range(2):
        examples = split_dataset_by_node(stream(files, filters=wide), rank, 2)._prepare_ex_iterable_for_iteration()
        for worker in range(3):
            found += [row["pair_id"] for _, row in examples.shard_data_sources(3, worker, contiguous=False)]
    assert sorted(found) == [n for n in range(n_rows) if n % 100 + 1 > 50]


@pytest.mark.parametrize("nodes", [2, 3])
def test_a_part_is_resumed(nodes: int, layout: tuple[list[str], int]) -> None:
    """At every tenth of it, by a new object: what was left, in order."""
    files, _ = layout
    for rank in range(nodes):
        whole = numbers(split_dataset_by_node(stream(files), rank, nodes))
        for stop in {1, len(whole) // 2, len(whole) - 1}:
            if not 0 < stop < len(whole):
                continue
            part = split_dataset_by_node(stream(files), rank, nodes)
            iterator = iter(part)
            seen = [next(iterator)["pair_id"] for _ in range(stop)]
            again = split_dataset_by_node(stream(files), rank, nodes)
            again.load_state_dict(part.state_dict())
            assert seen + numbers(again) == whole


def test_shuffled_shards_are_still_every_row_once(layout: tuple[list[str], int]) -> None:
    files, n_rows = layout
    for seed in range(3):
        rows = stream(files).shuffle(seed=seed, buffer_size=10)
        parts = [numbers(split_dataset_by_node(rows, rank, 3)) for rank in range(3)]
        assert sorted(chain.from_iterable(parts)) == list(range(n_rows))


def _numbers_only(rows: list[dict[str, Any]]) -> list[int]:
    return [row["pair_id"] for row in rows]


def loaded(dataset: Any, workers: int, context: str = "fork") -> list[int]:
    torch = pytest.importorskip("torch", reason="needs PyTorch, which .ci/run installs")
    options = {"multiprocessing_context": context} if workers else {}
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=64, num_workers=workers, collate_fn=_numbers_only, **options
    )
    return [n for batch in loader for n in batch]


@pytest.mark.ci
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers(context: str, tmp_path: Path) -> None:
    files = write_numbered(tmp_path, [9000])
    assert sorted(loaded(stream(files), 3, context)) == list(range(9000))
    assert sorted(loaded(stream(files, filters=[("width", "<=", 10)]), 2, context)) == [
        n for n in range(9000) if n % 100 + 1 <= 10
    ]


@pytest.mark.parametrize(
    ("workers", "nodes"),
    [
        pytest.param(*split, marks=pytest.mark.ci if split in [(2, 1), (7, 2), (3, 4)] else pytest.mark.soak)
        for split in product([1, 2, 3, 7], [1, 2, 4])
    ],
)
def test_workers_of_nodes(workers: int, nodes: int, layout: tuple[list[str], int]) -> None:
    files, n_rows = layout
    for shuffled in (False, True):
        rows = stream(files).shuffle(seed=1, buffer_size=5) if shuffled else stream(files)
        parts = [loaded(split_dataset_by_node(rows, rank, nodes), workers) for rank in range(nodes)]
        assert sorted(chain.from_iterable(parts)) == list(range(n_rows))
        check_even([len(part) for part in parts], len(files))


@pytest.mark.ci
@pytest.mark.parametrize("where", ["hf"])
def test_workers_read_from_a_hub(where: str, hub: Any, tmp_path: Path) -> None:
    files = write_numbered(tmp_path, [9000, 500], row_group_rows=2000)
    hub.add_repository("me/numbered", {Path(file).name: Path(file) for file in files})
    rows = laion_dataset.load_dataset("me/numbered", split="train", streaming=True, columns=["pair_id"])
    next(iter(rows))  # the parent has connections of its own, which no child may use
    for context in ("fork", "spawn"):
        assert sorted(loaded(rows, 3, context)) == list(range(9500))


def test_an_epoch_is_another_order_of_the_same_rows(tmp_path: Path) -> None:
    files = write_numbered(tmp_path, [300] * 4, row_group_rows=50)
    rows = stream(files).shuffle(seed=3, buffer_size=1)
    orders = []
    for epoch in range(3):
        rows.set_epoch(epoch)
        orders.append(numbers(rows))
        assert sorted(orders[-1]) == list(range(1200))
    assert len({tuple(order) for order in orders}) == 3
