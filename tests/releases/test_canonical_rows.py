"""Every published schema becomes the canonical rows typed by hand, whatever its order, offset or projection."""

from __future__ import annotations

import pickle
import random

import pyarrow as pa
import pytest
from releases.published_rows import CASES, Case

from laion_pairs.releases import SOURCE_SCHEMAS, Canonical, ColumnMap, find_release, map_columns
from laion_pairs.schema import NAMES, SCHEMA

CASES_BY_ID = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def column_map(case: Case, schema: pa.Schema | None = None) -> ColumnMap:
    release = find_release(case.release) if case.release is not None else None
    return map_columns(schema or pa.schema(case.fields), release=release)


def batch_of(table: pa.Table) -> pa.RecordBatch:
    return table.combine_chunks().to_batches()[0]


def expected_batch(case: Case) -> pa.RecordBatch:
    columns = zip(*case.expected, strict=True)
    return pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


@CASES_BY_ID
def test_rows(case: Case) -> None:
    canonical = column_map(case).apply(batch_of(case.table()), NAMES)
    assert canonical.batch.schema.equals(SCHEMA)
    assert canonical.batch.to_pylist() == expected_batch(case).to_pylist()
    assert dict(canonical.nulled) == case.nulled


@CASES_BY_ID
def test_schema_and_own_columns(case: Case) -> None:
    found = column_map(case)
    assert found.schema_id == case.schema_id
    assert list(found.own_columns()) == case.own
    for exposed, source in found.own_columns().items():
        assert exposed in (source, f"source_{source}")


@CASES_BY_ID
def test_any_column_order_gives_the_same_rows(case: Case) -> None:
    shuffled = random.Random(0).sample(case.fields, len(case.fields))
    table = case.table().select([name for name, _ in shuffled])
    canonical = column_map(case, table.schema).apply(batch_of(table), NAMES)
    assert canonical.batch.to_pylist() == expected_batch(case).to_pylist()


@CASES_BY_ID
def test_only_the_columns_asked_for_are_read(case: Case) -> None:
    found = column_map(case)
    whole = found.apply(batch_of(case.table()), NAMES).batch
    for name in NAMES:
        sources = found.source_columns([name])
        assert len(sources) <= (2 if name == "pair_id" else 1)
        read = case.table().select(sources) if sources else case.table()
        assert found.apply(batch_of(read), [name]).batch.column(name).equals(whole.column(name))


@CASES_BY_ID
def test_slices_and_large_strings(case: Case) -> None:
    """A sliced batch has an offset; some readers give 64-bit strings."""
    large = pa.schema([(name, pa.large_string() if type == pa.string() else type) for name, type in case.fields])
    batch = batch_of(case.table().cast(large)).slice(1, 2)
    assert column_map(case, large).apply(batch, NAMES).batch.to_pylist() == expected_batch(case).to_pylist()[1:3]


@CASES_BY_ID
def test_pickles_and_empty_batches(case: Case) -> None:
    found = pickle.loads(pickle.dumps(column_map(case)))
    empty = found.apply(batch_of(case.table()).slice(0, 0), NAMES)
    assert isinstance(empty, Canonical)
    assert empty.batch.num_rows == 0
    assert dict(empty.nulled) == {}


def test_no_column_wanted_keeps_the_number_of_rows() -> None:
    assert column_map(CASES[0]).apply(batch_of(CASES[0].table()), []).batch.num_rows == 4


def test_every_schema_of_pairs_has_a_case() -> None:
    assert {schema.id for schema in SOURCE_SCHEMAS if schema.pairs and schema.columns} == {c.schema_id for c in CASES}


def type_text(type: pa.DataType) -> str:
    if pa.types.is_list(type):
        return f"list<{type_text(type.value_type)}>"
    return {pa.float32(): "float32", pa.float64(): "float64"}.get(type, str(type))


@pytest.mark.parametrize("case", [case for case in CASES if not case.derived], ids=lambda case: case.id)
def test_published_columns_and_types_are_the_cases(case: Case) -> None:
    """The schema table and the hand-typed cases were written separately."""
    published = [dict(schema.columns) for schema in SOURCE_SCHEMAS if schema.id == case.schema_id]
    assert {name: type_text(type) for name, type in case.fields} in published
