"""What is pushed down to a file's own columns never loses a row that the exact filter keeps, and skips some."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from releases.published_rows import S1, S8, S10, S14, S16

from laion_pairs.releases import map_columns
from laion_pairs.schema import NAMES, Predicate

FILES = {
    "raw, swapped": S1,
    "Re-LAION": S8,
    "float64 sizes": S10,
    "COYO": S14,
    "DataComp": S16,
}

EDGES = [0.0, 0.1, 0.28, 0.3, 0.45, 0.5, 1.0, -1.0, 4.75, 5.0]
AROUND = [
    around
    for edge in EDGES
    for around in (
        edge,
        float(np.float32(edge)),
        float(np.nextafter(np.float32(edge), np.float32(9))),
        float(np.nextafter(np.float32(edge), np.float32(-9))),
        float(np.nextafter(edge, 9)),
        float(np.nextafter(edge, -9)),
        # halfway between two float32: where rounding turns
        (float(np.float32(edge)) + float(np.nextafter(np.float32(edge), np.float32(9)))) / 2,
        (float(np.float32(edge)) + float(np.nextafter(np.float32(edge), np.float32(-9)))) / 2,
    )
]
SCORES = st.one_of(st.sampled_from(AROUND), st.floats(-6, 16), st.sampled_from([float("nan"), float("inf"), 6016.0]))
SIZES = st.sampled_from([0, 1, 511, 512, 513, 1024, 2**31 - 1, -1])
TEXTS = st.sampled_from(["", "a", "b", "UNLIKELY", "unsure", "NSFW", "en", "0" * 32])


def values_of(type: pa.DataType) -> st.SearchStrategy[Any] | None:
    if pa.types.is_float32(type):
        return SCORES.map(lambda x: float(np.float32(x)))
    if pa.types.is_float64(type):
        return st.one_of(SCORES, SIZES.map(float))
    if pa.types.is_integer(type):
        return SIZES
    return TEXTS if pa.types.is_string(type) else None


@st.composite
def tables(draw: st.DrawFn, columns: list[tuple[str, pa.DataType]]) -> pa.Table:
    rows = draw(st.integers(1, 6))
    arrays = []
    for _, type in columns:
        values = values_of(type)
        cells = [None] * rows if values is None else draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        arrays.append(pa.array(cells, type))
    return pa.table(arrays, pa.schema(columns))


def literals(column: str) -> st.SearchStrategy[Any]:
    if column in ("width", "height", "pair_id"):
        return SIZES
    if column == "nsfw":
        return st.sampled_from(["UNLIKELY", "UNSURE", "NSFW"])
    if column in ("similarity", "punsafe", "pwatermark", "aesthetic"):
        return st.sampled_from(AROUND)
    return TEXTS


@st.composite
def predicates(draw: st.DrawFn) -> Predicate:
    def term() -> tuple[Any, ...]:
        column = draw(st.sampled_from(NAMES))
        op = draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "in", "not in", "is null", "is not null"]))
        if op.endswith("null"):
            return (column, op)
        if op.endswith("in"):
            return (column, op, draw(st.lists(literals(column), min_size=1, max_size=2)))
        return (column, op, draw(literals(column)))

    return Predicate.parse([[term() for _ in range(draw(st.integers(1, 2)))] for _ in range(draw(st.integers(1, 2)))])


def both_masks(predicate: Predicate, table: pa.Table) -> tuple[list[bool], list[bool]]:
    """Rows that the exact filter keeps, and rows that the pushed filter keeps."""
    column_map = map_columns(table.schema)
    canonical = column_map.apply(table.combine_chunks().to_batches()[0], NAMES).batch
    pushed = column_map.pushdown(predicate, table.schema)
    exact: list[bool] = predicate.mask(canonical).to_pylist()
    if pushed is None:
        return exact, [True] * table.num_rows
    numbered = table.append_column("row", pa.array(range(table.num_rows)))
    rows = set(pads.dataset(numbered).to_table(filter=pushed).column("row").to_pylist())
    return exact, [row in rows for row in range(table.num_rows)]


@pytest.mark.parametrize("columns", FILES.values(), ids=list(FILES))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_pushed_keeps_what_the_filter_keeps(columns: list[tuple[str, pa.DataType]], data: st.DataObject) -> None:
    exact, pushed = both_masks(data.draw(predicates()), data.draw(tables(columns)))
    assert all(p for e, p in zip(exact, pushed, strict=True) if e)


@pytest.mark.parametrize("op", ["=", "<", "<=", ">", ">=", "!=", "in"])
@pytest.mark.parametrize("edge", EDGES)
def test_every_float_edge_of_a_float64_column(op: str, edge: float) -> None:
    """Without the widening, ``similarity >= 0.3`` loses the float64 just below float32's 0.3."""
    table = pa.table(
        {name: pa.array(AROUND if name == "similarity" else [None] * len(AROUND), type) for name, type in S8}
    )
    predicate = Predicate.parse([("similarity", op, [edge] if op == "in" else edge)])
    exact, pushed = both_masks(predicate, table)
    assert all(p for e, p in zip(exact, pushed, strict=True) if e)


PUSHED = [
    (S1, [("width", ">=", 512)], "(HEIGHT >= 512)"),  # swapped
    (S8, [("width", ">=", 512), ("nsfw", "=", "NSFW")], "(original_width >= 512)"),
    (S10, [("width", "<", 512)], "(WIDTH < 512)"),
    (S14, [("punsafe", "<", 0.5)], "(nsfw_score_opennsfw2 < 0.5)"),
    (S8, [("pair_id", ">", 5)], "(hash > 5)"),
    (S8, [[("url", ">", "x")], [("width", ">", 1)]], '((url > "x") or (original_width > 1))'),
    (S8, [("punsafe", "is not null")], "is_valid(punsafe)"),
]

NOT_PUSHED = [
    (S8, None),
    (S8, [("punsafe", "is null")]),
    (S8, [("digest", "=", "md5:" + "0" * 32)]),
    (S1, [("nsfw", "=", "NSFW")]),
    (S1, [("pair_id", "=", 5)]),
    (S1, [("aesthetic", ">", 5)]),
    (S8, [[("punsafe", "<", 0.5)], [("punsafe", "is null")]]),
    (S8, [[("punsafe", "<", 0.5)], [("nsfw", "=", "NSFW")]]),
]


@pytest.mark.parametrize(("columns", "filters", "text"), PUSHED)
def test_pushed(columns: list[tuple[str, pa.DataType]], filters: Any, text: str) -> None:
    schema = pa.schema(columns)
    pushed = map_columns(schema).pushdown(Predicate.parse(filters), schema)
    assert isinstance(pushed, pc.Expression)
    assert str(pushed) == text


@pytest.mark.parametrize(("columns", "filters"), NOT_PUSHED)
def test_not_pushed(columns: list[tuple[str, pa.DataType]], filters: Any) -> None:
    schema = pa.schema(columns)
    assert map_columns(schema).pushdown(Predicate.parse(filters), schema) is None


def test_row_groups_are_skipped(tmp_path: Any) -> None:
    values = {"similarity": [i / 100 for i in range(100)]}
    table = pa.table({name: pa.array(values.get(name, [None] * 100), type) for name, type in S8})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=10)
    pushed = map_columns(table.schema).pushdown(Predicate.parse([("similarity", ">=", 0.9)]), table.schema)
    fragment = next(iter(pads.dataset(tmp_path / "a.parquet").get_fragments()))
    assert [group.id for group in fragment.subset(filter=pushed).row_groups] == [9]
