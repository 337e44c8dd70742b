"""`laion_dataset.interleave`: rows drawn by weight, resumed at any row, and no image less protected than it was."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest
from datasets.distributed import split_dataset_by_node
from hypothesis import given, settings
from hypothesis import strategies as st
from numbered import write_numbered
from PIL import Image
from resuming import KINDS, as_examples, as_tables, interrupted, numbers

import laion_dataset
from laion_dataset import RemoteImage, RemoteImageFeature, interleave, shuffle
from laion_pairs.errors import PolicyError, SchemaError
from laion_pairs.sample.image_host import ImageHost
from laion_pairs.streams.draws import DRAWS, draw_sources

EACH = 10_000
"""The numbers of one source begin so far after those of the one before."""


def sources(kind: str, sizes: list[int], shards: int = 1) -> list[datasets.IterableDataset]:
    return [KINDS[kind](size, shards, number * EACH) for number, size in enumerate(sizes)]


def by_source(rows: list[int]) -> dict[int, list[int]]:
    return {source: [n for n in rows if n // EACH == source] for source in {n // EACH for n in rows}}


@given(
    kinds=st.sampled_from([("tables", "tables"), ("examples", "examples"), ("tables", "examples")]),
    sizes=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    weights=st.sampled_from([None, [1, 1], [3, 1], [0.01, 5]]),
    stops=st.sampled_from(["first_exhausted", "all_exhausted"]),
    epoch=st.integers(0, 1),
    data=st.data(),
)
@settings(max_examples=40, deadline=None)
def test_rows_of_both_in_their_order_however_interrupted(
    kinds: tuple[str, str],
    sizes: tuple[int, int],
    weights: list[float] | None,
    stops: Any,
    epoch: int,
    data: st.DataObject,
) -> None:
    def make() -> datasets.IterableDataset:
        streams = [KINDS[kind](size, 1, n * EACH) for n, (kind, size) in enumerate(zip(kinds, sizes, strict=True))]
        return interleave(streams, weights=weights, seed=3, stopping_strategy=stops)

    whole = make()
    whole.set_epoch(epoch)
    rows = numbers(whole)
    for source, given_rows in by_source(rows).items():
        assert given_rows == list(range(source * EACH, source * EACH + len(given_rows)))
    lengths = Counter(n // EACH for n in rows)
    if stops == "all_exhausted":
        assert lengths == dict(enumerate(sizes))
    else:
        assert any(lengths[source] == size for source, size in enumerate(sizes))
    cut = data.draw(st.integers(0, len(rows)))
    assert interrupted(make, cut, epoch) == (rows[:cut], rows[cut:])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_across_runs_of_draws(kind: str) -> None:
    def make() -> datasets.IterableDataset:
        return interleave(sources(kind, [1500, 900, 40]), weights=[3, 2, 1], stopping_strategy="all_exhausted")

    rows = numbers(make())
    assert sorted(rows) == [*range(1500), *range(EACH, EACH + 900), *range(2 * EACH, 2 * EACH + 40)]
    for cut in (1, DRAWS - 1, DRAWS, DRAWS + 1, 2 * DRAWS, len(rows) - 1):
        assert interrupted(make, cut) == (rows[:cut], rows[cut:])


def test_rows_are_drawn_by_weight() -> None:
    n_draws = 20 * DRAWS
    drawn = Counter(int(n) for run in range(20) for n in draw_sources("a test", run * DRAWS, [6, 3, 0, 1], ()))
    for source, share in ((0, 0.6), (1, 0.3), (3, 0.1)):
        assert abs(drawn[source] - share * n_draws) < 4 * (n_draws * share * (1 - share)) ** 0.5
    assert drawn[2] == 0
    assert set(draw_sources("a test", 5, [6, 3, 0, 1], {0}).tolist()) == {1, 3}
    whole = draw_sources("a test", 0, [1, 1], ())
    assert draw_sources("a test", 100, [1, 1], ()).tolist() == whole[100:].tolist()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_weight_of_0_leaves_a_source_out(kind: str) -> None:
    mixed = interleave(sources(kind, [5, 50]), weights=[0, 1], stopping_strategy="all_exhausted")
    assert numbers(mixed) == list(range(EACH, EACH + 50))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_epoch_draws_anew_and_reaches_the_sources(kind: str) -> None:
    def mixed(epoch: int, seed: int = 0) -> list[int]:
        streams = [shuffle(ds, seed=1, window_rows=40) for ds in sources(kind, [200, 200], 2)]
        ds = interleave(streams, seed=seed, stopping_strategy="all_exhausted")
        ds.set_epoch(epoch)
        return numbers(ds)

    orders = [mixed(0), mixed(1), mixed(2), mixed(0, seed=1)]
    assert len({tuple(order) for order in orders}) == 4
    assert len({tuple(n // EACH for n in order) for order in orders}) == 4
    assert len({tuple(by_source(order)[1]) for order in orders}) == 3  # the draws' seed is not the shuffle's
    assert {tuple(sorted(order)) for order in orders} == {tuple(sorted(orders[0]))}
    assert mixed(2) == orders[2]


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    "around",
    [
        lambda ds: shuffle(ds, seed=2, window_rows=70),
        lambda ds: ds.map(lambda row: {"m": row["n"]}),
        lambda ds: ds.filter(lambda row: row["n"] % 3 > 0),
        lambda ds: ds.with_format("numpy"),
    ],
    ids=["shuffle", "map", "filter", "numpy"],
)
def test_mixes_of_shuffled_streams_resume_whatever_comes_after(
    kind: str, around: Callable[[datasets.IterableDataset], datasets.IterableDataset]
) -> None:
    def make() -> datasets.IterableDataset:
        streams = [shuffle(ds, seed=1, window_rows=40) for ds in sources(kind, [150, 90], 2)]
        return around(interleave(streams, weights=[2, 1], stopping_strategy="all_exhausted"))

    rows = numbers(make())
    for cut in (1, 39, 120, len(rows)):
        assert interrupted(make, cut) == (rows[:cut], rows[cut:])


@pytest.mark.parametrize("nodes", [2, 3])
def test_nodes_have_every_row_of_every_source_once(tmp_path: Path, nodes: int) -> None:
    streams = []
    for name, sizes in (("a", [300]), ("b", [100, 150])):
        (tmp_path / name).mkdir()
        files = write_numbered(tmp_path / name, sizes, row_group_rows=90)
        streams.append(laion_dataset.load_dataset(data_files=files, split="train", streaming=True))
    mixed = interleave(streams, stopping_strategy="all_exhausted")
    parts = [split_dataset_by_node(mixed, rank, nodes) for rank in range(nodes)]
    assert sorted(row["pair_id"] for part in parts for row in part) == sorted([*range(300), *range(250)])


def test_columns_in_another_order_are_the_same() -> None:
    one, other = sources("tables", [20, 20])
    swapped = other.select_columns(["text", "n"])
    for row in interleave([one, swapped], stopping_strategy="all_exhausted"):
        assert row == {"n": row["n"], "text": f"number {row['n']}"}


ONE = as_tables(5)


@pytest.mark.parametrize(
    ("given_streams", "options", "error", "says"),
    [
        ([], {}, SchemaError, "needs a list of streams, and got an empty one"),
        (ONE, {}, SchemaError, "needs a list of streams, and got IterableDataset"),
        ([ONE, [1]], {}, SchemaError, "needs a stream .*, and got list"),
        ([ONE, ONE], {"weights": [1]}, PolicyError, "weights must be one for each of the 2 datasets, got 1"),
        ([ONE, ONE], {"weights": [1, -1]}, PolicyError, r"from 0 on, and one of them above 0, got \[1.0, -1.0\]"),
        ([ONE, ONE], {"weights": [0, 0]}, PolicyError, r"got \[0.0, 0.0\]"),
        ([ONE, ONE], {"weights": [1, float("nan")]}, PolicyError, r"got \[1.0, nan\]"),
        ([ONE, ONE], {"weights": [1, float("inf")]}, PolicyError, r"got \[1.0, inf\]"),
        ([ONE, ONE], {"weights": "ab"}, PolicyError, "weights must be numbers, one for each dataset, got 'ab'"),
        ([ONE, ONE], {"seed": 1.5}, PolicyError, "seed must be a whole number"),
        ([ONE], {"stopping_strategy": "none"}, PolicyError, "must be 'first_exhausted' or 'all_exhausted', got 'none'"),
        ([ONE, ONE.select_columns(["n"])], {}, SchemaError, r"datasets\[1\] lacks 'text', compared to datasets\[0\]"),
        ([ONE.select_columns(["n"]), ONE], {}, SchemaError, r"datasets\[1\] adds 'text'"),
        (
            [ONE, ONE.cast_column("n", datasets.Value("int32"))],
            {},
            SchemaError,
            "same type, but 'n' is .*int32.* in datasets.1. and .*int64.* in datasets.0.; cast one of them",
        ),
        ([ONE, ONE.with_format("numpy")], {}, SchemaError, r"formatted in the same way, but datasets\[1\] is not"),
        ([split_dataset_by_node(ONE, 0, 2), ONE], {}, SchemaError, "split among nodes in the same way"),
    ],
)
def test_what_cannot_be(given_streams: Any, options: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        interleave(given_streams, **options)


def test_columns_that_nobody_knows_are_checked_as_they_come() -> None:
    other = as_examples(9).map(lambda row: {"more": 1})
    with pytest.raises(SchemaError, match=r"datasets\[[01]\] (adds|lacks) 'more', compared to"):
        list(interleave([as_tables(9), other]))


def test_a_state_is_of_one_mix() -> None:
    for kind in KINDS:
        ds = interleave(sources(kind, [9, 9]), weights=[1, 2])
        next(iter(ds))
        for other in (
            interleave(sources(kind, [9, 9]), weights=[2, 1]),
            interleave(sources(kind, [9, 9, 9])),
            interleave(sources(kind, [9, 9]), weights=[1, 2], seed=1),
            shuffle(sources(kind, [9])[0]),
        ):
            other.load_state_dict(ds.state_dict())
            with pytest.raises(PolicyError, match=r"seed=0 weights=1.0,2.0 .*but this one has"):
                next(iter(other))


def _images(lists: tuple[str, ...], withdrawn: str | None = None) -> datasets.IterableDataset:
    rows = datasets.Dataset.from_dict({"image": [f"https://a.invalid/{n}.jpg" for n in range(20)]})
    return rows.cast_column("image", RemoteImageFeature(takedown=lists, withdrawn=withdrawn)).to_iterable_dataset()


def _as_rows(ds: datasets.IterableDataset) -> datasets.IterableDataset:
    return ds.map(lambda row: row, features=ds.features)


@pytest.mark.parametrize("kind", ["tables", "rows", "unknown"])
def test_every_image_is_protected_by_all_lists(kind: str) -> None:
    streams = [_images(("/lists/a", "/lists/b")), _images(("/lists/b", "/lists/c"))]
    if kind == "rows":
        streams = [_as_rows(ds) for ds in streams]
    if kind == "unknown":
        streams[1] = streams[1].map(lambda row: row)
    mixed = interleave(streams, stopping_strategy="all_exhausted")
    rows = list(mixed)
    assert len(rows) == 40
    for row in rows:
        assert type(row["image"]) is RemoteImage
        if kind == "unknown":  # then only a row says what protects it
            assert row["image"].takedown in {("/lists/a", "/lists/b"), ("/lists/b", "/lists/c")}
        else:
            assert row["image"].takedown == ("/lists/a", "/lists/b", "/lists/c")
    if kind == "tables":
        assert mixed.features["image"].takedown == ("/lists/a", "/lists/b", "/lists/c")


def test_what_is_withdrawn_stays_withdrawn() -> None:
    one, other = _images((), "laion400m"), _images((), "laion2B-en")
    for streams, withdrawn in (([one, one], "laion400m"), ([one, other], "laion400m and laion2B-en")):
        for row in interleave([_as_rows(ds) for ds in streams]):
            assert row["image"].withdrawn == withdrawn
        assert interleave(streams).features["image"].withdrawn == withdrawn
    with pytest.raises(SchemaError, match=r"images of laion400m \(datasets\[1\]\), which was withdrawn: none of them"):
        interleave([_images(()), one])
    without = [ds.map(lambda row: {"n": 1}, remove_columns=["image"]) for ds in (_images(()), one)]
    assert next(iter(interleave(without))) == {"n": 1}


def test_the_state_is_small_beside_those_of_the_sources() -> None:
    for kind in KINDS:
        ds = interleave(sources(kind, [3000, 3000], 2))
        list(islice(ds, 1500))
        inner = [source._init_state_dict() for source in ds._ex_iterable.ex_iterables]
        assert len(json.dumps(ds.state_dict())) < 1_000 + len(json.dumps(inner))


def test_tables_stay_tables() -> None:
    mixed = shuffle(interleave(sources("tables", [2000, 2000])), window_rows=500)
    for _, table in mixed._ex_iterable.iter_arrow():
        assert isinstance(table, pa.Table)
    assert mixed.features == as_tables(1).features


def test_downloaded_pictures_are_mixed_too() -> None:
    with ImageHost() as host:
        for number in range(24):
            host.serve(f"/{number}.png", picture(number))
        hurry = laion_dataset.DownloadPolicy(allow_private=True, host_interval_s=0.0)

        def make() -> datasets.IterableDataset:
            streams = []
            for first in (0, 12):
                urls = [host.url(f"/{number}.png") for number in range(first, first + 12)]
                rows = datasets.Dataset.from_dict({"image": urls, "n": list(range(first, first + 12))})
                pairs = rows.cast_column("image", RemoteImageFeature()).to_iterable_dataset()
                streams.append(laion_dataset.download_images(pairs, size=8, policy=hurry, ordered=True))
            return interleave(streams, weights=[2, 1], stopping_strategy="all_exhausted")

        rows = list(make())
        assert sorted(numbers(rows)) == list(range(24))
        assert all(row["image"].getpixel((4, 4))[0] == row["n"] * 10 for row in rows)
        for cut in (1, 9, 23):
            assert interrupted(make, cut) == (numbers(rows)[:cut], numbers(rows)[cut:])


def picture(number: int) -> bytes:
    """A small picture of one colour, by which it is known."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (number * 10, 0, 0)).save(file, "PNG")
    return file.getvalue()
