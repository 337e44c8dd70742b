"""What every test stands on: a private Hugging Face home, no network beyond loopback, no secrets from outside."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from laion_pairs.sample.hub import LoopbackHub

# Read by huggingface_hub and datasets when they are imported, so set before any test module is.
HF_HOME = tempfile.TemporaryDirectory(prefix="laion-tests-hf-")
HUB = LoopbackHub().start()
os.environ.update(
    HF_HOME=HF_HOME.name,
    HF_DATASETS_CACHE=str(Path(HF_HOME.name, "datasets")),
    HF_HUB_CACHE=str(Path(HF_HOME.name, "hub")),
    HF_HUB_DISABLE_PROGRESS_BARS="1",
    HF_HUB_DISABLE_IMPLICIT_TOKEN="1",
    HF_DATASETS_DISABLE_PROGRESS_BARS="1",
    XDG_CONFIG_HOME=str(Path(HF_HOME.name, "config")),
    **HUB.environment,
)
for name in (
    "HF_TOKEN",
    "LAION_TAKEDOWN",
    "SPAWNING_OPTS_KEY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "ALL_PROXY",
):
    os.environ.pop(name, None)

SHARED_DATA = Path(os.environ.get("LAION_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With LAION_NO_SKIPS set (.ci/run), a test that was skipped is a failure: it was meant to run there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("LAION_NO_SKIPS") and skipped:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.section("skipped where nothing may be skipped")
        for report in skipped:
            reporter.line(f"{report.nodeid}: {report.longrepr}")


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple):  # a Unix socket's path
        return True
    host = str(address[0])
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Python sockets may dial loopback only (libcurl's are judged by the address guard, which has its own tests)."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def local_connect(self: socket.socket, address: object) -> None:
        assert _is_local(address), f"a test dialled {address}: only loopback is allowed"
        connect(self, address)  # type: ignore[arg-type]

    def local_connect_ex(self: socket.socket, address: object) -> int:
        assert _is_local(address), f"a test dialled {address}: only loopback is allowed"
        return connect_ex(self, address)  # type: ignore[arg-type]

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", local_connect)
    patch.setattr(socket.socket, "connect_ex", local_connect_ex)
    yield
    patch.undo()


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    """The Hub that this process's clients talk to (HF_ENDPOINT is read once, at import); empty again for every test."""
    yield HUB
    HUB.reset()
    assert not HUB.errors, HUB.errors


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real sample data beside the checkout; users do not have it."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs the real sample data beside the checkout, and {SHARED_DATA} is not there")
    return SHARED_DATA
