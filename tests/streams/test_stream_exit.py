"""However a stream is left, its process ends, at once and quietly; also while requests of it are in the air."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from faulty_hub import Faults, Web
from leave_streams import CHAINS, HOWS, WAITING
from numbered import write_numbered

from laion_pairs.sample import LoopbackHub

CHILD = Path(__file__).parent / "leave_streams.py"
PEM = Path(__file__).parents[1] / "images" / "self_signed.pem"
GUARD_S = 60.0
WHERES = ["local", "hf", "https"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_numbered(tmp_path_factory.mktemp("exit"), [20_000, 3000], row_group_rows=2000)


@pytest.fixture
def https() -> Iterator[Web]:
    """A web server with TLS."""
    server = Web().start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    (listener,) = server._listeners
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    yield server
    server.stop()


def left(times: int, how: str, chain: str, source: list[str]) -> dict[str, Any]:
    """How processes ended that left a stream in that way."""
    if chain == "DataLoader":
        pytest.importorskip("torch", reason="needs PyTorch, which .ci/run installs")
    command = [sys.executable, "-W", "ignore", str(CHILD), str(times), how, chain, str(GUARD_S), *source]
    never = {"HF_HUB_DOWNLOAD_TIMEOUT": "300"}  # no timeout ends what stalls before the guard does
    environment = {**os.environ, **never, "SSL_CERT_FILE": str(PEM)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60 + times * GUARD_S)
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"\n{told['clean']} of {times} processes ended cleanly: {how}, {chain}, {source[0].partition(':')[0][-20:]}")
    return told


def put(where: str, files: list[str], hub: LoopbackHub, https: Web) -> list[str]:
    names = [Path(file).name for file in files]
    if where == "local":
        return [str(Path(files[0]).parent)]
    if where == "hf":
        hub.add_repository("me/left", dict(zip(names, map(Path, files), strict=True)))
        return ["me/left"]
    https.files |= {f"/{name}": Path(file).read_bytes() for name, file in zip(names, files, strict=True)}
    return [f"https://127.0.0.1:{https.port}/{name}" for name in names]


CASES = [case for case in product(WHERES, CHAINS, HOWS) if case[1:] != ("DataLoader", "resumed and left")]
QUICK = [
    ("hf", "plain", "live iterator"),
    ("https", "plain", "ctrl-c"),
    ("local", "map", "live iterator"),
    ("hf", "shuffled rows", "exception"),
]


def check(times: int, case: tuple[str, str, str], files: list[str], hub: LoopbackHub, https: Web) -> None:
    where, chain, how = case
    told = left(times, how, chain, put(where, files, hub, https))
    assert told == {"clean": times, "hung": 0, "left_over": 0, "wrong": []}


@pytest.mark.parametrize("case", QUICK, ids="-".join)
def test_a_process_ends(case: tuple[str, str, str], files: list[str], hub: LoopbackHub, https: Web) -> None:
    check(2, case, files, hub, https)


IN_CI = [case for case in CASES if case[2] == "live iterator" or case[:2] == ("hf", "plain")]


@pytest.mark.parametrize(
    ("case", "tier"),
    [pytest.param(case, "ci", marks=pytest.mark.ci, id=f"{'-'.join(case)}-ci") for case in IN_CI]
    + [pytest.param(case, "soak", marks=pytest.mark.soak, id="-".join(case)) for case in CASES],
)
def test_every_way_to_leave(
    case: tuple[str, str, str], tier: str, files: list[str], hub: LoopbackHub, https: Web
) -> None:
    check(20 if tier == "soak" and case[2] == "live iterator" else 2, case, files, hub, https)


@pytest.mark.parametrize("how", [WAITING[0], pytest.param(WAITING[1], marks=pytest.mark.ci)])
@pytest.mark.parametrize("where", ["hf", "https"])
def test_while_requests_stall(where: str, how: str, tmp_path: Path, hub: LoopbackHub, https: Web) -> None:
    """What is fetched never comes: nobody waits for it."""
    source = put(where, write_numbered(tmp_path, [300_000]), hub, https)
    with Faults(hub if where == "hf" else https) as faults:
        faults.always(lambda answer: replace(answer, delay_s=300.0), after=4)
        told = left(1, how, "plain", source)
        assert faults.asked > 4, "nothing stalled"
    assert told == {"clean": 1, "hung": 0, "left_over": 0, "wrong": []}
