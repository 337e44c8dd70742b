"""Rows that failed: whole parquet parts, typed, from any number of processes; never a row that must not be listed."""

from __future__ import annotations

import multiprocessing
import pickle
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from laion_pairs.errors import ExportError
from laion_pairs.images import RemoteImage
from laion_pairs.images.export import failed_rows
from laion_pairs.images.export.failed_rows import FailedRows
from laion_pairs.ledger import Outcome

ROW = {
    "image": RemoteImage("http://a.example/1.jpg"),
    "url": "http://a.example/1.jpg",
    "caption": None,
    "pair_id": 7,
    "similarity": 0.3,
    "mine": True,
    "embedding": [1.0, 2.0],
}


def rows_of(directory: Path) -> list[dict[str, object]]:
    return [row for part in sorted(directory.glob("*.parquet")) for row in pq.read_table(part).to_pylist()]


def test_a_row_keeps_its_scalars_and_its_outcome(tmp_path: Path) -> None:
    failed = FailedRows(tmp_path / "failures")
    failed.add(ROW, Outcome.TIMED_OUT, "nothing came in 10 s")
    failed.close()
    (part,) = (tmp_path / "failures").iterdir()
    table = pq.read_table(part)
    assert table.schema.field("caption").type == pa.string()
    assert table.schema.field("similarity").type == pa.float32()
    (row,) = table.to_pylist()
    assert row == {
        "url": "http://a.example/1.jpg",
        "caption": None,
        "pair_id": 7,
        "similarity": pytest.approx(0.3),
        "mine": True,
        "outcome": "timed_out",
        "detail": "nothing came in 10 s",
    }


@pytest.mark.parametrize("outcome", [Outcome.TAKEN_DOWN, Outcome.WITHDRAWN])
def test_what_must_not_be_listed_is_not(tmp_path: Path, outcome: Outcome) -> None:
    failed = FailedRows(tmp_path / "failures")
    failed.add(ROW, outcome, "")
    failed.close()
    assert not (tmp_path / "failures").exists()


def test_parts_are_bounded_and_load_as_a_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_rows, "ROWS_PER_PART", 10)
    failed = FailedRows(tmp_path / "failures")
    for number in range(25):
        failed.add({"url": f"http://a.example/{number}", "caption": "x" * number}, Outcome.DNS_FAILED, "")
    assert len(list((tmp_path / "failures").iterdir())) == 2
    failed.close()
    failed.close()
    loaded = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "failures/*.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert sorted(loaded["url"]) == sorted(f"http://a.example/{number}" for number in range(25))


def test_long_texts_are_written_sooner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_rows, "BYTES_PER_PART", 1000)
    failed = FailedRows(tmp_path / "failures")
    for _ in range(4):
        failed.add({"url": "u", "caption": "x" * 600}, Outcome.DNS_FAILED, "")
    assert len(list((tmp_path / "failures").iterdir())) == 2


ODD = [
    ({"caption": "\ud800 lone"}, "caption", "? lone"),
    ({"punsafe": np.float32(0.5)}, "punsafe", 0.5),
    ({"pair_id": 2**70}, "pair_id", str(2**70)),
    ({"image": RemoteImage("http://a.example/9.jpg")}, "url", "http://a.example/9.jpg"),
    ({"pixels": b"\xff\xd8"}, "pixels", None),
]


@pytest.mark.parametrize(("row", "column", "kept"), ODD, ids=[column for _, column, _ in ODD])
def test_odd_values(tmp_path: Path, row: dict[str, object], column: str, kept: object) -> None:
    failed = FailedRows(tmp_path / "failures")
    failed.add(row, Outcome.BAD_URL, "")
    failed.close()
    assert rows_of(tmp_path / "failures")[0].get(column) == kept


def test_a_place_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    failed = FailedRows(tmp_path / "file" / "failures")
    failed.add({"url": "u"}, Outcome.TIMED_OUT)
    with pytest.raises(ExportError, match=r"cannot be written to .*failures .*choose another folder"):
        failed.close()


def add_in_child(failed: FailedRows) -> None:
    failed.add({"url": "child"}, Outcome.BAD_URL, "")
    failed.close()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_process_writes_its_own_rows_only(tmp_path: Path, method: str) -> None:
    failed = FailedRows(tmp_path / "failures")
    failed.add({"url": "parent"}, Outcome.BAD_URL, "")
    child = multiprocessing.get_context(method).Process(target=add_in_child, args=(failed,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    failed.close()
    assert sorted(str(row["url"]) for row in rows_of(tmp_path / "failures")) == ["child", "parent"]
    assert pickle.loads(pickle.dumps(failed)).directory == failed.directory
