"""Finding a release by name, refusing what was withdrawn, and recognising withdrawn data."""

from __future__ import annotations

import pytest

from laion_pairs.errors import LaionError, NotPairs, UnknownRelease, WithdrawnRelease
from laion_pairs.releases import (
    RELEASES,
    Kind,
    Status,
    check_loadable,
    find_release,
    former_shard,
    withdrawn_location,
    withdrawn_schema,
    withdrawn_shard,
)

FOUND = [
    ("relaion2B-en-research-safe", "relaion2B-en-research-safe"),
    ("RELAION2b-EN-research-SAFE", "relaion2B-en-research-safe"),
    (" relaion400m ", "relaion400m"),
    ("laion/relaion1B-nolang-research-safe", "relaion1b-nolang-research-safe"),
    ("Aesthetics_V2_4.75", "aesthetics_v2_4.75"),
    ("laion/laion-high-resolution", "relaion-high-resolution"),
    ("laion/relaion-high-resolution", "relaion-high-resolution"),
    ("google-research-datasets/conceptual_captions", "cc3m"),
    # known, so that they can be refused: a former id is never the release that replaced it
    ("laion400m", "laion400m"),
    ("laion/laion400m", "laion400m"),
    ("laion2b-en", "laion2B-en"),
    ("laion/laion2b-en", "laion2B-en"),
    ("laion/laion2B-multi-aesthetic", "laion2B-multi-aesthetic"),
]

FORMER = [
    ("laion-art", "relaion-art"),
    ("laion/laion-art", "relaion-art"),
    ("laion/LAION-COCO", "relaion-coco"),
    ("laion-coco", "relaion-coco"),
    ("laion/laion-pop", "relaion-pop"),
]

UNKNOWN = [
    ("relaion2B-en-research-sage", "relaion2B-en-research-safe"),
    ("relaion-2b-en", "relaion2B-en-research"),
    ("aesthetics_v2_5.0", "aesthetics_v2_4.5"),
    ("laion/re-laion-5b-research-safe", "relaion"),
    ("laion/relaion2B-nolang-research", "relaion1B-nolang-research"),
    ("laion-high-resolution", "relaion-high-resolution"),
    ("oasst1", "laion releases"),
    ("", "laion releases"),
    ("zzzzzzzz", "laion releases"),
]


@pytest.mark.parametrize(("asked", "name"), FOUND)
def test_found(asked: str, name: str) -> None:
    assert find_release(asked).name == name


@pytest.mark.parametrize(("asked", "replacement"), FORMER)
def test_a_former_name_never_becomes_its_replacement(asked: str, replacement: str) -> None:
    with pytest.raises(WithdrawnRelease, match=f"Load {replacement} instead"):
        find_release(asked)


@pytest.mark.parametrize(("asked", "nearest"), UNKNOWN)
def test_unknown_names_the_nearest_and_the_list(asked: str, nearest: str) -> None:
    with pytest.raises(UnknownRelease, match=r"`laion releases` lists them all") as raised:
        find_release(asked)
    assert nearest in str(raised.value)


def test_the_nearest_are_ones_that_load_first() -> None:
    with pytest.raises(UnknownRelease, match="The nearest: relaion2B"):
        find_release("relaion2B-en")


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_loadable(release: object) -> None:
    if release.kind is not Kind.PAIRS:
        with pytest.raises(NotPairs) as raised:
            check_loadable(release)
        assert "withdrawn" in str(raised.value)
        carried = release.replacement or "No release carries its columns"
        assert carried in str(raised.value)
    elif release.status is Status.WITHDRAWN:
        with pytest.raises(WithdrawnRelease) as raised:
            check_loadable(release)
        assert (release.replacement or "Nothing replaces it") in str(raised.value)
    else:
        check_loadable(release)


P = "part-{}-{}-c000.snappy.parquet".format
WITHDRAWN_SHARDS = [
    (P("00000", "5b54c5d5-bbcf-484d-a2ce-0d6f73df1a36"), "laion400m"),
    ("/data/" + P("00127", "5114fd87-297e-42b0-9d11-50f1df323dfa"), "laion2B-en"),
    ("hf://datasets/someone/copy@main/x/" + P("00001", "fc82da14-99c9-4ff6-ab6a-ac853ac82819"), "laion2B-multi"),
    ("https://h.example/" + P("00001", "D6A94DA9-d368-4d5b-9ab7-3f6d3c7abdb3") + "?download=1", "laion1B-nolang"),
    ("copy-of-" + P("00001", "4cfd6e30-f032-46ee-9105-8696034a8373") + ".csv", "laion2B-en-joined"),
    ("C:\\laion\\" + P("00001", "604e83c4-a4f2-460a-8aae-1c0fa1d4f6d5"), "laion1B-nolang-aesthetic"),
    ("data/train-00000-of-00001-6f24a7497df494ae.parquet", "improved_aesthetics_6.5plus"),
    ("laion_face_part_00031.parquet", "laion-face"),
    (P("00000", "b31ba513-fc6b-4450-9ba4-a1bba183f408"), None),
    (P("00000", "2256f782-126f-4dc6-b9c6-e6757637749d"), None),
    ("5b54c5d5-bbcf-484d-a2ce-0d6f73df1a36/mine.parquet", None),
    ("laion-art.parquet", None),
    ("data/train-00000-of-00001.parquet", None),
]


@pytest.mark.parametrize(("path", "name"), WITHDRAWN_SHARDS)
def test_withdrawn_shard(path: str, name: str | None) -> None:
    found = withdrawn_shard(path)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("laion-art.parquet", "relaion-art"),
        (P("00000", "2256f782-126f-4dc6-b9c6-e6757637749d"), "relaion-coco"),
        (P("00000", "5d6701c4-b238-4c0a-84e4-fe8e9daea963"), "relaion-high-resolution"),
        (P("00000", "b31ba513-fc6b-4450-9ba4-a1bba183f408"), None),
    ],
)
def test_former_shard(path: str, name: str | None) -> None:
    found = former_shard(path)
    assert (found.name if found else None) == name


LOCATIONS = [
    ("laion/laion2B-en", "laion2B-en"),
    ("LAION/laion2b-EN", "laion2B-en"),
    ("hf://datasets/laion/laion400m@abc123/part.parquet", "laion400m"),
    ("hf://datasets/laion/laion2B-en-joined@refs%2Fconvert%2Fparquet/default/0.parquet", "laion2B-en-joined"),
    ("https://huggingface.co/datasets/laion/laion2B-multi/resolve/main/x.parquet", "laion2B-multi"),
    ("https://hub-copy.example/datasets/laion%2Flaion2B-multi/resolve/main/x.parquet", "laion2B-multi"),
    ("https://huggingface.co/api/datasets/laion/laion1B-nolang-safety/parquet", "laion1B-nolang-safety"),
    ("/root/.cache/huggingface/hub/datasets--laion--laion2B-en/snapshots/0/x.parquet", "laion2B-en"),
    ("hf://datasets/laion/laion-art@0123/laion-art.parquet", "laion-art"),
    ("laion/LAION-COCO", "LAION-COCO"),
    ("laion/laion-pop", "laion-pop"),
    ("https://the-eye.eu/public/AI/cah/laion400m-met-release/laion400m-meta/part-0.parquet", "laion400m"),
    ("http://deploy.laion.ai/8f83b608504d46bb81708ec86e912220/dataset/x", "laion400m"),
    ("danielz01/laion-5b", "laion2B-en"),
    ("cat-state/laion2B-en", "laion2B-en"),
    ("ChristophSchuhmann/improved_aesthetics_6plus", "improved_aesthetics_6plus"),
    ("FacePerceiver/laion-face", "laion-face"),
    ("laion/relaion2B-en-research-safe", None),
    ("hf://datasets/laion/laion2B-en-aesthetic@main/x.parquet", None),
    ("hf://datasets/laion/laion-high-resolution@main/x.parquet", None),
    ("https://images.example/laion/fox.jpg", None),
    ("someone/laion2B-en-subset", None),
]


@pytest.mark.parametrize(("place", "name"), LOCATIONS)
def test_withdrawn_location(place: str, name: str | None) -> None:
    found = withdrawn_location(place)
    assert (found.name if found else None) == name
    if found is not None:
        assert found.status is Status.WITHDRAWN


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_every_withdrawn_release_is_recognised_where_it_was(release: object) -> None:
    found = withdrawn_location(f"hf://datasets/{release.repo_id}@main/x.parquet")
    assert found is (release if release.status is Status.WITHDRAWN else None)


@pytest.mark.parametrize("schema_id", ["S1", "S1m", "S2", "S2m", "S13"])
def test_schemas_that_only_withdrawn_releases_have(schema_id: str) -> None:
    found = withdrawn_schema(schema_id)
    assert found is not None
    assert (found.status, found.schema) == (Status.WITHDRAWN, schema_id)


@pytest.mark.parametrize(
    "schema_id", ["S3", "S3m", "S4", "S5", "S6", "S7", "S8", "S8m", "S9", "S9u", "S10", "S14", "S16", "URL-TEXT", "?"]
)
def test_schemas_that_loadable_releases_have_too(schema_id: str) -> None:
    assert withdrawn_schema(schema_id) is None


def test_errors_are_one_string() -> None:
    for asked in ("laion-art", "nope"):
        with pytest.raises(LaionError) as raised:
            find_release(asked)
        assert len(raised.value.args) == 1
