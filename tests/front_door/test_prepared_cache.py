"""What a prepared dataset is kept under: everything that changes its rows, and nothing that does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import laion_dataset
from laion_pairs.takedown import Entry, write_list

URLS = [f"https://{host}.example/1.jpg" for host in "abc"]


@pytest.fixture
def prepare(tmp_path: Path) -> Any:
    """Load three pairs, prepared in one cache; gives their hosts."""
    pq.write_table(pa.table({"url": URLS, "caption": ["one", "two", "three"]}), tmp_path / "pairs.parquet")

    def load(**options: Any) -> str:
        asked = {"data_files": str(tmp_path / "pairs.parquet"), "cache_dir": tmp_path / "cache", "split": "train"}
        return "".join(url[8] for url in laion_dataset.load_dataset(**asked, **options)["url"])

    return load


def written(tmp_path: Path) -> set[tuple[Path, int]]:
    return {(file, file.stat().st_mtime_ns) for file in (tmp_path / "cache").rglob("*.arrow")}


def test_other_filters_and_columns_are_another_dataset(prepare: Any) -> None:
    assert prepare() == "abc"
    assert prepare(filters=[("caption", "=", "two")]) == "b"
    assert prepare(filters=[("caption", "=", "three")]) == "c"
    assert prepare(column_mapping={"url": "url"}, filters=[("caption", "is null")]) == "abc"


def test_a_takedown_list_applies_as_it_is_today(prepare: Any, tmp_path: Path) -> None:
    taken_down = tmp_path / "list.parquet"
    for host, left in (("a", "bc"), ("b", "ac")):
        write_list(taken_down, [Entry("domain", f"{host}.example", "asked")], "1")
        assert prepare(takedown=taken_down) == left
    assert prepare() == "abc"


def test_configured_lists_apply_without_being_named(
    prepare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prepare() == "abc"
    write_list(tmp_path / "list.parquet", [Entry("domain", "c.example", "asked")], "1")
    monkeypatch.setenv("LAION_TAKEDOWN", str(tmp_path / "list.parquet"))
    assert prepare() == "ab"


def test_what_older_code_wrote_is_not_reused(prepare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare()
    before = written(tmp_path)
    prepare()
    assert written(tmp_path) == before
    monkeypatch.setattr(laion_dataset, "code_hash", lambda: "other code")
    prepare()
    assert len(written(tmp_path)) == len(before) + 1


def test_a_ledger_only_counts(prepare: Any, tmp_path: Path) -> None:
    prepare()
    before = written(tmp_path)
    prepare(ledger=tmp_path / "run.ledger")
    assert written(tmp_path) == before
