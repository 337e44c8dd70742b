"""Which schema a file has: by its whole column set, by its release, or by the user's word; else an error that helps."""

from __future__ import annotations

import pyarrow as pa
import pytest
from releases.published_rows import S1, S2M, S5, S8, S10, S17, U, murmur

from laion_pairs.errors import NotPairs, SchemaError, UnknownColumn, UnknownSchema
from laion_pairs.releases import ColumnMap, find_release, map_columns, withdrawn_columns
from laion_pairs.schema import NAMES, ScoreModel

STR, I64, F32, F64 = pa.string(), pa.int64(), pa.float32(), pa.float64()
INDEX = ("__index_level_0__", I64)
WITH_PREDICTION = [*S2M, ("ENG TEXT", STR), ("prediction", F32)]

RECOGNISED = [
    # columns, release, schema, what aesthetic is a score of
    (S1, None, "S1", None),
    ([*S1, INDEX], None, "S1", None),
    ([("SAMPLE_ID", I64), *S5, ("aesthetic", F32)], "relaion-art", "S4", ScoreModel.AESTHETIC_V1),
    (WITH_PREDICTION, None, "S13", ScoreModel.AESTHETIC_V2),
    ([*S2M, ("aesthetic", F32)], None, "S3m", ScoreModel.AESTHETIC_V1),
    ([*S5, ("aesthetic", F32)], None, "S4", ScoreModel.AESTHETIC_V1),
    (S10, None, "S10", ScoreModel.AESTHETIC_V2),
    (S10[:-1], None, "S10", ScoreModel.AESTHETIC_V2),
    # one column set, two releases: the release decides, then the published order, then the withdrawn one
    (S2M, None, "S2m", None),
    (S5, None, "S5", None),
    (sorted(S5), None, "S2m", None),
    (sorted(S5), "relaion-high-resolution", "S5", None),
    (S2M, "relaion-high-resolution", "S5", None),
    (S17, None, "S17", None),
    (S17, "cc12m", "S18", None),
    # a release's schema with a column less or more; the release's models count
    ([c for c in S8 if c[0] != "exif"], "relaion2B-en-research-safe", "S8", None),
    ([*S8, ("new", STR)], "relaion2B-en-research-safe", "S8", None),
    ([*S8[:5], ("LANGUAGE", STR), *S8[5:]], "relaion1B-nolang-research", "S8m", None),
    ([("url", STR), ("caption", STR), ("status", STR)], "relaion400m", "S9", None),
    ([("URL", STR), ("TEXT", STR)], "relaion400m", "URL-TEXT", None),
    ([("URL", STR), ("TEXT", STR), INDEX], None, "URL-TEXT", None),
]


def recognise(columns: list[tuple[str, pa.DataType]], release: str | None = None, **more: object) -> ColumnMap:
    return map_columns(pa.schema(columns), release=find_release(release) if release else None, **more)


@pytest.mark.parametrize(("columns", "release", "schema_id", "aesthetic"), RECOGNISED)
def test_recognised(
    columns: list[tuple[str, pa.DataType]], release: str | None, schema_id: str, aesthetic: ScoreModel | None
) -> None:
    found = recognise(columns, release)
    assert found.schema_id == schema_id
    assert found.score_models.get("aesthetic") is aesthetic


UNKNOWN = [
    ([], None, "there are none"),
    ([("a", STR)], None, "match no published release: a"),
    ([*S8, ("my_score", F32)], None, "it has besides my_score"),
    (S8[:-1], None, "it lacks md5"),
    ([("link", STR), ("text", STR)], None, "column_mapping="),
    ([("url", STR), ("caption", STR), ("width", I64)], None, "The nearest is"),
    ([("URL", STR), ("TEXT", STR), ("mine", STR)], "relaion2B-en-research", "of relaion2B-en-research match no"),
    ([*S8, ("SAMPLE_ID", I64)][1:], "relaion2B-en-research", "SAMPLE_ID"),
    ([("SAMPLE_ID", I64), ("URL", STR), ("TEXT", STR), ("WIDTH", I64)], "laion2B-en-aesthetic", "SAMPLE_ID"),
]


@pytest.mark.parametrize(("columns", "release", "says"), UNKNOWN)
def test_unknown(columns: list[tuple[str, pa.DataType]], release: str | None, says: str) -> None:
    with pytest.raises(UnknownSchema) as raised:
        recognise(columns, release)
    assert says in str(raised.value)
    assert 'column_mapping={"url"' in str(raised.value)


def test_the_nearest_release_is_one_that_loads() -> None:
    with pytest.raises(UnknownSchema, match=r"The nearest is relaion2B-en-research \(S8\): it has besides my_score\."):
        recognise([*S8, ("my_score", F32)])


def test_two_columns_of_one_name() -> None:
    with pytest.raises(UnknownSchema, match="two columns named url"):
        recognise([("url", STR), ("url", STR), ("caption", STR)])


TAG_SETS = [
    ([("prediction", F32), ("hash", I64)], "punsafe"),
    ([("prediction", F32), ("hash", I64), ("url", STR)], "punsafe"),
    ([("hash", I64), ("pwatermark", F32)], "pwatermark"),
    ([("aesthetic", F64), ("hash", I64)], "aesthetic"),
]


@pytest.mark.parametrize(("columns", "carries"), TAG_SETS)
def test_tags_are_told_from_pairs(columns: list[tuple[str, pa.DataType]], carries: str) -> None:
    with pytest.raises(NotPairs, match=f"carries {carries}: .*aesthetics_v2_4.5"):
        recognise(columns)


def test_the_models_of_the_release_override_the_schema() -> None:
    assert recognise(S8).score_models["similarity"] is ScoreModel.CLIP_B32_OR_MCLIP
    assert recognise(S8, "relaion2B-en-research").score_models["similarity"] is ScoreModel.CLIP_B32
    assert recognise(S8, "relaion1B-nolang-research").score_models["similarity"] is ScoreModel.MCLIP


MINE = [("link", STR), ("my_text", STR), ("w", F64), ("score", F32), ("width", STR)]


def test_column_mapping() -> None:
    found = recognise(MINE, column_mapping={"caption": "my_text", "url": "link", "width": "w", "aesthetic": "score"})
    assert found.schema_id == "column_mapping"
    assert found.own_columns() == {"source_width": "width"}
    assert found.score_models == {"aesthetic": ScoreModel.UNSTATED}
    batch = pa.record_batch([[U("a")], ["a fox"], [5.0], pa.array([6.5], F32), ["x"]], names=[name for name, _ in MINE])
    canonical = found.apply(batch, NAMES).batch.to_pylist()[0]
    assert {name: value for name, value in canonical.items() if value is not None} == {
        "url": U("a"),
        "caption": "a fox",
        "width": 5,
        "aesthetic": 6.5,
        "pair_id": murmur(U("a"), "a fox"),
    }


def test_column_mapping_wins_over_recognition() -> None:
    found = recognise(S8, column_mapping={"url": "url", "caption": "exif"})
    assert found.sources == {"url": "url", "caption": "exif"}
    assert "source_caption" in found.own_columns()


BAD_MAPPINGS = [
    ({"caption": "my_text"}, SchemaError, "does not name the url"),
    ({}, SchemaError, "does not name the url"),
    ({"url": "Link"}, SchemaError, "no such column: it has link"),
    ({"url": "link", "text": "my_text"}, UnknownColumn, "'text', which is not a canonical column"),
    ({"url": "link", "image": "my_text"}, UnknownColumn, "image"),
    ({"url": "score"}, SchemaError, "should be url, but its type float"),
    ({"url": "link", "pair_id": "w"}, SchemaError, "should be pair_id, but its type double"),
]


@pytest.mark.parametrize(("mapping", "error", "says"), BAD_MAPPINGS)
def test_bad_column_mapping(mapping: dict[str, str], error: type[SchemaError], says: str) -> None:
    with pytest.raises(error, match=says):
        recognise(MINE, column_mapping=mapping)


def test_a_column_that_cannot_be_what_it_should() -> None:
    with pytest.raises(SchemaError, match=r"'width'|'original_width'"):
        recognise([(n, pa.list_(STR) if n == "original_width" else t) for n, t in S8])


def test_wanted_columns_are_canonical() -> None:
    found = recognise(S8)
    with pytest.raises(UnknownColumn, match="URL"):
        found.source_columns(["URL"])
    with pytest.raises(UnknownColumn, match="image"):
        found.apply(pa.record_batch({"url": [U("a")]}), ["image"])


def test_numbers_that_are_spelled_as_text() -> None:
    """POP's types are not public, and CSV has none."""
    columns = [("link", STR), ("w", STR), ("s", pa.decimal128(5, 3)), ("p", STR)]
    found = recognise(columns, column_mapping={"url": "link", "width": "w", "similarity": "s", "punsafe": "p"})
    batch = pa.record_batch(
        [
            pa.array([None] * 4, STR),
            pa.array(["5", "x", "", None]),
            pa.array([0.25, None, 1.5, -1.0], F64).cast(pa.decimal128(5, 3)),
            pa.array(["0.5", "5e-1", "nan", "2"]),
        ],
        schema=pa.schema(columns),
    )
    batch, nulled = found.apply(batch, ["width", "similarity", "punsafe"])
    assert batch.to_pydict() == {
        "width": [5, None, None, None],
        "similarity": [0.25, None, None, -1.0],
        "punsafe": [0.5, 0.5, None, None],
    }
    assert nulled == {
        "width: not a number": 1,
        "similarity: out of range": 1,
        "punsafe: not a number": 1,
        "punsafe: out of range": 1,
    }


RAW = ["SAMPLE_ID", "URL", "TEXT", "HEIGHT", "WIDTH", "LICENSE", "NSFW", "similarity"]


@pytest.mark.parametrize(
    ("names", "release"),
    [
        (RAW, "laion400m"),
        ([*RAW, "my_score"], "laion400m"),
        (["SAMPLE_ID", "URL"], "laion400m"),
        ([*RAW, "LANGUAGE"], "laion2B-multi"),
        (["URL", "TEXT"], None),
        (["SAMPLE_ID", "my_link"], None),
        ([*RAW, "hash"], "laion400m"),  # no release has both; a column of one's own hides nothing
        ([name.lower() for name in RAW], "laion400m"),
        (["sample_id", "url"], None),
    ],
)
def test_reworked_raw_files_are_still_raw(names: list[str], release: str | None) -> None:
    found = withdrawn_columns(names)
    assert (found.name if found else None) == release
