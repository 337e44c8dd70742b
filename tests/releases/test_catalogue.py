"""The catalogue against facts typed by hand from LAION's publications: ids, counts, shards, licences, models."""

from __future__ import annotations

import json
from datetime import date

import pytest

import laion_pairs.releases as releases
from laion_pairs.releases import (
    RELEASES,
    Kind,
    Status,
    find_release,
    map_release,
    releases_table,
)
from laion_pairs.schema import NAMES

CURRENT = """
relaion400m                    laion/relaion400m                    S9   361M
relaion2B-en-research          laion/relaion2B-en-research          S8   2.16B
relaion2B-multi-research       laion/relaion2B-multi-research       S8m  2.13B
relaion1B-nolang-research      laion/relaion1B-nolang-research      S8   1.23B
relaion2B-en-research-safe     laion/relaion2B-en-research-safe     S8   2.1B
relaion2B-multi-research-safe  laion/relaion2B-multi-research-safe  S8m  2.06B
relaion1b-nolang-research-safe laion/relaion1b-nolang-research-safe S8   1.19B
laion2B-en-aesthetic           laion/laion2B-en-aesthetic           S3   51.9M
relaion2B-multi-aesthetic      laion/relaion2B-multi-aesthetic      S3m  51M
relaion1B-nolang-aesthetic     laion/relaion1B-nolang-aesthetic     S3   17M
relaion-art                    laion/relaion-art                    S4   1M-10M
relaion-high-resolution        laion/laion-high-resolution          S5   166M
relaion-coco                   laion/relaion-coco                   S6   641M
relaion-pop                    laion/relaion-pop                    S7   580k
aesthetics_v2_4.5              laion/aesthetics_v2_4.5              S10  1.33B
aesthetics_v2_4.75             laion/aesthetics_v2_4.75             S10  956M
"""

WITHDRAWN = """
laion400m                              S1   laion     relaion400m                    413M
laion2B-en                             S1   laion     relaion2B-en-research-safe     2.32B
laion2B-multi                          S1m  laion     relaion2B-multi-research-safe  2266193302
laion1B-nolang                         S1   laion     relaion1b-nolang-research-safe 1260048307
laion2B-en-joined                      S2   laion     relaion2B-en-research-safe     laion2B-en
laion2B-multi-joined                   S2m  laion     relaion2B-multi-research-safe  laion2B-multi
laion1B-nolang-joined                  S2   laion     relaion1b-nolang-research-safe laion1B-nolang
laion2B-en-md5                         -    laion     relaion2B-en-research-safe     -
laion2B-multi-md5                      -    laion     relaion2B-multi-research-safe  -
laion1B-nolang-md5                     -    laion     relaion1b-nolang-research-safe -
laion2B-en-safety                      S11s laion     relaion2B-en-research-safe     -
laion2B-multi-safety                   S11s laion     relaion2B-multi-research-safe  -
laion1B-nolang-safety                  S11s laion     relaion1b-nolang-research-safe -
laion2B-en-watermark                   S11w laion     relaion2B-en-research-safe     -
laion2B-multi-watermark                S11w laion     relaion2B-multi-research-safe  -
laion1B-nolang-watermark               S11w laion     relaion1b-nolang-research-safe -
laion2B-en-aesthetic-tags              S11a laion     laion2B-en-aesthetic           -
laion2B-multi-aesthetic-tags           S11a laion     relaion2B-multi-aesthetic      -
laion1B-nolang-aesthetic-tags          S11a laion     relaion1B-nolang-aesthetic     -
laion5B-watermark-safety-ordered       S12  laion     relaion2B-en-research-safe     5.85B
laion5B-aesthetic-tags-kv              S12  laion     laion2B-en-aesthetic           5.85B
laion2B-multi-aesthetic                S3m  laion     relaion2B-multi-aesthetic      51M
laion1B-nolang-aesthetic               S3   laion     relaion1B-nolang-aesthetic     17M
improved_aesthetics_4.5plus            S10  ChristophSchuhmann aesthetics_v2_4.5     1.2B
improved_aesthetics_4.75plus           S10  ChristophSchuhmann aesthetics_v2_4.75    939M
improved_aesthetics_5plus              S10  ChristophSchuhmann aesthetics_v2_4.75    600M
improved_aesthetics_6plus              S10  ChristophSchuhmann aesthetics_v2_4.75    12M
improved_aesthetics_6.25plus           S10  ChristophSchuhmann aesthetics_v2_4.75    3M
improved_aesthetics_6.5plus            S10  ChristophSchuhmann aesthetics_v2_4.75    635561
laion2B-multi-joined-translated-to-en  S13  laion     -                              2266193302
laion1B-nolang-joined-translated-to-en S13  laion     -                              1260048307
laion-face                             S1   FacePerceiver -                          50M
"""

SISTERS = """
coyo-700m         kakaobrain/coyo-700m                         S14  746972269  cc-by-4.0
coyo-labeled-300m kakaobrain/coyo-labeled-300m                 S15  300M       cc-by-4.0
datacomp_small    mlfoundations/datacomp_small                 S16  12.8M      cc-by-4.0
datacomp_medium   mlfoundations/datacomp_medium                S16  128M       cc-by-4.0
datacomp_large    mlfoundations/datacomp_large                 S16  1.28B      cc-by-4.0
datacomp_xlarge   mlfoundations/datacomp_xlarge                S16  12.8B      cc-by-4.0
datacomp_1b       mlfoundations/datacomp_1b                    S16  1.4B       cc-by-4.0
cc3m              google-research-datasets/conceptual_captions S17  3334173    other
cc3m-labeled      google-research-datasets/conceptual_captions S17l 2007090    other
cc12m             google-research-datasets/conceptual_12m      S18  12423374   other
sbu               vicenteor/sbu_captions                       S19  1M         unknown
mscoco-urls       ChristophSchuhmann/MS_COCO_2017_URL_TEXT     URL-TEXT 600k   -
"""

SHARDS = """
relaion2B-en-research      128 part-00000-b31ba513-fc6b-4450-9ba4-a1bba183f408-c000.snappy.parquet
relaion2B-en-research-safe 128 part-00000-339dc23d-0869-4dc0-9390-b4036fcc80c2-c000.snappy.parquet
laion2B-en-aesthetic       128 part-00000-9230b837-b1e0-4254-8b88-ed2976e9cee9-c000.snappy.parquet
relaion2B-multi-aesthetic  128 part-00000-2ec10f02-51eb-4e2e-9b77-103ee7982d99-c000.snappy.parquet
relaion1B-nolang-aesthetic 128 part-00000-a718cdfa-8fa6-4f99-a950-2ffa6b13c6c4-c000.snappy.parquet
laion400m                   32 part-00000-5b54c5d5-bbcf-484d-a2ce-0d6f73df1a36-c000.snappy.parquet
laion2B-en                 128 part-00000-5114fd87-297e-42b0-9d11-50f1df323dfa-c000.snappy.parquet
laion2B-multi              128 part-00000-fc82da14-99c9-4ff6-ab6a-ac853ac82819-c000.snappy.parquet
laion1B-nolang             128 part-00000-d6a94da9-d368-4d5b-9ab7-3f6d3c7abdb3-c000.snappy.parquet
laion2B-en-joined          128 part-00000-4cfd6e30-f032-46ee-9105-8696034a8373-c000.snappy.parquet
laion2B-multi-joined       128 part-00000-fcd86c9b-36f4-49ff-bea1-8c9a0e029fb7-c000.snappy.parquet
laion1B-nolang-joined      128 part-00000-4852663c-9585-44b0-9a45-f95c2b89c792-c000.snappy.parquet
laion2B-multi-aesthetic    128 part-00000-41ee6475-31c6-4d39-960e-7dbbe96bc95b-c000.snappy.parquet
laion1B-nolang-aesthetic   128 part-00000-604e83c4-a4f2-460a-8aae-1c0fa1d4f6d5-c000.snappy.parquet
coyo-700m                  128 data/part-00000-17da4908-939c-46e5-91d0-15f256041956-c000.snappy.parquet
improved_aesthetics_6.5plus  1 data/train-00000-of-00001-6f24a7497df494ae.parquet
mscoco-urls                  1 mscoco.parquet
"""

LISTED_AT_RUN_TIME = """
relaion400m relaion2B-multi-research relaion1B-nolang-research relaion2B-multi-research-safe
relaion1b-nolang-research-safe relaion-art relaion-high-resolution relaion-coco relaion-pop
aesthetics_v2_4.5 aesthetics_v2_4.75 coyo-labeled-300m sbu cc12m
"""

MODELS = """
relaion2B-en-research-safe similarity clip-vit-b-32 | punsafe clip-based-nsfw-detector | pwatermark laion-watermark
relaion2B-multi-research similarity mclip | punsafe clip-based-nsfw-detector | pwatermark laion-watermark
relaion1B-nolang-research similarity mclip | punsafe clip-based-nsfw-detector | pwatermark laion-watermark
laion2B-en-aesthetic similarity clip-vit-b-32 | aesthetic aesthetic-v1
relaion2B-multi-aesthetic similarity mclip | aesthetic aesthetic-v1
relaion1B-nolang-aesthetic similarity mclip | aesthetic aesthetic-v1
relaion-art similarity clip-vit-b-32-or-mclip | aesthetic aesthetic-v1
relaion-high-resolution similarity clip-vit-b-32-or-mclip | punsafe clip-based-nsfw-detector
relaion-coco similarity clip-vit-b-32
relaion-pop similarity unstated | punsafe clip-based-nsfw-detector
aesthetics_v2_4.5 similarity clip-vit-b-32 | aesthetic aesthetic-v2
aesthetics_v2_4.75 similarity clip-vit-b-32 | aesthetic aesthetic-v2
laion400m similarity clip-vit-b-32 | nsfw clip-nsfw-vote
laion2B-multi similarity mclip | nsfw clip-nsfw-vote
laion2B-multi-joined-translated-to-en similarity mclip | aesthetic aesthetic-v2
coyo-700m similarity clip-vit-b-32 | punsafe opennsfw2 | pwatermark coyo-watermark | aesthetic aesthetic-v2
datacomp_1b similarity clip-vit-b-32
"""


def lines(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


def value(text: str) -> str | None:
    return None if text == "-" else text


def rows_agree(name: str, rows: str) -> None:
    release = find_release(name)
    if rows.isdigit():
        assert release.rows == int(rows)
    else:
        assert release.rows is None or name == "laion1B-nolang"
        assert (rows if rows != "-" else "") in release.rows_text


@pytest.mark.parametrize(("name", "repo_id", "schema", "rows"), lines(CURRENT))
def test_current(name: str, repo_id: str, schema: str, rows: str) -> None:
    release = find_release(name)
    assert (release.name, release.repo_id, release.schema) == (name, repo_id, schema)
    assert (release.status, release.kind) == (Status.CURRENT, Kind.PAIRS)
    assert release.gated is (None if name.startswith("aesthetics_v2") else True)
    rows_agree(name, rows)


@pytest.mark.parametrize(("name", "schema", "owner", "replacement", "rows"), lines(WITHDRAWN))
def test_withdrawn(name: str, schema: str, owner: str, replacement: str, rows: str) -> None:
    release = find_release(name)
    assert (release.name, release.repo_id, release.schema) == (name, f"{owner}/{name}", value(schema))
    assert release.status is Status.WITHDRAWN
    assert release.replacement == value(replacement)
    rows_agree(name, rows)


@pytest.mark.parametrize(("name", "repo_id", "schema", "rows", "license"), lines(SISTERS))
def test_sisters(name: str, repo_id: str, schema: str, rows: str, license: str) -> None:
    release = find_release(name)
    assert (release.name, release.repo_id, release.schema) == (name, repo_id, schema)
    assert (release.status, release.kind, release.license) == (Status.SISTER, Kind.PAIRS, value(license))
    rows_agree(name, rows)


def test_nothing_else_is_in_the_catalogue() -> None:
    typed = [line[0] for table in (CURRENT, WITHDRAWN, SISTERS) for line in lines(table)]
    assert [release.name for release in RELEASES] == typed
    assert len({name.casefold() for name in typed}) == len(typed)


@pytest.mark.parametrize(("name", "count", "first"), lines(SHARDS))
def test_shards(name: str, count: str, first: str) -> None:
    release = find_release(name)
    assert release.shards is not None
    assert (release.shards.format(i=0), release.shard_count) == (first, int(count))


@pytest.mark.parametrize("name", LISTED_AT_RUN_TIME.split())
def test_unconfirmed_shard_names_are_not_hard_coded(name: str) -> None:
    assert (find_release(name).shards, find_release(name).shard_count) == (None, None)


@pytest.mark.parametrize("line", MODELS.strip().splitlines())
def test_score_models(line: str) -> None:
    name, first, *rest = line.split(maxsplit=1)[0], *line.split(maxsplit=1)[1].split("|")
    models = find_release(name).score_models
    for column, model in (pair.split() for pair in (first, *rest)):
        assert models[column] == model


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_scores_of_a_release_are_columns_of_its_schema(release: releases.Release) -> None:
    """And every score that its columns carry has a model, except in sets without pairs of their own."""
    column_map = map_release(release)
    if column_map is None or release.schema == "S12":
        return
    scores = {"similarity", "punsafe", "pwatermark", "aesthetic", "nsfw"} & set(column_map.sources)
    assert set(release.score_models) == scores


def test_renamed_repositories() -> None:
    former = {release.name: release.former_ids for release in RELEASES if release.former_ids}
    assert former == {
        "relaion400m": ("laion/laion400m",),
        "relaion2B-en-research-safe": ("laion/laion2B-en", "laion/laion2b-en"),
        "relaion2B-multi-aesthetic": ("laion/laion2B-multi-aesthetic",),
        "relaion1B-nolang-aesthetic": ("laion/laion1B-nolang-aesthetic",),
        "relaion-art": ("laion/laion-art",),
        "relaion-coco": ("laion/laion-coco", "laion/LAION-COCO"),
        "relaion-pop": ("laion/laion-pop",),
    }
    since = {release.name: release.renamed_since for release in RELEASES if release.renamed_since}
    safe = {"relaion2B-multi-research-safe", "relaion1b-nolang-research-safe"}  # perhaps renamed: nobody has said
    assert set(since) == {*former, *safe, "laion2B-en-aesthetic", "relaion-high-resolution"}
    assert since["relaion2B-en-research-safe"] == date(2024, 7, 2)
    assert all(day > date(2023, 12, 19) for day in since.values())  # the day LAION took everything down
    assert find_release("relaion-high-resolution").alternate_ids == ("laion/relaion-high-resolution",)


def test_licences_that_disagree_are_both_recorded() -> None:
    for name in ("relaion2B-en-research", "relaion2B-en-research-safe"):
        license = find_release(name).license or ""
        assert "apache-2.0" in license
        assert "cc-by-4.0" in license
    assert find_release("laion2B-en").license == "cc-by-4.0"
    for name in ("relaion400m", "relaion-coco", "relaion-art", "aesthetics_v2_4.5", "laion2B-en-aesthetic"):
        assert find_release(name).license is None


def test_text_published_outside_the_hub() -> None:
    published = {release.name: release.text_location for release in RELEASES if release.text_location}
    assert published["cc12m"] == "https://storage.googleapis.com/conceptual_12m/cc12m.tsv"
    assert set(published) <= {"cc12m", "sbu"}


def test_globs() -> None:
    coyo = "data/part-*-17da4908-939c-46e5-91d0-15f256041956-c000.snappy.parquet"
    assert find_release("coyo-700m").shard_glob == coyo
    assert find_release("datacomp_xlarge").shard_glob == "part_*/*.parquet"
    assert find_release("datacomp_small").shard_glob == "*.parquet"
    assert find_release("relaion400m").shard_glob is None
    assert dict(find_release("cc3m").splits) == {"train": "unlabeled/train-*", "validation": "unlabeled/val*"}


def test_every_replacement_is_a_release_that_loads() -> None:
    for release in RELEASES:
        if release.replacement is not None:
            assert find_release(release.replacement).status is Status.CURRENT


def test_table_is_json_and_complete() -> None:
    table = json.loads(json.dumps(releases_table()))
    assert [row["name"] for row in table] == [release.name for release in RELEASES]
    assert len({tuple(row) for row in table}) == 1
    assert not any(value == "" for row in table for value in row.values())


def test_schemas_name_their_own_columns() -> None:
    for schema in releases.SOURCE_SCHEMAS:
        assert set(schema.canonical) <= set(NAMES)
        assert set(schema.canonical.values()) <= set(schema.columns)
        assert set(schema.score_models) <= set(schema.canonical)
    assert {release.schema for release in RELEASES} - {None} <= {schema.id for schema in releases.SOURCE_SCHEMAS}


def test_all_is_what_there_is() -> None:
    for name in releases.__all__:
        assert hasattr(releases, name)
