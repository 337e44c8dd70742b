"""Filters: what parses, what does not, and which rows are kept."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.errors import FilterError
from laion_pairs.schema import NAMES, Predicate

PARSES: list[tuple[Any, str]] = [
    (None, "every row"),
    ([("punsafe", "<", 0.1)], "punsafe < 0.1"),
    ([("punsafe", "<", 1)], "punsafe < 1.0"),
    ([("width", ">=", 512.0)], "width >= 512"),
    ([("width", "==", np.int64(5))], "width = 5"),
    ([("similarity", ">", np.float32(0.3))], "similarity > 0.3"),
    ([("punsafe", "<", 0.1), ("width", ">", 1)], "punsafe < 0.1 and width > 1"),
    ([[("punsafe", "<", 0.1)], [("width", ">", 1)]], "(punsafe < 0.1) or (width > 1)"),
    ([[("punsafe", "<", 0.1), ("height", "!=", 2)]], "punsafe < 0.1 and height != 2"),
    ([("nsfw", "IN", ["NSFW", "UNSURE"])], "nsfw in ('NSFW', 'UNSURE')"),
    ([("nsfw", "in", {"UNSURE", "NSFW"})], "nsfw in ('NSFW', 'UNSURE')"),
    ([("pair_id", "not  in", (1, -(2**63)))], "pair_id not in (1, -9223372036854775808)"),
    ([("punsafe", "is null")], "punsafe is null"),
    ([("punsafe", "is not null", None)], "punsafe is not null"),
    ([("caption", "=", "it's")], "caption = 'it''s'"),
    ([("aesthetic", ">=", -0.0)], "aesthetic >= -0.0"),
]

FAILS: list[tuple[Any, str]] = [
    ([], "not a filter"),
    ("punsafe < 0.1", "not a filter"),
    (("punsafe", "<", 0.1), "not a filter"),
    ([[]], "not a filter"),
    ([[("punsafe", "<", 0.1)], ("width", ">", 1)], "beside lists"),
    ([("punsafe", "<")], "no value"),
    ([("punsafe",)], "not a filter term"),
    ([("punsafe", "<", 0.1, 2)], "not a filter term"),
    ([("punsafe", "~", 0.1)], "not an operator"),
    ([("unsafe", "<", 0.1)], "punsafe"),
    ([("PUNSAFE", "<", 0.1)], "punsafe"),
    ([("AESTHETIC_SCORE", ">", 5)], "aesthetic"),
    ([("image", "=", "x")], "handle"),
    ([("punsafe", "<", "0.1")], "float"),
    ([("punsafe", "<", None)], "is null"),
    ([("punsafe", "<", True)], "write a number"),
    ([("punsafe", "<", float("nan"))], "finite"),
    ([("punsafe", "<", 1e39)], "finite"),
    ([("width", "<", 512.5)], "whole number"),
    ([("width", "<", 2**31)], "whole number"),
    ([("width", "<", float("inf"))], "whole number"),
    ([("pair_id", "=", 2**63)], "whole number"),
    ([("caption", "=", 5)], "write a string"),
    ([("nsfw", "=", "safe")], "UNLIKELY"),
    ([("nsfw", "in", [])], "at least one"),
    ([("nsfw", "in", "NSFW")], "at least one"),
    ([("nsfw", "in", [None])], "is null"),
    ([("punsafe", "is null", 1)], "takes none"),
]

TEXT_PARSES = [
    ("punsafe < 0.1", [("punsafe", "<", 0.1)]),
    ("punsafe<0.1 AND width>=512", [("punsafe", "<", 0.1), ("width", ">=", 512)]),
    ("nsfw = UNLIKELY", [("nsfw", "=", "UNLIKELY")]),
    ('caption = "a ""red"" fox and <more>"', [("caption", "=", 'a "red" fox and <more>')]),
    ("caption != 'it''s'", [("caption", "!=", "it's")]),
    ("language not in (en, 'de')", [("language", "not in", ["en", "de"])]),
    ("width Is Not Null and punsafe is null", [("width", "is not null"), ("punsafe", "is null")]),
    ("aesthetic == -1e-3", [("aesthetic", "=", -0.001)]),
    ("url = http://a.example/b", [("url", "=", "http://a.example/b")]),
]

TEXT_FAILS = [
    "",
    "punsafe",
    "punsafe <",
    "punsafe < 0.1 or width > 1",
    "punsafe < 0.1 and",
    "punsafe < 0.1 width > 1",
    "< 0.1",
    "punsafe < x",
    "width is 5",
    "nsfw in UNLIKELY",
    "nsfw in ()",
    "nsfw in (UNLIKELY",
    "caption = 'open",
    "nope = 1",
    "punsafe not null",
    "'punsafe' < 0.1",
    "punsafe ! 0.1",
    "digest != null",
    "language in (en, None)",
]


@pytest.mark.parametrize(("filters", "text"), PARSES)
def test_parses(filters: Any, text: str) -> None:
    assert Predicate.parse(filters).render() == text


@pytest.mark.parametrize(("filters", "says"), FAILS)
def test_fails(filters: Any, says: str) -> None:
    with pytest.raises(FilterError, match=says):
        Predicate.parse(filters)


@pytest.mark.parametrize(("text", "filters"), TEXT_PARSES)
def test_text_parses(text: str, filters: Any) -> None:
    assert Predicate.parse_text(text) == Predicate.parse(filters)


def test_a_wrong_operator_is_answered_with_the_right_ones() -> None:
    with pytest.raises(FilterError, match=r"expected one of =, .*, in, .*, is not null after 'caption', found 'like'"):
        Predicate.parse_text("caption like '%cat%'")


def test_a_text_of_null_is_quoted() -> None:
    assert Predicate.parse_text("caption = 'null'") == Predicate.parse([("caption", "=", "null")])
    with pytest.raises(FilterError, match="write caption is null"):
        Predicate.parse_text("caption = NULL")


@pytest.mark.parametrize("text", TEXT_FAILS)
def test_text_fails(text: str) -> None:
    with pytest.raises(FilterError):
        Predicate.parse_text(text)


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FLOATS = ("similarity", "punsafe", "pwatermark", "aesthetic")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **{name: st.floats(width=32, allow_nan=False, allow_infinity=False) for name in FLOATS},
    **{name: st.integers(-(2**31), 2**31 - 1) for name in ("width", "height")},
    "pair_id": st.integers(-(2**63), 2**63 - 1),
    "nsfw": st.sampled_from(["UNLIKELY", "UNSURE", "NSFW"]),
    **dict.fromkeys(("url", "caption", "language", "license", "digest"), TEXT),
}


@st.composite
def terms(draw: st.DrawFn) -> tuple[Any, ...]:
    column = draw(st.sampled_from(NAMES))
    op = draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "in", "not in", "is null", "is not null"]))
    if op.endswith("null"):
        return (column, op)
    if op.endswith("in"):
        return (column, op, draw(st.lists(VALUES[column], min_size=1, max_size=3)))
    return (column, op, draw(VALUES[column]))


@given(st.lists(terms(), min_size=1, max_size=4))
def test_parse_text_reads_what_render_writes(filters: list[tuple[Any, ...]]) -> None:
    predicate = Predicate.parse(filters)
    assert Predicate.parse_text(predicate.render()) == predicate
    again = pickle.loads(pickle.dumps(predicate))
    assert again == predicate
    assert hash(again) == hash(predicate)
    assert repr(again) == repr(predicate)


BATCH = pa.record_batch(
    {
        "punsafe": pa.array([0.1, 0.05, None, 0.5], pa.float32()),
        "nsfw": pa.array(["UNLIKELY", None, "NSFW", "UNSURE"]),
        "width": pa.array([512, 511, None, 513], pa.int32()),
    }
)

MASKS: list[tuple[Any, list[int]]] = [
    (None, [1, 1, 1, 1]),
    ([("punsafe", "=", 0.1)], [1, 0, 0, 0]),
    ([("punsafe", "<", 0.1)], [0, 1, 0, 0]),
    ([("punsafe", "<=", 0.1)], [1, 1, 0, 0]),
    ([("punsafe", "!=", 0.1)], [0, 1, 0, 1]),
    ([("punsafe", ">", 0.1)], [0, 0, 0, 1]),
    ([("punsafe", ">=", 0.1)], [1, 0, 0, 1]),
    ([("punsafe", "in", [0.1, 0.5])], [1, 0, 0, 1]),
    ([("nsfw", "not in", ["NSFW"])], [1, 0, 0, 1]),
    ([("nsfw", "is null")], [0, 1, 0, 0]),
    ([("nsfw", "is not null")], [1, 0, 1, 1]),
    ([("punsafe", "<", 0.4), ("width", ">=", 512)], [1, 0, 0, 0]),
    ([[("punsafe", "is null")], [("width", "=", 513)]], [0, 0, 1, 1]),
]


@pytest.mark.parametrize(("filters", "kept"), MASKS)
def test_mask(filters: Any, kept: list[int]) -> None:
    mask = Predicate.parse(filters).mask(BATCH)
    assert mask.null_count == 0
    assert mask.to_pylist() == [bool(k) for k in kept]
    assert Predicate.parse(filters).mask(pa.Table.from_batches([BATCH])).to_pylist() == mask.to_pylist()
    assert len(Predicate.parse(filters).mask(BATCH.slice(0, 0))) == 0


@pytest.mark.parametrize(("one", "kept_by_one"), MASKS)
@pytest.mark.parametrize(("two", "kept_by_two"), MASKS)
def test_and_keeps_what_both_keep(one: Any, kept_by_one: list[int], two: Any, kept_by_two: list[int]) -> None:
    both = Predicate.parse(one) & Predicate.parse(two)
    assert both.mask(BATCH).to_pylist() == [bool(a and b) for a, b in zip(kept_by_one, kept_by_two, strict=True)]
    assert both.columns == Predicate.parse(one).columns | Predicate.parse(two).columns


def test_every_row_is_neutral_and_a_predicate_is_itself() -> None:
    some = Predicate.parse([("punsafe", "<", 0.1)])
    assert Predicate.parse(some) is some
    assert Predicate() & some == some == some & Predicate()
    assert some & some == some
