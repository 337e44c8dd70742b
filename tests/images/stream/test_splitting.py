"""However a stream is split among nodes and workers, and these again, the parts are all rows, each once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from datasets.distributed import split_dataset_by_node
from datasets.iterable_dataset import ExamplesIterable
from gallery import Gallery, there
from hypothesis import given, settings
from hypothesis import strategies as st

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.stream import download_images
from laion_pairs.images.stream.downloading import _shared_manners
from laion_pairs.images.stream.splitting import Stride, split_source
from laion_pairs.streams.splitting import ShardCount

N_ROWS = 60


def _examples(shards: list[int], n_shards: int) -> Iterator[tuple[int, dict[str, int]]]:
    yield from ((n, {"n": n}) for shard in shards for n in range(shard, N_ROWS, n_shards))


def _source(shards: int) -> ExamplesIterable:
    """Rows 0 to 59: row n in the shard of number n modulo their count."""
    return ExamplesIterable(_examples, {"shards": list(range(shards)), "n_shards": shards})


def _rows(source: ExamplesIterable, stride: Stride) -> list[int]:
    numbers = [example["n"] for _, example in source]
    return [numbers[position] for position in stride.positions(0, len(numbers))]


@settings(deadline=None, max_examples=60)
@given(
    shards=st.integers(1, 30),
    nodes=st.integers(1, 9),
    workers=st.lists(st.integers(1, 7), min_size=9, max_size=9),
    contiguous=st.booleans(),
)
def test_parts_of_parts_are_all_rows_each_once(shards: int, nodes: int, workers: list[int], contiguous: bool) -> None:
    rows = []
    for node in range(nodes):  # not every node needs as many workers as the others
        source, stride = split_source(_source(shards), Stride(), nodes, node, contiguous)
        for worker in range(workers[node]):
            rows += _rows(*split_source(source, stride, workers[node], worker, contiguous))
    assert sorted(rows) == list(range(N_ROWS))


def test_parts_may_be_read_side_by_side() -> None:
    source = _source(2)
    parts = [split_source(source, Stride(), 5, index, True) for index in range(5)]
    for part, _ in parts:
        part._init_state_dict()
    read = zip(*(part for part, _ in parts), strict=True)
    rows = [[example["n"] for _, example in row] for row in read]
    assert rows == [[row[0]] * 5 for row in rows]
    assert sorted(row[0] for row in rows) == list(range(N_ROWS))


@pytest.mark.parametrize(
    ("shards", "parts", "whole"), [(1, 2, 1), (4, 2, 2), (4, 3, 4), (6, 4, 3), (3, 12, 1), (16, 2, 8), (17, 2, 9)]
)
def test_a_part_reads_as_few_shards_as_can_be_even(shards: int, parts: int, whole: int) -> None:
    source, _ = split_source(_source(shards), Stride(), parts, 0, True)
    assert source.num_shards == whole


@given(first=st.integers(0, 10**6), count=st.integers(0, 300), step=st.integers(1, 20), offset=st.integers(0, 19))
def test_a_stride_goes_on_across_tables(first: int, count: int, step: int, offset: int) -> None:
    stride = Stride(step, offset % step)
    wanted = [row - first for row in range(first, first + count) if row % step == stride.offset]
    assert list(stride.positions(first, count)) == wanted


def test_a_shard_count_is_enough_for_any_number_of_parts() -> None:
    count = ShardCount(3)
    assert count == 3
    assert f"{count}" == "3"
    assert [count % parts for parts in (1, 2, 7)] == [0, 0, 0]
    assert not any(count < parts for parts in (1, 2, 7))
    assert [min(count, parts) for parts in (1, 2, 7)] == [1, 2, 7]


@pytest.mark.parametrize(("shards", "nodes"), list(product([1, 3, 8], [1, 2, 4, 7])))
def test_every_picture_is_fetched_by_one_node(gallery: Gallery, hurry: DownloadPolicy, shards: int, nodes: int) -> None:
    pairs = gallery.pairs(N_ROWS).to_iterable_dataset(num_shards=shards)
    images = download_images(pairs, size=8, policy=hurry, on_error="none")
    parts = [[row["n"] for row in split_dataset_by_node(images, rank, nodes)] for rank in range(nodes)]
    assert sorted(n for part in parts for n in part) == list(range(N_ROWS))
    assert gallery.requested() == dict.fromkeys(range(N_ROWS), 1)
    assert max(map(len, parts)) <= min(map(len, parts)) + (N_ROWS // shards if shards % nodes == 0 else 3)


def test_a_source_that_was_split_already_stays_split_below_the_download(
    gallery: Gallery, hurry: DownloadPolicy
) -> None:
    pairs = gallery.pairs(N_ROWS).to_iterable_dataset()
    parts = [download_images(split_dataset_by_node(pairs, rank, 3), size=8, policy=hurry) for rank in range(3)]
    assert sorted(row["n"] for part in parts for row in part) == there(N_ROWS)
    assert gallery.count() == N_ROWS


def test_a_split_of_what_was_done_to_the_pictures(gallery: Gallery, hurry: DownloadPolicy) -> None:
    images = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry)
    done = images.map(lambda row: {"n": row["n"] + 1000}).filter(lambda row: row["n"] % 2 == 0)
    rows = [row["n"] for rank in range(4) for row in split_dataset_by_node(done, rank, 4)]
    assert sorted(rows) == [n + 1000 for n in there(N_ROWS) if n % 2 == 0]
    taken = [row["n"] for rank in range(4) for row in split_dataset_by_node(images.take(20), rank, 4)]
    assert len(taken) == len(set(taken)) == 20


def test_shuffled_shards_and_rows_are_the_same_rows(gallery: Gallery, hurry: DownloadPolicy) -> None:
    pairs = gallery.pairs(N_ROWS).to_iterable_dataset(num_shards=12)
    images = download_images(pairs, size=8, policy=hurry).shuffle(seed=1, buffer_size=10)
    rows = [row["n"] for row in images]
    assert sorted(rows) == there(N_ROWS)
    assert rows != there(N_ROWS)
    parts = [row["n"] for rank in range(2) for row in split_dataset_by_node(images, rank, 2)]
    assert sorted(parts) == there(N_ROWS)
    assert gallery.requested() == dict.fromkeys(range(N_ROWS), 2)


def test_a_dataloaders_workers_share_the_manners_towards_a_host():
    policy = DownloadPolicy(requests_per_host=16, host_interval_s=0.02)
    assert _shared_manners(policy, 1) == policy
    shared = _shared_manners(policy, 4)
    assert (shared.requests_per_host, shared.host_interval_s) == (4, 0.08)
    assert _shared_manners(policy, 100).requests_per_host == 1
