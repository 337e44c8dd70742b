"""The address guard on a network where public addresses and the name server are ours: redirects and rebinding.

Needs root and Linux network namespaces, so it belongs to ``.ci/run``; see public_network.py for the scenes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ci


def _namespaces_work() -> bool:
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        return False
    return subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def scenes():
    if not _namespaces_work():
        pytest.skip("needs root, util-linux's unshare and iproute2 for a network namespace")
    script = Path(__file__).with_name("public_network.py")
    run = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, script], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("scene", ["public", "public over IPv6", "public name", "private to public, private allowed"])
def test_what_is_public_is_fetched(scenes, scene):
    assert scenes[scene]["outcome"] == "ok"


def test_everything_else_is_refused_with_no_byte_sent(scenes):
    allowed = {"public", "public over IPv6", "public name", "private to public, private allowed", "silent name server"}
    allowed.add("private to public to a private connection kept alive")
    refused = {name: told for name, told in scenes.items() if name not in allowed}
    assert len(refused) == 3 * 15 + 7
    for name, told in refused.items():
        assert (name, told["outcome"]) == (name, "forbidden_address")
        assert (name, told["connections"], told["bytes"]) == (name, 0, 0)


def test_redirects_were_followed_up_to_the_refusal(scenes):
    assert scenes["redirect to 127.0.0.1"]["redirects"] == 1
    assert scenes["redirect to inside.example, private allowed"]["redirects"] == 1
    assert scenes["private to public to private"]["redirects"] == 2


def test_rebinding_beats_a_check_before_the_fetch_but_not_the_guard(scenes):
    assert scenes["rebinding"]["checked"] == "93.184.216.34"
    assert scenes["rebinding between two fetches"]["outcome"] == "forbidden_address"
    assert scenes["rebinding"]["outcome"] == "forbidden_address"


def test_a_connection_that_is_kept_alive_is_no_way_in(scenes):
    told = scenes["private to public to a private connection kept alive"]
    assert told == {"outcomes": ["ok", "ok", "forbidden_address"], "requests": 2, "connections": 1}


def test_a_silent_name_server_does_not_hold_a_fetch(scenes):
    assert scenes["silent name server"]["outcome"] == "timed_out"
    assert 0.4 < scenes["silent name server"]["wall_s"] < 1.0
