"""Shards at a plain ``https://`` address: range reads over real TLS, no Hub token, refusals as one sentence."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from relaion_shard import parquet, s8_table

from laion_pairs.sample import LoopbackHub

PEM = Path(__file__).parents[1] / "images" / "self_signed.pem"


@pytest.fixture
def web() -> Iterator[LoopbackHub]:
    """A web server with TLS that serves files in ranges; that it is a Hub besides is nobody's business here."""
    server = LoopbackHub().start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    (listener,) = server._listeners
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    server.add_repository("me/web", {"train.parquet": parquet(s8_table(400), 100), "broken.parquet": b"PAR1 no"})
    yield server
    server.stop()


def load(web: LoopbackHub, name: str, code: str) -> subprocess.CompletedProcess[str]:
    """Load in a process of its own: TLS roots are read when the HTTP client is imported."""
    url = f"https://127.0.0.1:{web.port}/datasets/me/web/resolve/main/{name}"
    script = f"import laion_dataset\nload = lambda **more: laion_dataset.load_dataset({url!r}, split='train', "
    script += f"streaming=True, token='hf_secret', **more)\n{code}"
    environment = {**os.environ, "SSL_CERT_FILE": str(PEM), "HF_TOKEN": "hf_secret"}
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)


def test_rows_are_read_in_ranges_without_the_hub_token(web: LoopbackHub) -> None:
    done = load(web, "train.parquet", "print(sum(1 for _ in load(columns=['caption'])))")
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "400"
    asked = [line for line in web.requests() if line.path.endswith("train.parquet")]
    assert any(line.status == 206 for line in asked)
    assert {line.authorization for line in asked} == {None}


@pytest.mark.parametrize(
    ("name", "error", "sentence"),
    [("gone.parquet", "NoShards", "check the address"), ("broken.parquet", "CorruptShard", "broken.parquet")],
)
def test_refusals(web: LoopbackHub, name: str, error: str, sentence: str) -> None:
    done = load(web, name, "list(load())")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"laion_pairs.errors.{error}"), done.stderr[-2000:]
    assert sentence in last


def test_a_host_in_trouble_and_a_certificate_that_is_not_trusted(web: LoopbackHub) -> None:
    web.fail(500, times=100, path_contains="train.parquet")
    done = load(web, "train.parquet", "list(load())")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("laion_pairs.errors.HubUnreachable"), done.stderr[-2000:]
    assert "HTTP 500" in last
    code = (
        "import laion_dataset; "
        f"laion_dataset.load_dataset('https://127.0.0.1:{web.port}/x.parquet', split='train', streaming=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip().splitlines()[-1].startswith("laion_pairs.errors.HubUnreachable"), done.stderr[-2000:]
