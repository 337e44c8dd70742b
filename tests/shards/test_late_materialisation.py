"""Late materialisation: filter columns first, the others only where a row stays; exact rows, exact counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relaion_shard import parquet, s8_table

from laion_pairs.ledger import Ledger
from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.schema import Predicate
from laion_pairs.shards import ReadPlan, Shard, Span, list_source, open_reader, reader
from laion_pairs.shards.formats import open_source
from laion_pairs.shards.source import Part, Source

ROWS, GROUP = 200, 100


class _Watched:
    """A source that notes which columns of which rows it was made to deliver."""

    def __init__(self, source: Source, asked: list[tuple[int, int, tuple[str, ...]]]) -> None:
        self._source, self._asked = source, asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def parts(self, row_group: int, columns: Sequence[str], *place: Any) -> Iterator[Part]:
        for part in self._source.parts(row_group, columns, *place):
            self._asked.append((row_group, part.first_row, tuple(columns)))
            yield part


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, tuple[str, ...]]]:
    """The batches of columns that readers pull."""
    pulled: list[tuple[int, int, tuple[str, ...]]] = []

    @contextmanager
    def watched(*arguments: Any, **options: Any) -> Iterator[_Watched]:
        with open_source(*arguments, **options) as source:
            yield _Watched(source, pulled)

    monkeypatch.setattr(reader, "open_source", watched)
    return pulled


def shard(folder: Path, table: pa.Table | None = None) -> Shard:
    content = parquet(s8_table(ROWS) if table is None else table, GROUP)
    (folder / "shard.parquet").write_bytes(content)
    return Shard(str(folder / "shard.parquet"), "train")


def read(shard: Shard, plan: ReadPlan, spans: Sequence[Span] | None = None) -> list[int]:
    with open_reader(shard, plan) as opened:
        batches = list(opened.read(opened.spans if spans is None else spans))
    return [number for found in batches for number in found.batch.column("pair_id").to_pylist()]


def plan(folder: Path, filters: list[Any], columns: tuple[str, ...] = ("pair_id", "caption")) -> ReadPlan:
    return ReadPlan(columns, predicate=Predicate.parse(filters), ledger=str(folder / "l"), batch_rows=10)


def unordered_scores(*high: int) -> pa.Table:
    """Rows of which some have the similarity 0.9; statistics rule nothing out, for each row group has an even higher
    one that no filter here keeps (its caption is null)."""
    values = [1.0 if row % GROUP == 7 else 0.9 if row in high else 0.1 for row in range(ROWS)]
    return s8_table(ROWS).set_column(1, "similarity", pa.array(values))


HIGH = [("similarity", ">", 0.8), ("similarity", "<", 0.95)]


def test_a_row_group_without_a_match_costs_its_filter_columns(tmp_path: Path, asked: list[Any]) -> None:
    found = read(shard(tmp_path, unordered_scores(143, 148, 161)), plan(tmp_path, HIGH))
    assert found == [143, 148, 161]
    filters, others = ("similarity",), ("caption", "hash")
    assert [(group, row) for group, row, columns in asked if columns == filters] == [
        (group, row) for group in (0, 1) for row in (0, 2, *range(10, GROUP, 10))
    ]
    assert {columns for _, _, columns in asked} == {filters, others}
    assert [(group, row) for group, row, columns in asked if columns == others] == [(1, 40), (1, 50), (1, 60)]
    assert Ledger(tmp_path / "l").counts() == {
        "rows": {"seen": 200, "kept": 3, "filter columns only": 100},
        "row_groups": {"filter columns only": 1, "read": 1},
        "dropped": {"filter": 197},
    }


def test_statistics_come_before_filter_columns(tmp_path: Path, asked: list[Any]) -> None:
    assert read(shard(tmp_path), plan(tmp_path, [("punsafe", "<", 0.05)])) == list(range(50))
    assert {group for group, _, _ in asked} == {0}
    counts = Ledger(tmp_path / "l").counts()
    assert counts["rows"] == {"seen": 100, "kept": 50, "skipped": 100}
    assert counts["row_groups"] == {"read": 1, "skipped": 1}


def test_what_only_filters_need_is_read_once(tmp_path: Path, asked: list[Any]) -> None:
    assert read(shard(tmp_path), plan(tmp_path, [("pair_id", ">", 150)], ("pair_id",))) == list(range(151, 200))
    assert {columns for _, _, columns in asked} == {("hash",)}
    assert Ledger(tmp_path / "l").counts()["row_groups"] == {"skipped": 1, "read": 1}


def test_a_filter_on_what_is_computed(tmp_path: Path) -> None:
    """pair_id of url and caption, which are delivered too."""
    columns = {"url": [f"https://x.example/{n}" for n in range(20)], "caption": [f"c{n}" for n in range(20)]}
    found = shard(tmp_path, pa.table(columns))
    with open_reader(found, ReadPlan(("pair_id",))) as opened:
        ids = [n for got in opened.read(opened.spans) for n in got.batch.column("pair_id").to_pylist()]
    kept = plan(tmp_path, [("pair_id", "in", [ids[3], ids[17]])], ("caption", "pair_id", "url"))
    with open_reader(found, kept) as opened:
        rows = [row for got in opened.read(opened.spans) for row in got.batch.to_pylist()]
    assert rows == [{"caption": f"c{n}", "pair_id": ids[n], "url": f"https://x.example/{n}"} for n in (3, 17)]


def test_nulls_are_counted_for_the_rows_that_filters_keep(tmp_path: Path) -> None:
    table = s8_table(ROWS).set_column(3, "pwatermark", pa.array([7.0] * ROWS, pa.float32()))
    wanted = plan(tmp_path, [("pair_id", "<", 5)], ("pair_id", "pwatermark"))
    assert read(shard(tmp_path, table), wanted) == list(range(5))
    assert Ledger(tmp_path / "l").counts()["nulled"] == {"pwatermark: out of range": 5}


SPANS = st.lists(
    st.builds(
        Span,
        row_group=st.integers(0, 1),
        first_row=st.integers(0, 99),
        end_row=st.one_of(st.none(), st.integers(1, 100)),
        step=st.integers(1, 4),
    ),
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(spans=SPANS, high=st.sets(st.integers(0, ROWS - 1)), filtered=st.booleans())
def test_spans_are_those_rows(
    tmp_path_factory: pytest.TempPathFactory, spans: list[Span], high: set[int], filtered: bool
) -> None:
    folder = tmp_path_factory.mktemp("spans")
    source = shard(folder, unordered_scores(*high))
    wanted = plan(folder, HIGH) if filtered else ReadPlan(("pair_id",), batch_rows=10, ledger=str(folder / "l"))
    rows = [
        GROUP * span.row_group + row
        for span in spans
        for row in range(span.first_row, GROUP if span.end_row is None else span.end_row)
        if row % span.step == 0
    ]
    kept = [row for row in rows if not filtered or (row in high and row % GROUP != 7)]
    assert read(source, wanted, spans) == kept
    counts = Ledger(folder / "l").counts().get("rows", {})
    assert counts.get("seen", 0) + counts.get("skipped", 0) == len(rows)
    assert counts.get("kept", 0) == len(kept)


def test_fewer_bytes_are_moved(hub: LoopbackHub) -> None:
    """Of ten row groups that statistics do not rule out, one has rows to deliver: of nine, the scores are moved."""
    rows, group = 20_000, 2_000
    noise = np.random.default_rng(0).integers(0, 255, (rows, 100), np.uint8)  # incompressible: 4 MB of it
    scores = [1.0 if row % group == 7 else 0.9 if row // group == 4 else 0.1 for row in range(rows)]
    table = s8_table(rows).set_column(1, "similarity", pa.array(scores))
    table = table.set_column(5, "caption", pa.array([row.tobytes().hex() for row in noise]))
    hub.add_repository("me/late", {"train.parquet": parquet(table, group)})
    found = list_source("me/late").shards[0]
    wanted = ReadPlan(("pair_id", "caption"), predicate=Predicate.parse(HIGH))
    moved = {}
    for name, asked in (("late", wanted), ("everything", ReadPlan(("pair_id", "caption", "similarity")))):
        hub.forget()
        assert len(read(found, asked)) == (group - 1 if name == "late" else rows)
        moved[name] = sum(line.bytes_sent for line in hub.requests() if "/resolve/" in line.path)
    assert moved["late"] < moved["everything"] / 4
