"""``pixel_cost`` is never less than what ``render`` really takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from laion_pairs.images.decoding import ImageHeader
from laion_pairs.images.pixels import Resize, pixel_cost

MEASURE = """
import sys
sys.path.insert(0, sys.argv[1])
from pixel_pictures import every_kind
from laion_pairs.images import DownloadPolicy
from laion_pairs.images.pixels import Resize, check, pixel_cost, render
def status_bytes(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1]) * 1024
policy = DownloadPolicy()
for body in every_kind((40, 30)).values():
    render(body, Resize(), policy)
kinds = every_kind((1000, 751))
for name, body in kinds.items():
    for resize in (Resize(mode="no"), Resize(), Resize(mode="keep_ratio", size=1500)):
        before = status_bytes("VmRSS")
        open("/proc/self/clear_refs", "w").write("5")  # the peak starts anew
        render(body, resize, policy)
        taken, bound = status_bytes("VmHWM") - before, pixel_cost(check(body, resize, policy), resize)
        assert taken <= bound, f"{name}, {resize.mode}: {taken} bytes taken, {bound} said"
"""


@pytest.mark.ci
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_picture_costs_no_more_than_is_said() -> None:
    command = [sys.executable, "-c", MEASURE, str(Path(__file__).parent)]
    environment = {"MALLOC_MMAP_THRESHOLD_": "65536"}  # what is freed is given back, so that every peak is its own
    run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert run.returncode == 0, run.stderr[-2000:]


def test_the_cost_grows_with_the_picture_and_with_its_result() -> None:
    header = ImageHeader("JPEG", 1000, 500)
    costs = [pixel_cost(header, Resize(mode="keep_ratio", size=size)) for size in (10, 500, 2000)]
    assert costs == sorted(costs)
    assert pixel_cost(ImageHeader("JPEG", 2000, 500), Resize()) > pixel_cost(header, Resize()) > 1000 * 500 * 3
