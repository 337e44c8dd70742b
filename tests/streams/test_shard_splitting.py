"""However a stream is split among nodes and workers, the parts are all rows, each once, and about as long."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counted import content, numbers, stream, write_shards
from datasets.distributed import split_dataset_by_node
from hypothesis import given, settings
from hypothesis import strategies as st

from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.shards import Layout, Shard
from laion_pairs.streams.splitting import Piece, ShardCount, share_spans, split_pieces

N_ROWS = 180


def workers_of(rows: Any, count: int) -> list[list[int]]:
    """What each of a DataLoader's workers gives: `datasets` splits for them as it does in ``_iter_pytorch``."""
    prepared = rows._prepare_ex_iterable_for_iteration()
    parts = [prepared.shard_data_sources(count, index, contiguous=False) for index in range(count)]
    return [numbers(row for _, row in part) for part in parts]


def parts_of(rows: Any, nodes: int, workers: int) -> list[list[int]]:
    return [part for rank in range(nodes) for part in workers_of(split_dataset_by_node(rows, rank, nodes), workers)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], Path]:
    """180 rows in 1, 2, 3, 5 shards of 1, 3, or many row groups each."""
    folder = tmp_path_factory.mktemp("shards")
    return {
        (shards, groups): write_shards(
            folder / f"{shards}-{groups}", [N_ROWS // shards] * shards, -(-N_ROWS // shards // groups)
        )
        for shards, groups in product([1, 2, 3, 5], [1, 3, 20])
    }


SPLITS = list(product([1, 2, 3, 7], [1, 2, 4]))
FEW = [(1, 4), (3, 2), (7, 1)]
CASES = [
    (*case, SPLITS if case in [(1, 1, True), (3, 20, False)] else FEW)
    for case in product([1, 2, 3, 5], [1, 3, 20], [False, True])
]
ALL_CASES = [pytest.param(*case[:3], SPLITS, marks=pytest.mark.ci) for case in CASES if case[3] is FEW]


@pytest.mark.parametrize(("shards", "groups", "filtered", "splits"), [*CASES, *ALL_CASES])
def test_every_row_once_and_ranks_even(
    folders: dict[tuple[int, int], Path], shards: int, groups: int, filtered: bool, splits: list[tuple[int, int]]
) -> None:
    rows = stream(folders[shards, groups], filters=[("similarity", ">", 0.3)] if filtered else None)
    wanted = [n for n in range(N_ROWS) if not filtered or n % 3 == 0]
    for workers, nodes in splits:
        parts = parts_of(rows, nodes, workers)
        assert sorted(n for part in parts for n in part) == wanted, (workers, nodes)
        if not filtered and shards % nodes:
            by_rank = [sum(map(len, parts[rank * workers :][:workers])) for rank in range(nodes)]
            assert max(by_rank) - min(by_rank) <= 1 + N_ROWS // (8 * nodes) * 2, (workers, nodes)


def test_a_file_of_one_row_group_keeps_seven_workers_busy(folders: dict[tuple[int, int], Path]) -> None:
    parts = workers_of(stream(folders[1, 1]), 7)
    assert [len(part) for part in parts] == [25, 26, 26, 25, 26, 26, 26]


def test_text_shards_are_split_by_rows(tmp_path: Path) -> None:
    rows = stream(write_shards(tmp_path / "s", [50, 31, 40], 16, text={1}))
    for workers, nodes in FEW:
        parts = parts_of(rows, nodes, workers)
        assert sorted(n for part in parts for n in part) == list(range(121)), (workers, nodes)
        text = [sum(50 <= n < 81 for n in part) for part in parts]
        if nodes * workers % 3:
            assert max(text) - min(text) <= 1


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_fewer_rows_than_readers(tmp_path: Path, rows: int) -> None:
    assert sorted(chain(*parts_of(stream(write_shards(tmp_path / "s", [rows, 0])), 4, 7))) == list(range(rows))


LAYOUTS = st.one_of(
    st.builds(
        lambda rows, step: Layout(tuple(rows), (step,) * len(rows)),
        st.lists(st.integers(0, 20_000), max_size=6),
        st.sampled_from([4096, 100, 1]),
    ),
    st.just(Layout(None, (4096,))),
)


@settings(deadline=None, max_examples=150)
@given(
    layouts=st.lists(LAYOUTS, min_size=1, max_size=20),
    nodes=st.integers(1, 5),
    workers=st.lists(st.integers(1, 4), min_size=5, max_size=5),
    contiguous=st.booleans(),
    shuffled=st.booleans(),
)
def test_parts_of_parts_are_all_rows(
    layouts: list[Layout], nodes: int, workers: list[int], contiguous: bool, shuffled: bool
) -> None:
    """Not every node has as many workers as the others; the parts are ranges of rows, counted here as such."""
    by_number = dict(enumerate(layouts))
    pieces = tuple(Piece(number, Shard(f"{number}.parquet", "train")) for number in by_number)
    if shuffled:
        pieces = tuple(pieces[n] for n in np.random.default_rng(0).permutation(len(pieces)))
    seen: dict[tuple[int, int], list[tuple[int, int]]] = {}
    sizes = []
    for node in range(nodes):
        node_pieces = split_pieces(pieces, nodes, node, contiguous=contiguous)
        size = 0
        for worker in range(workers[node]):
            for piece in split_pieces(node_pieces, workers[node], worker, contiguous=contiguous):
                for group, first, end, n in _ranges(piece, by_number):
                    seen.setdefault((piece.number, group), []).append((first, end))
                    size += n
        sizes.append(size)
    for number, layout in by_number.items():
        for group, n_rows in enumerate((60,) if layout.rows is None else layout.rows):
            ranges = sorted(found for found in seen.get((number, group), []) if found[0] < found[1])
            if layout.rows is None:
                assert sorted(row for first, step in seen[number, group] for row in range(first, 60, step)) == [
                    *range(60)
                ]
            else:
                assert [first for first, _ in ranges] == [0, *(end for _, end in ranges[:-1])] or n_rows == 0
                assert n_rows == 0 or ranges[-1][1] == n_rows
    if len(layouts) < 8 * nodes and len(layouts) % nodes:
        assert max(sizes) - min(sizes) <= max(step for layout in layouts for step in (*layout.batch_rows, 1))


def _ranges(piece: Piece, layouts: dict[int, Layout]) -> Iterator[tuple[int, int, int, int]]:
    """(row group, first row, end row, rows) of a piece; of text (0, offset, step, 0)."""
    layout = layouts[piece.number]
    if piece.share is not None:
        for span in share_spans(piece.share, {n: layouts[n] for n, _ in piece.share.shards})[piece.number]:
            if layout.rows is None:
                yield 0, span.offset, span.step, 0
            else:
                assert span.end_row is not None
                yield span.row_group, span.first_row, span.end_row, span.end_row - span.first_row
    elif layout.rows is None:
        yield 0, 0, 1, 0
    else:
        for group, n_rows in enumerate(layout.rows):
            yield group, 0, n_rows, n_rows


def test_a_shard_count_is_enough_for_any_number_of_parts() -> None:
    count = ShardCount(3)
    assert (count, f"{count}") == (3, "3")
    assert [count % parts for parts in (1, 2, 7)] == [0, 0, 0]
    assert not any(count < parts for parts in (1, 2, 7))
    assert [min(count, parts) for parts in (1, 2, 7)] == [1, 2, 7]


def test_many_shards_are_taken_whole_and_only_what_is_left_is_shared() -> None:
    pieces = tuple(Piece(n, Shard(f"{n}.parquet", "train")) for n in range(50))
    parts = [split_pieces(pieces, 3, index, contiguous=True) for index in range(3)]
    assert [[piece.number for piece in part if piece.share is None] for part in parts] == [
        [*range(16)],
        [*range(16, 32)],
        [*range(32, 48)],
    ]
    assert [[piece.number for piece in part if piece.share is not None] for part in parts] == [[48, 49]] * 3


def requested(hub: LoopbackHub) -> set[str]:
    return {line.path.rsplit("/", 1)[-1] for line in hub.requests() if "/resolve/" in line.path}


def test_a_footer_is_read_when_its_shard_opens_or_shards_do_not_divide(hub: LoopbackHub) -> None:
    files = {f"train-{n}.parquet": content(30 * n, 30, 10) for n in range(4)}
    hub.add_repository("me/four", files)
    rows = stream("hf://datasets/me/four/*.parquet")
    hub.forget()
    halves = [split_dataset_by_node(rows, rank, 2) for rank in range(2)]
    assert rows.num_shards == 4
    assert requested(hub) == set()
    next(iter(halves[1]))
    assert requested(hub) == {"train-1.parquet"}
    thirds = [split_dataset_by_node(rows, rank, 3) for rank in range(3)]
    hub.forget()
    assert sorted(n for third in thirds[1:] for n in numbers(third)) == list(range(40, 120))
    assert requested(hub) == set(files) - {"train-0.parquet"}  # by which the files were recognised: it is kept


def test_columns_of_a_dataset_are_split_as_rows(tmp_path: Path) -> None:
    """What is done to the rows after it goes with the split."""
    rows = stream(write_shards(tmp_path / "s", [100])).map(lambda row: {"pair_id": row["pair_id"] + 1000})
    parts = parts_of(rows, 2, 3)
    assert sorted(n for part in parts for n in part) == list(range(1000, 1100))
    assert min(map(len, parts)) > 0


def test_shuffled_shards_and_row_groups(tmp_path: Path) -> None:
    rows = stream(write_shards(tmp_path / "s", [60, 60, 60], 10))
    shuffled = rows._ex_iterable.shuffle_data_sources(np.random.default_rng(5))
    found = [row["pair_id"] for _, row in shuffled]
    assert sorted(found) == list(range(180))
    groups = [n // 10 for n in found[::10]]
    assert found == [10 * group + n for group in groups for n in range(10)]
    assert [group // 6 for group in groups] != sorted(group // 6 for group in groups)
    assert groups[:6] != sorted(groups[:6])
    again = rows._ex_iterable.shuffle_data_sources(np.random.default_rng(5))
    assert [row["pair_id"] for _, row in again] == found
    other = rows._ex_iterable.shuffle_data_sources(np.random.default_rng(6))
    assert [row["pair_id"] for _, row in other] != found
    for parts in (2, 4):
        split = [again.shard_data_sources(parts, index, contiguous=False) for index in range(parts)]
        assert sorted(row["pair_id"] for part in split for _, row in part) == list(range(180))


def test_an_epoch_has_an_order_of_its_own(tmp_path: Path) -> None:
    rows = stream(write_shards(tmp_path / "s", [20] * 5))
    rows = rows.shuffle(seed=1, buffer_size=1)
    orders = []
    for epoch in (0, 1, 2):
        rows.set_epoch(epoch)
        orders.append(numbers(rows))
    assert all(sorted(order) == list(range(100)) for order in orders)
    assert orders[0] != orders[1] != orders[2]
