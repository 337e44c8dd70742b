"""Every repository that the fact sheet's tables name is in the catalogue, and the reverse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from laion_pairs.releases import RELEASES

REPO_ID = re.compile(r"`((?:laion|kakaobrain|mlfoundations|google-research-datasets|vicenteor)/[A-Za-z0-9_.{},-]+"
                     r"|ChristophSchuhmann/[\w.]+|FacePerceiver/[\w-]+)`")  # fmt: skip

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def sheet(shared_data: Path) -> str:
    return (shared_data.parent / "reference" / "releases.md").read_text(encoding="utf-8")


def ids_in(text: str) -> set[str]:
    tables = text[text.index("### 1a.") : text.index("## 2. Schemas")]
    rows = [line for line in tables.splitlines() if line.startswith("|") and "oasst" not in line]
    found = {repo_id for row in rows for repo_id in REPO_ID.findall(row)}
    scales = {f"mlfoundations/datacomp_{scale}" for scale in ("small", "medium", "large", "xlarge", "1b")}
    # rows that bundle several repositories
    sets = ("laion2B-en", "laion2B-multi", "laion1B-nolang")
    found |= {f"laion/{name}-{tag}" for name in sets for tag in ("safety", "watermark", "aesthetic-tags")}
    found |= {f"ChristophSchuhmann/improved_aesthetics_{t}plus" for t in ("4.5", "4.75", "5", "6", "6.25", "6.5")}
    return {repo_id for repo_id in found | scales if "{" not in repo_id}


def test_ids(sheet: str) -> None:
    ours = {id for release in RELEASES for id in (release.repo_id, *release.former_ids, *release.alternate_ids)}
    theirs = ids_in(sheet)
    assert len(theirs) > 50
    assert theirs - ours == set()
    assert {release.repo_id for release in RELEASES} - theirs == set()


def test_uuids(sheet: str) -> None:
    """Every shard name that the sheet's tables give is somewhere in the catalogue."""
    uuids = set(re.findall(r"P\(([0-9a-f-]{36})\)", sheet))
    ours = " ".join(f"{release.shards} {release.original_shards}" for release in RELEASES)
    assert len(uuids) > 15
    assert {uuid for uuid in uuids if uuid not in ours} == set()
