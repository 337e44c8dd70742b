"""Downloads at length: a million rows in flat memory, kills at random moments, spoiled images by the thousand.

The ci tier runs a tenth of each count; ``pytest -m soak -s`` the full ones, and what it prints is kept in
benchmarks/results/.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from fast_host import FastHost
from PIL import Image
from spoiled import spoiled

from laion_pairs.ledger import Ledger
from laion_pairs.sample.image_host import ImageHost
from laion_pairs.sample.loopback import Answer, Request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, dials 127.x.y.z, and forks")

GROWTH_MIB = 40
"""What a process may grow by between its early rows, when its bounded memories are full, and the last."""

tiers = [pytest.param(10, marks=pytest.mark.ci, id="tenth"), pytest.param(1, marks=pytest.mark.soak, id="full")]


def run(script: str, *arguments: object, timeout_s: float) -> dict[str, object]:
    """What a script beside this file prints as its last line, JSON."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *map(str, arguments)]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=timeout_s)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr == ""
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def tiny() -> bytes:
    file = BytesIO()
    Image.new("RGB", (8, 6), 90).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("part", tiers)
def test_a_million_rows_of_mixed_outcomes_in_flat_memory(tmp_path: Path, part: int) -> None:
    rows = 1_000_000 // part
    with FastHost(tmp_path, tiny()) as host:
        told = run("stream_rows.py", rows, tmp_path / "run.ledger", *host.hosts, timeout_s=1800)
    counts = Ledger(tmp_path / "run.ledger").counts()
    print(f"\n{rows:,} rows: {told}\n{Ledger(tmp_path / 'run.ledger').report()}")
    assert counts["images"] == told["expected"]
    assert told["delivered"] == counts["images"]["ok"]
    assert told["doubled"] == 0
    assert int(str(told["last_mib"])) - int(str(told["early_mib"])) < GROWTH_MIB


@pytest.mark.parametrize("ordered", [False, True], ids=["as they finish", "ordered"])
@pytest.mark.parametrize("part", tiers)
def test_kills_at_random_moments_lose_and_double_nothing(tmp_path: Path, part: int, ordered: bool) -> None:
    """200 kills in all, 100 for each order."""
    kills = 100 // part
    with FastHost(tmp_path, tiny()) as host:
        told = run("kill_and_resume.py", kills, int(ordered), tmp_path, *host.hosts, timeout_s=1800)
    print(f"\n{told}")
    assert int(str(told["kills"])) >= kills
    assert int(str(told["complete_runs"])) >= 1
    assert told["wrong_runs"] == []


class Spoiled(ImageHost):
    """``/17`` is the 17th spoiled file."""

    def answer(self, request: Request) -> Answer:
        return Answer(200, (), spoiled(int(request.path[1:])))


@pytest.mark.parametrize("part", tiers)
def test_spoiled_images_by_the_thousand_neither_crash_nor_hang_nor_grow(tmp_path: Path, part: int) -> None:
    rows = 20_000 // part
    with Spoiled([f"127.0.51.{n}" for n in range(1, 33)]) as host:
        hosts = [f"{address}:{host.port}" for address in host.addresses]
        told = run("decode_spoiled.py", rows, tmp_path / "run.ledger", *hosts, timeout_s=1800)
        assert not host.errors
    images = Counter(Ledger(tmp_path / "run.ledger").counts()["images"])
    print(f"\n{rows:,} spoiled images: {told}\n{dict(images)}")
    assert images.total() == rows
    assert set(images) <= {"ok", "corrupt_image", "not_an_image", "too_many_pixels"}
    assert images["ok"] > rows / 50, "hardly one is decoded: nothing was tested"
    assert images["corrupt_image"] > rows / 10
    assert int(str(told["last_mib"])) - int(str(told["first_tenth_mib"])) < GROWTH_MIB
