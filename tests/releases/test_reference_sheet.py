"""Every repository that the fact sheet's tables name is in the catalogue, and the reverse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from laion_pairs.releases import RELEASES

SHEET = Path(__file__).parents[3] / "shared" / "reference" / "releases.md"
REPO_ID = re.compile(r"`((?:laion|kakaobrain|mlfoundations|google-research-datasets|vicenteor)/[A-Za-z0-9_.{},-]+"
                     r"|ChristophSchuhmann/[\w.]+|FacePerceiver/[\w-]+)`")  # fmt: skip

pytestmark = [
    pytest.mark.ci,
    pytest.mark.skipif(not SHEET.exists(), reason="../shared/reference/releases.md is not on this machine"),
]


def ids_in_the_sheet() -> set[str]:
    text = SHEET.read_text(encoding="utf-8")
    tables = text[text.index("### 1a.") : text.index("## 2. Schemas")]
    rows = [line for line in tables.splitlines() if line.startswith("|") and "oasst" not in line]
    found = {repo_id for row in rows for repo_id in REPO_ID.findall(row)}
    scales = {f"mlfoundations/datacomp_{scale}" for scale in ("small", "medium", "large", "xlarge", "1b")}
    # rows that bundle several repositories
    sets = ("laion2B-en", "laion2B-multi", "laion1B-nolang")
    found |= {f"laion/{name}-{tag}" for name in sets for tag in ("safety", "watermark", "aesthetic-tags")}
    found |= {f"ChristophSchuhmann/improved_aesthetics_{t}plus" for t in ("4.5", "4.75", "5", "6", "6.25", "6.5")}
    return {repo_id for repo_id in found | scales if "{" not in repo_id}


def test_ids() -> None:
    ours = {id for release in RELEASES for id in (release.repo_id, *release.former_ids, *release.alternate_ids)}
    sheet = ids_in_the_sheet()
    assert len(sheet) > 50
    assert sheet - ours == set()
    assert {release.repo_id for release in RELEASES} - sheet == set()


def test_uuids() -> None:
    """Every shard name that the sheet's tables give is somewhere in the catalogue."""
    text = SHEET.read_text(encoding="utf-8")
    uuids = set(re.findall(r"P\(([0-9a-f-]{36})\)", text))
    ours = " ".join(f"{release.shards} {release.original_shards}" for release in RELEASES)
    assert len(uuids) > 15
    assert {uuid for uuid in uuids if uuid not in ours} == set()
