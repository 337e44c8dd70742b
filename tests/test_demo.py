"""`laion demo` from the command line, in a process of its own: nothing is fetched early, every row is accounted for."""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from laion_pairs.sample import BROKEN_PAIRS, sample_pictures

ROWS = len(sample_pictures()) + len(BROKEN_PAIRS)
SET_BY_THE_DEMO = ("HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_HUB_DISABLE_IMPLICIT_TOKEN")


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in SET_BY_THE_DEMO}
    environment["HF_TOKEN"] = "hf_planted_for_the_test"
    return subprocess.run(
        [sys.executable, "-m", "laion_pairs.cli", "demo", *options],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("demo")
    done = run(folder, "--json", "--output", "sheet.html")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, json.loads(done.stdout)


def test_every_row_is_accounted_for(demo: tuple[Path, dict[str, Any]]) -> None:
    counts = demo[1]["counts"]
    expected = Counter(str(pair.outcome) for pair in BROKEN_PAIRS) + Counter(ok=len(sample_pictures()))
    assert counts["rows"] == {"seen": ROWS, "kept": ROWS}
    assert counts["fetched"] == dict(expected)


def test_rows_are_streamed_without_asking_for_a_picture(demo: tuple[Path, dict[str, Any]]) -> None:
    summary = demo[1]
    assert summary["requests_before_fetching"] == 0
    assert summary["image_host"]["requests"] == ROWS


def test_the_sheet_is_whole_and_small(demo: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = demo
    page = (folder / "sheet.html").read_text("utf-8")
    assert len(page.encode()) == summary["sheet_bytes"] <= 3 * 2**20
    assert page.count("<img ") == len(sample_pictures())
    for pair in BROKEN_PAIRS:
        assert html.escape(pair.caption) in page
    assert "hf_planted" not in page


def test_it_prints_rows_and_counts_for_people(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    for words in (
        "requests for pictures so far: 0",
        "<RemoteImage ",
        "similarity  None",
        f"rows: {ROWS} seen",
        "312 ok",
    ):
        assert words in done.stdout
    assert (tmp_path / "laion-demo.html").exists()


@pytest.mark.ci
def test_it_says_nothing_when_quiet(tmp_path: Path) -> None:
    quiet = run(tmp_path, "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
