"""What goes wrong around a download: a consumer that stops, waits, forks or is interrupted, a ledger on a full disk."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from crowd import fetch_all, outcomes, policy
from hostile_host import HostileHost, answer, picture

from laion_pairs.errors import LedgerError
from laion_pairs.images.bulk import Job, Settings, download
from laion_pairs.images.pixels import Resize
from laion_pairs.ledger import Ledger
from laion_pairs.sample.image_host import ImageHost

PNG = picture("PNG", (64, 48))
FD = Path("/proc/self/fd")
HAS_PROC = pytest.mark.skipif(not FD.is_dir(), reason="counts open files in /proc, which only Linux has")


@pytest.fixture(scope="module")
def host() -> Iterator[ImageHost]:
    with ImageHost([f"127.0.8.{n}" for n in range(1, 9)]) as host:
        host.serve("/a.png", PNG)
        host.silent("/silent.png")
        host.gone("/gone.png")
        yield host


def mixed(host: ImageHost, n: int, seed: int = 0) -> list[str]:
    dice = random.Random(seed)
    paths = dice.choices(["/a.png", "/gone.png", "/silent.png"], [12, 2, 1], k=n)
    return [host.url(path, dice.choice(host.addresses)) for path in paths]


def settle(measure: object, at_most: int, seconds: float = 10.0) -> int:
    """What ``measure`` gives once it is at most ``at_most``, or at the end of a generous wait."""
    end_s = time.monotonic() + seconds
    while (n := measure()) > at_most and time.monotonic() < end_s:  # type: ignore[operator]
        time.sleep(0.02)
    return n


def descriptors() -> int:
    """Open files, without the sockets of the host in this process, whose threads close them when they like."""
    n = 0
    for fd in os.listdir(FD):
        try:
            target = os.readlink(FD / fd)
        except OSError:
            continue
        n += not target.startswith("socket:")
    return n


def own_threads() -> int:
    """Threads, without those of the host in this process."""
    return sum("process_request" not in thread.name for thread in threading.enumerate())


@HAS_PROC
@pytest.mark.parametrize("stops", [10, pytest.param(50, marks=pytest.mark.ci)])
def test_early_stops_at_random_moments_leave_nothing_behind(host: ImageHost, tmp_path: Path, stops: int) -> None:
    dice = random.Random(2)

    def once() -> None:
        settings = Settings(policy=policy(), resize=Resize(size=32), ledger=str(tmp_path / "l"), concurrency=32)
        stream = download((Job(url) for url in mixed(host, 100, dice.randrange(99))), settings)
        for _ in range(dice.randrange(20)):
            next(stream)
        stream.close()

    for _ in range(5):
        once()
    threads, files = own_threads(), descriptors()
    for _ in range(stops):
        once()
    assert settle(own_threads, threads) <= threads
    assert settle(descriptors, files) <= files + 2


def test_a_stream_that_is_forgotten_lets_the_process_exit(host: ImageHost) -> None:
    code = """
        import sys
        from laion_pairs.images import DownloadPolicy
        from laion_pairs.images.bulk import Job, Settings, download
        jobs = (Job(url) for url in sys.argv[1:])
        stream = download(jobs, Settings(policy=DownloadPolicy(allow_private=True, max_retries=0)))
        print(next(stream).outcome)
    """
    urls = [host.url("/a.png"), *[host.url("/silent.png", address) for address in host.addresses] * 3]
    start_s = time.monotonic()
    run = run_code(code, *urls)
    assert run.stdout.split() == ["ok"], run.stderr
    assert run.stderr == ""
    assert time.monotonic() - start_s < 9, "the exit waited for silent hosts"


def run_code(code: str, *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)


def test_an_error_in_the_jobs_is_the_consumers_own(host: ImageHost) -> None:
    def jobs() -> Iterator[Job]:
        for _ in range(20):
            yield Job(host.url("/a.png"))
        raise ZeroDivisionError("the caller's own")

    with pytest.raises(ZeroDivisionError, match="own"):
        list(download(jobs(), Settings(policy=policy())))
    assert outcomes(fetch_all([host.url("/a.png")])) == {"ok": 1}


def test_jobs_are_pulled_as_they_are_needed_and_in_the_callers_thread(host: ImageHost) -> None:
    """A consumer that stops pulling stops the rows, too: nothing runs away with an endless iterator."""
    pulled, threads = [], set()

    def endless() -> Iterator[Job]:
        while True:
            pulled.append(1)
            threads.add(threading.get_ident())
            yield Job(host.url("/a.png"))

    stream = download(endless(), Settings(policy=policy(), concurrency=16))
    for _ in range(50):
        next(stream)
    time.sleep(0.3)
    before = len(pulled)
    time.sleep(0.3)
    assert len(pulled) == before
    assert before < 50 + 16 * 40
    stream.close()
    assert threads == {threading.get_ident()}


def test_a_consumer_slower_than_the_network(host: ImageHost) -> None:
    settings = Settings(policy=policy(), resize=Resize(size=32), concurrency=64)
    n = 0
    for done in download((Job(host.url("/a.png", a)) for a in host.addresses * 25), settings):
        assert done.pixels is not None
        assert done.pixels.shape == (32, 32, 3)
        n += 1
        time.sleep(0.003)
    assert n == 200


def test_while_the_budget_is_spent_what_is_in_flight_is_still_read() -> None:
    """The first image in order comes late, with free slots and jobs left: nobody's time runs out."""
    with ImageHost() as host:
        host.serve("/fast.png", PNG)
        host.serve("/slow.png", PNG, delay_s=0.5)
        urls = [host.url(path) for path in ["/slow.png", *["/fast.png"] * 200]]
        tight = policy(max_bytes_in_flight=64 * 48 * 3, first_byte_timeout_s=2.0, requests_per_host=16)
        done = fetch_all(urls, tight, ordered=True, resize=Resize(mode="no"), concurrency=64)
        assert outcomes(done) == {"ok": 201}


MANY_SMALL_RUNS = """
import sys
from laion_pairs.images import DownloadPolicy
from laion_pairs.images.bulk import Job, Settings, download
from laion_pairs.images.pixels import Resize
body = sys.stdin.buffer.read()
settings = Settings(policy=DownloadPolicy(), resize=Resize(size=16))
for n in range(300):
    jobs = [Job(None, stored=body, tag=tag) for tag in range(n % 7 + 1)]
    assert {done.tag for done in download(jobs, settings)} == set(range(len(jobs)))
"""


def test_no_thread_sits_on_a_picture_that_is_done() -> None:
    """Pictures are handed on several at once, but never held back for more to come."""
    run = [sys.executable, "-c", MANY_SMALL_RUNS]
    done = subprocess.run(run, input=picture("JPEG", (64, 48)), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_in_a_running_event_loop(host: ImageHost) -> None:
    async def cell() -> dict[str, int]:
        return outcomes(fetch_all([host.url("/a.png")] * 20))

    assert asyncio.run(cell()) == {"ok": 20}


def test_several_at_once_in_threads(host: ImageHost, tmp_path: Path) -> None:
    results: list[dict[str, int]] = []

    def work() -> None:
        urls = [host.url(path, a) for a in host.addresses for path in ("/a.png", "/gone.png") * 4]
        results.append(outcomes(fetch_all(urls, ledger=str(tmp_path / "l"))))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [{"ok": 32, "http_client_error": 32}] * 4
    assert Ledger(tmp_path / "l").counts()["images"] == {"ok": 128, "http_client_error": 128}


def _in_a_child(url: str, ledger: str) -> None:
    done = fetch_all([url] * 30, ledger=ledger)
    assert outcomes(done) == {"ok": 30}, outcomes(done)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_children_download_on_their_own_also_in_the_middle_of_a_download(
    host: ImageHost, tmp_path: Path
) -> None:
    ledger = str(tmp_path / "l")
    url = host.url("/a.png")
    settings = Settings(policy=policy(), ledger=ledger, concurrency=8)
    stream = download((Job(url) for _ in range(60)), settings)
    taken = [next(stream) for _ in range(10)]
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_in_a_child, args=(url, ledger)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    taken += list(stream)
    assert outcomes(taken) == {"ok": 60}
    assert Ledger(ledger).counts()["images"] == {"ok": 120}


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(["/a.png"], id="busy"),
        pytest.param(["/silent.png"], id="waiting", marks=pytest.mark.ci),
    ],
)
def test_control_c_ends_it_at_once(host: ImageHost, tmp_path: Path, paths: list[str]) -> None:
    code = """
        import itertools, signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background inherits a deaf ear
        from laion_pairs.images import DownloadPolicy
        from laion_pairs.images.bulk import Job, Settings, download
        policy = DownloadPolicy(allow_private=True, host_interval_s=0, max_retries=0, stop_after_failures=0)
        jobs = (Job(url) for url in itertools.cycle(sys.argv[2:]))
        print("started", flush=True)
        try:
            for done in download(jobs, Settings(policy=policy, ledger=sys.argv[1], concurrency=32)):
                pass
        except KeyboardInterrupt:
            print("interrupted")
    """
    urls = [host.url(path, address) for address in host.addresses for path in paths]
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "l"), *urls]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    before, end_s = host.count(), time.monotonic() + 30
    while host.count() < before + 8 and time.monotonic() < end_s:  # requests are on their way
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == ("interrupted\n", "", 0)
    if paths == ["/a.png"]:
        assert Ledger(tmp_path / "l").counts()["images"]["ok"] > 0


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
def test_a_ledger_that_cannot_be_written_ends_the_download_in_one_sentence(host: ImageHost, tmp_path: Path) -> None:
    """A full disk, as a limit on the size of files: what was written before can be read, and nothing hangs."""
    code = """
        import itertools, resource, signal, sys
        from laion_pairs.errors import LedgerError
        from laion_pairs.images import DownloadPolicy
        from laion_pairs.images.bulk import Job, Settings, download
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        policy = DownloadPolicy(allow_private=True, host_interval_s=0, max_retries=0)
        jobs = (Job(sys.argv[2]) for _ in itertools.count())
        try:
            for done in download(jobs, Settings(policy=policy, ledger=sys.argv[1])):
                pass
        except LedgerError as error:
            print(error)
    """
    run = run_code(code, str(tmp_path / "l"), host.url("/a.png"))
    assert "cannot be written" in run.stdout, run.stderr
    assert run.stderr == ""
    assert Ledger(tmp_path / "l").counts()["images"]["ok"] > 0


def test_a_ledger_in_an_impossible_place_is_told(host: ImageHost, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LedgerError):
        fetch_all([host.url("/a.png")] * 5, ledger=str(tmp_path / "file" / "l"))


def test_a_host_that_dies_in_the_middle() -> None:
    with HostileHost({"/": answer(200, PNG)}) as other, ImageHost(["127.0.9.1"]) as dying:
        dying.serve("/a.png", PNG, delay_s=0.01)
        urls = [dying.url("/a.png"), other.url()] * 100
        stream = download((Job(url, tag=url) for url in urls), Settings(policy=policy(), concurrency=8))
        done = [next(stream) for _ in range(40)]
        dying.stop()
        done += list(stream)
    of_other = [one for one in done if one.tag == other.url()]
    assert outcomes(of_other) == {"ok": 100}
    assert len(done) == 200
    assert set(outcomes(done)) == {"ok", "connect_failed"}
