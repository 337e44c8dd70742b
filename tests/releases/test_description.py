"""The catalogue as people read it."""

from __future__ import annotations

import json

import pytest

from laion_pairs.releases import RELEASES, describe_release, find_release, render_release, render_releases
from laion_pairs.schema import NAMES

ORIGINS = [
    ("laion2B-en", "width", "HEIGHT (the crawler wrote width and height into each other's column)"),
    ("laion2B-en", "pair_id", "computed from URL and TEXT"),
    ("laion2B-en", "punsafe", "null"),
    ("laion5B-aesthetic-tags-kv", "pair_id", "null"),
    ("relaion2B-en-research-safe", "pair_id", "hash"),
    ("relaion2B-en-research-safe", "digest", "md5"),
    ("relaion2B-multi-research", "similarity", "similarity: cosine of multilingual mCLIP embeddings"),
    ("aesthetics_v2_4.5", "aesthetic", "AESTHETIC_SCORE: linear head on CLIP ViT-L/14, sac+logos"),
    ("relaion-coco", "caption", "TEXT (the alt text"),
    ("relaion-pop", "caption", "alt_txt (the alt text, null where it is empty"),
]


@pytest.mark.parametrize(("name", "column", "origin"), ORIGINS)
def test_where_columns_come_from(name: str, column: str, origin: str) -> None:
    columns = describe_release(find_release(name))["canonical_columns"]
    assert list(columns) == list(NAMES)
    assert columns[column].startswith(origin)
    assert columns[column] in render_release(find_release(name))


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_every_release_renders_and_is_json(release: object) -> None:
    facts = json.loads(json.dumps(describe_release(release)))
    text = render_release(release)
    assert text.startswith(release.name)
    assert release.repo_id in text
    assert (facts["canonical_columns"] is None) == ("columns are not public" in text)
    assert release.name in release.summary or release.status.value in release.summary


def test_the_table_has_a_line_for_each() -> None:
    lines = render_releases().splitlines()
    assert [line.split()[0] for line in lines] == ["name", *(release.name for release in RELEASES)]
