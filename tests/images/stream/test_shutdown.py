"""However an iteration ends, early, by an error, Ctrl-C or with the interpreter, nothing hangs or stays in flight."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time

import pytest
from gallery import Gallery, picture, there

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.stream import download_images

N_ROWS = 200


def _settled(gallery: Gallery) -> int:
    """How many requests came, once no more come."""
    count, quiet = gallery.count(), 0
    while quiet < 5:
        time.sleep(0.1)
        quiet = quiet + 1 if gallery.count() == count else 0
        count = gallery.count()
    return count


@pytest.mark.parametrize("how", ["break", "error", "forgotten"])
def test_an_early_end_ends_the_requests(gallery: Gallery, hurry: DownloadPolicy, how: str) -> None:
    pairs = gallery.pairs(N_ROWS)
    for number in range(1, N_ROWS):
        gallery.slow(number, delay_s=0.3)
    images = download_images(pairs, size=8, policy=hurry, concurrency=16)
    if how == "forgotten":
        rows = iter(images)
        next(rows)
        del rows
        gc.collect()
    else:
        try:
            for _ in images:
                if how == "break":
                    break
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        gc.collect()
    running = gallery.count()
    in_flight = 16  # the server of a busy machine may count these after us
    assert _settled(gallery) <= running + in_flight  # of those that waited for a place in flight, none follows
    gallery.serve("/1.jpg", picture(1))
    assert next(iter(images))["n"] in (0, 1)  # and it can be iterated again


def test_two_iterations_at_once(gallery: Gallery, hurry: DownloadPolicy) -> None:
    pairs = gallery.pairs(20)
    first, second = (download_images(pairs, size=8, policy=hurry) for _ in range(2))
    both = list(zip(first, second, strict=True))
    assert sorted(row["n"] for row, _ in both) == sorted(row["n"] for _, row in both) == there(20)


def test_inside_a_running_event_loop(gallery: Gallery, hurry: DownloadPolicy) -> None:
    import asyncio

    async def cell() -> list[int]:  # as in Jupyter
        return sorted(row["n"] for row in download_images(gallery.pairs(20), size=8, policy=hurry))

    assert asyncio.run(cell()) == there(20)


PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a program in the background does not inherit
import sys
import datasets
from laion_pairs.images import DownloadPolicy
from laion_pairs.images.stream import download_images

base_url, how = sys.argv[1:]
rows = datasets.Dataset.from_dict({"url": [f"{base_url}/{n}.jpg" for n in range(200)]})
waits = {"first_byte_timeout_s": 300.0, "total_timeout_s": 300.0, "min_bytes_per_s": 0}
policy = DownloadPolicy(allow_private=True, host_interval_s=0.0, stop_after_failures=0, **waits)
images = iter(download_images(rows, url_column="url", size=8, policy=policy, concurrency=16))
next(images)
print("running", flush=True)
if how == "interrupted":
    for row in images:
        pass
"""


def _program(gallery: Gallery, how: str) -> subprocess.Popen[str]:
    gallery.urls(N_ROWS)
    for number in range(1, N_ROWS):
        gallery.slow(number, delay_s=300)
    command = [sys.executable, "-c", PROGRAM, gallery.base_url, how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_an_abandoned_iteration_lets_the_interpreter_exit(gallery: Gallery) -> None:
    program = _program(gallery, "abandoned")
    output, errors = program.communicate(timeout=60)  # long before any request ends
    assert (output, errors, program.returncode) == ("running\n", "", 0)


def test_ctrl_c(gallery: Gallery) -> None:
    program = _program(gallery, "interrupted")
    assert program.stdout is not None
    assert program.stdout.readline() == "running\n"
    time.sleep(0.5)
    os.kill(program.pid, signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert program.returncode != 0


@pytest.mark.ci
@pytest.mark.parametrize("try_number", range(20))
def test_twenty_exits_of_twenty(gallery: Gallery, try_number: int) -> None:
    test_an_abandoned_iteration_lets_the_interpreter_exit(gallery)
