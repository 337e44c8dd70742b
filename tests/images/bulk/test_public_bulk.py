"""The address guard and name look-ups of the bulk path on a network whose public addresses and name server are ours.

Needs root and Linux network namespaces, so it belongs to ``.ci/run``; public_bulk.py has the scenes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from test_public_network import _namespaces_work

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def scenes() -> dict[str, Any]:
    if not _namespaces_work():
        pytest.skip("needs root, util-linux's unshare and iproute2 for a network namespace")
    script = Path(__file__).with_name("public_bulk.py")
    command = ["unshare", "--net", "--mount", sys.executable, str(script)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)  # type: ignore[no-any-return]


def test_a_dead_name_server_stops_the_run_and_is_named(scenes: dict[str, Any]) -> None:
    assert "resolv.conf" in scenes["no name server"]


def test_names_that_nobody_answers_for_hold_no_other_up(scenes: dict[str, Any]) -> None:
    ended = [tuple(pair) for pair in scenes["silent names first"]]
    assert Counter(ended) == {("good", "ok"): 40, ("gone", "dns_failed"): 20, ("silent", "timed_out"): 40} or Counter(
        ended
    ) == {("good", "ok"): 40, ("gone", "dns_failed"): 20, ("silent", "dns_failed"): 40}
    assert {name for name, _ in ended[60:]} == {"silent"}


def test_a_retry_asks_the_name_server_again(scenes: dict[str, Any]) -> None:
    assert scenes["a name that is answered later"] == "ok"


def test_a_name_is_not_asked_for_again_and_again(scenes: dict[str, Any]) -> None:
    assert scenes["one name"] == {"ok": 300}
    assert scenes["one name was asked for"] <= 2 * 16


@pytest.mark.parametrize("scene", ["direct", "redirected", "redirected, private allowed"])
def test_private_addresses_are_not_reached(scenes: dict[str, Any], scene: str) -> None:
    assert Counter(outcome for _, outcome in scenes[scene]) == {"forbidden_address": 39}
    assert scenes["touched"] == [0, 0, 0]


def test_a_name_that_moves_inside_is_refused(scenes: dict[str, Any]) -> None:
    """Remembered as public, or looked up again and refused; dialled inside never."""
    assert scenes["rebinding"][0] == "ok"
    assert set(scenes["rebinding"][1:]) <= {"ok", "forbidden_address"}
    assert scenes["touched after rebinding"] == 0
