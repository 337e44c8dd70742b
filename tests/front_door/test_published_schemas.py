"""Every published schema, through the builder: a shard as published, and the canonical rows that were typed by hand.

Withdrawn releases are on no Hub: their files are read by hand, with a warning, and their images are not fetched.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from releases.published_rows import CASES, Case

import laion_dataset
from laion_pairs.releases import Release, Status, find_release
from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.schema import NAMES

FLOATS = {"similarity", "punsafe", "pwatermark", "aesthetic"}


def on_the_hub(case: Case) -> bool:
    """Not withdrawn, and not published as text elsewhere (CC12M)."""
    release = find_release(case.release) if case.release else None
    return bool(release and release.status is not Status.WITHDRAWN and not release.text_location)


LOADABLE = [case for case in CASES if on_the_hub(case)]
BY_HAND = [case for case in CASES if case not in LOADABLE]


def by_id(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.id)


def expected_rows(case: Case) -> list[dict[str, Any]]:
    return [
        {name: _as_float32(value) if name in FLOATS else value for name, value in zip(NAMES, row, strict=True)}
        for row in case.expected
    ]


def _as_float32(value: float | None) -> float | None:
    return None if value is None else struct.unpack("f", struct.pack("f", value))[0]


def shard_bytes(case: Case) -> bytes:
    file = io.BytesIO()
    pq.write_table(case.table(), file, row_group_size=2)
    return file.getvalue()


def files(release: Release, case: Case) -> dict[str, bytes]:
    """One shard for every split, named as published."""
    globs = list(release.splits.values()) or [release.shard_glob or "part-*.parquet"]
    paths = [glob.replace("**/", "").replace("*", "00000").removesuffix(".parquet") + ".parquet" for glob in globs]
    return {path: shard_bytes(case) for path in paths}


def check(rows: list[dict[str, Any]], case: Case) -> None:
    images = [row.pop("image") for row in rows]
    assert rows == expected_rows(case)
    for image, row in zip(images, rows, strict=True):
        if row["url"] is None:
            assert image is None
        else:
            assert (image.url, image.width, image.height, image.digest) == (
                row["url"],
                row["width"],
                row["height"],
                row["digest"],
            )


@by_id(LOADABLE)
@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "prepared"])
def test_from_the_hub(case: Case, streaming: bool, hub: LoopbackHub, tmp_path: Path) -> None:
    release = find_release(str(case.release))
    hub.add_repository(release.repo_id, files(release, case), gated=True, readers=["hf_reader"])
    found = laion_dataset.load_dataset(
        release.name.swapcase(), streaming=streaming, token="hf_reader", cache_dir=tmp_path
    )
    assert list(found) == (list(release.splits) or ["train"])
    for rows in found.values():
        check(list(rows), case)


@by_id(BY_HAND)
@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "prepared"])
@pytest.mark.filterwarnings("ignore:.*was withdrawn.*:UserWarning")
def test_by_hand(case: Case, streaming: bool, tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    file.write_bytes(shard_bytes(case))
    found = laion_dataset.load_dataset(
        case.release, data_files=str(file), split="train", streaming=streaming, cache_dir=tmp_path / "cache"
    )
    check(list(found), case)


@by_id(CASES)
@pytest.mark.filterwarnings("ignore:.*was withdrawn.*:UserWarning")
def test_own_columns_follow_the_canonical_ones(case: Case, tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    file.write_bytes(shard_bytes(case))
    rows = laion_dataset.load_dataset(case.release, data_files=str(file), split="train", streaming=True, columns="all")
    assert list(rows.features) == ["image", *NAMES, *case.own]
    assert [{name: row[name] for name in NAMES} for row in rows] == expected_rows(case)
    published = case.table()
    for exposed in case.own:
        source = exposed if exposed in published.schema.names else exposed.removeprefix("source_")
        assert [row[exposed] for row in rows] == published[source].to_pylist()


@by_id(LOADABLE)
def test_every_filter_agrees_with_the_rows(case: Case, hub: LoopbackHub) -> None:
    """Pushed down or not: what a filter keeps is what the same comparison keeps of the canonical rows."""
    release = find_release(str(case.release))
    hub.add_repository(release.repo_id, files(release, case))
    for name, threshold in [("width", 100), ("height", 100), ("similarity", 0.3), ("punsafe", 0.1), ("aesthetic", 5.0)]:
        limit = _as_float32(threshold) if name in FLOATS else threshold
        for operator, holds in {">": lambda a, b: a > b, "<=": lambda a, b: a <= b}.items():
            found = laion_dataset.load_dataset(
                release.name, split="train", streaming=True, filters=[(name, operator, threshold)]
            )
            kept = [row["url"] for row in found]
            wanted = [row["url"] for row in expected_rows(case) if row[name] is not None and holds(row[name], limit)]
            assert kept == wanted, (name, operator)
