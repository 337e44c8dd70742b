"""Rows out: streamed = prepared = in every format, with handles where there are images, whatever is done to them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counted import stream, write_shards
from datasets import Features, Value
from datasets import Sequence as ListOf

import laion_dataset
from laion_pairs.images import RemoteImage, RemoteImageFeature
from laion_pairs.streams.rows import SLICE_ROWS, RowMaker

N_ROWS = 3 * SLICE_ROWS + 5
COLUMNS = ["caption", "image", "pair_id", "width"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shards(tmp_path_factory.mktemp("rows") / "s", [N_ROWS, 10], 300)


def expected(n: int) -> dict[str, Any]:
    image = RemoteImage(f"https://host{n % 5}.example/{n}.jpg", width=n + 1)
    return {"caption": f"words {n}", "image": image, "pair_id": n, "width": n + 1}


def test_rows_are_decoded_and_in_order(folder: Path) -> None:
    rows = list(stream(folder, columns=COLUMNS))
    assert rows == [expected(n) for n in range(N_ROWS + 10)]
    assert {type(row["image"]) for row in rows} == {RemoteImage}
    assert [list(row) for row in rows[:3]] == [COLUMNS] * 3


def test_nothing_slow_is_between_the_shards_and_their_rows(folder: Path) -> None:
    """`datasets` decodes row by row, at 50 µs each, what does not tell it the dataset's own features."""
    examples = stream(folder)._prepare_ex_iterable_for_iteration()
    chain = [type(examples).__name__]
    while hasattr(examples, "ex_iterable"):
        examples = examples.ex_iterable
        chain.append(type(examples).__name__)
    assert chain[-1] == "ShardExamples"
    assert set(chain) <= {"ShardExamples", "RebatchedArrowExamplesIterable"}


def test_a_row_is_nobody_elses(folder: Path) -> None:
    """What a user does to a row does not show in another one, nor in the next pass."""
    rows = stream(folder, columns=COLUMNS)
    for row in rows:
        row["image"]["path"] = "changed"
        row.clear()
    assert next(iter(rows)) == expected(0)


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "map": lambda rows: rows.map(lambda row: {"width": row["width"]}),
    "map in batches": lambda rows: rows.map(lambda batch: {"image": batch["image"]}, batched=True, batch_size=300),
    "filter": lambda rows: rows.filter(lambda row: row["image"].url.startswith("https")),
    "select_columns": lambda rows: rows.select_columns(COLUMNS),
    "cast_column": lambda rows: rows.cast_column("caption", Value("large_string")),
    "take": lambda rows: rows.take(N_ROWS + 10),
    "skip": lambda rows: rows.skip(0),
    "shard": lambda rows: rows.shard(1, 0),
    "concatenated": lambda rows: datasets.concatenate_datasets([rows.take(7), rows.skip(7)]),
    "shuffled": lambda rows: rows.shuffle(seed=1, buffer_size=1),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_handles_survive_operations(folder: Path, operation: str) -> None:
    rows = list(OPERATIONS[operation](stream(folder, columns=COLUMNS)))
    if operation == "filter" and datasets.__version__ < "4":  # which does not decode what a streamed filter yields
        rows = [{**row, "image": RemoteImage(row["image"])} for row in rows]
    assert sorted(rows, key=lambda row: row["pair_id"]) == [expected(n) for n in range(N_ROWS + 10)]
    assert {type(row["image"]) for row in rows} == {RemoteImage}


def test_streamed_is_prepared(folder: Path, tmp_path: Path) -> None:
    rows = stream(folder, columns=COLUMNS)
    prepared = laion_dataset.load_dataset(
        data_dir=folder,
        split="train",
        columns=COLUMNS,
        column_mapping={"url": "link", "caption": "words", "pair_id": "number", "similarity": "score", "width": "side"},
        cache_dir=tmp_path,
    )
    assert list(rows) == list(prepared)
    assert rows.features == prepared.features


def test_arrow_is_never_turned_into_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_rows(*_: Any) -> None:
        raise AssertionError("a row was made")

    rows = stream(folder, columns=COLUMNS)
    monkeypatch.setattr(RowMaker, "rows", no_rows)
    tables = list(rows.with_format("arrow").iter(1000))
    assert all(table.schema.names == COLUMNS for table in tables)
    assert pa.concat_tables(tables)["pair_id"].to_pylist() == list(range(N_ROWS + 10))
    assert {table.schema.field("image").type for table in tables} == {RemoteImageFeature.pa_type}
    assert [table.num_rows for table in islice(rows.with_format("arrow"), 3)] == [1, 1, 1]
    batches = list(rows.select_columns(["pair_id"]).with_format("numpy").iter(100))
    assert np.concatenate([batch["pair_id"] for batch in batches]).tolist() == list(range(N_ROWS + 10))


def test_formats_of_rows(folder: Path) -> None:
    rows = stream(folder, columns=["pair_id", "caption"])
    assert [int(row["pair_id"]) for row in rows.with_format("numpy").take(5)] == [0, 1, 2, 3, 4]
    frame = next(rows.with_format("pandas").iter(50))
    assert frame["caption"].tolist() == [f"words {n}" for n in range(50)]


def test_torch(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    rows = stream(folder, columns=["pair_id", "width"]).with_format("torch")
    assert torch.equal(next(rows.iter(50))["width"], torch.arange(1, 51))
    loader = torch.utils.data.DataLoader(rows.batch(64), batch_size=None)
    assert torch.equal(torch.cat([batch["pair_id"] for batch in loader]), torch.arange(N_ROWS + 10))


def test_a_row_without_a_url_has_no_image(tmp_path: Path) -> None:
    table = pa.table({"link": ["https://x.example/1", None], "words": [None, "b"]})
    pq.write_table(table, tmp_path / "train.parquet")
    rows = stream(tmp_path, columns=["image", "caption"], column_mapping={"url": "link", "caption": "words"})
    found = list(rows)
    assert found == [{"image": RemoteImage("https://x.example/1"), "caption": None}, {"image": None, "caption": "b"}]


def test_handles_know_what_protects_their_column() -> None:
    feature = RemoteImageFeature(withdrawn="laion2B-en")
    features = Features({"one": feature, "many": ListOf(feature), "n": Value("int64")})
    stored = [RemoteImage(f"https://x.example/{n}") for n in range(3)]
    table = pa.table(
        {
            "one": pa.array([dict(stored[0]), None], RemoteImageFeature.pa_type),
            "many": pa.array([[dict(image) for image in stored], []], pa.list_(RemoteImageFeature.pa_type)),
            "n": [1, None],
        }
    )
    first, second = RowMaker(features).rows(table)
    assert [first["one"].withdrawn, *(image.withdrawn for image in first["many"])] == ["laion2B-en"] * 4
    assert (first["n"], second) == (1, {"one": None, "many": [], "n": None})


def test_own_columns_of_any_type(tmp_path: Path) -> None:
    table = pa.table({"link": ["https://x.example/1"], "words": ["w"], "tags": [["a", "b"]], "at": [{"x": 1}]})
    pq.write_table(table, tmp_path / "train.parquet")
    row = next(iter(stream(tmp_path, columns="all", column_mapping={"url": "link", "caption": "words"})))
    assert (row["tags"], row["at"]) == (["a", "b"], {"x": 1})
