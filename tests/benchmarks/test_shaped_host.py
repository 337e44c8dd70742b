"""What the benchmark of streams counts and how its host is shaped: the round trips of a known client, exactly."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from exchanges import Exchange, bursts, sequential_round_trips  # type: ignore[import-not-found]
from line import Line  # type: ignore[import-not-found]
from shaped_host import UNSHAPED, Shape, serve_file  # type: ignore[import-not-found]

CONTENT = bytes(range(256)) * 4096
PEM = Path(__file__).parents[1] / "images" / "self_signed.pem"


@pytest.mark.parametrize(
    ("intervals", "round_trips", "stretches"),
    [
        ([], 0, 0),
        ([(0, 1)], 1, 1),
        ([(0, 1), (1, 2), (2, 3)], 3, 3),  # each when the one before had ended
        ([(0, 1), (0, 1), (0, 1)], 1, 1),  # all at once
        ([(0, 10), (1, 2), (3, 4)], 2, 1),  # a long one beside two short ones
        ([(0, 2), (1, 3), (2, 4), (3, 5)], 2, 1),  # a window of two that slides
        ([(0, 1), (2, None), (3, 4)], 2, 2),  # one is still on its way
        ([(0, None), (1, None)], 1, 1),
        ([(3, 4), (0, 1), (1, 2)], 3, 3),  # in any order
    ],
)
def test_round_trips_are_the_longest_chain(
    intervals: list[tuple[float, float | None]], round_trips: int, stretches: int
) -> None:
    exchanges = [Exchange("GET", *interval) for interval in intervals]
    assert (sequential_round_trips(exchanges), bursts(exchanges)) == (round_trips, stretches)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shard.parquet"
    path.write_bytes(CONTENT)
    return path


def get(url: str, first: int, last: int) -> bytes:
    asked = urllib.request.Request(url, headers={"Range": f"bytes={first}-{last}"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status == 206
        return bytes(answer.read())


def test_a_host_counts_requests_bytes_and_chains(file: Path) -> None:
    with serve_file(file, Shape(0.5, 1000.0)) as host:
        assert get(host.web_url, 10, 19) == CONTENT[10:20]
        assert host.counts().requests == 1
        host.forget()
        with ThreadPoolExecutor(4) as pool:
            for _ in range(2):
                parts = list(pool.map(lambda at: get(host.web_url, at, at + 99_999), range(0, 400_000, 100_000)))
                assert b"".join(parts) == CONTENT[:400_000]
                time.sleep(0.3)  # a client may be through before the host has noted that it is
        counts = host.counts()
        assert (counts.requests, counts.sent_bytes, counts.round_trips, counts.bursts) == (8, 800_000, 2, 2)
        assert len(counts.asked) == 8
    with pytest.raises(OSError, match="refused"):
        get(host.web_url, 0, 1)


def test_every_answer_waits_for_the_delay_and_none_without_it(file: Path) -> None:
    with serve_file(file, Shape(0.3, 1000.0)) as host:
        began = time.monotonic()
        get(host.web_url, 0, 9)
        assert time.monotonic() - began >= 0.3
    with serve_file(file, UNSHAPED) as host:
        assert get(host.web_url, 0, len(CONTENT) - 1) == CONTENT
        assert host.counts().round_trips == 1


def test_all_connections_share_one_line(file: Path) -> None:
    with serve_file(file, Shape(0.0, 16.0)) as host, ThreadPoolExecutor(4) as pool:
        began = time.monotonic()
        list(pool.map(lambda at: get(host.web_url, at, at + 249_999), range(0, 1_000_000, 250_000)))
        took_s = time.monotonic() - began
    assert took_s >= 0.4  # a megabyte at 2 MB/s, of which sockets may hold 100 KB


def test_a_sender_that_wakes_up_late_does_not_lose_the_time_of_the_line() -> None:
    line, began = Line(1e6), time.monotonic()
    gone_at = line.carry(1000, began)
    time.sleep(0.05)  # thirty milliseconds late for the next twenty pieces
    for _ in range(20):
        gone_at = line.carry(1000, gone_at)
    assert gone_at == pytest.approx(began + 0.021)


def test_two_senders_at_once_take_as_long_as_one_after_the_other() -> None:
    line, began, gone = Line(1e6), time.monotonic(), []
    threads = [threading.Thread(target=lambda: gone.append(line.carry(10_000, began))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(gone) == pytest.approx([began + 0.01, began + 0.02, began + 0.03])


def test_the_file_is_on_the_hub_and_at_an_https_address(file: Path) -> None:
    with serve_file(file) as host:
        code = (
            "from huggingface_hub import HfFileSystem; "
            "print(HfFileSystem().info('datasets/bench/pairs/shard.parquet')['size'])"
        )
        environment = {**os.environ, **host.environment}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == str(len(CONTENT)), done.stderr[-2000:]
        assert host.counts().requests > 0
    with serve_file(file, tls=PEM) as host:
        assert host.web_url.startswith("https://")
        assert host.counts().requests == 0
