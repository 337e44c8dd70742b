"""What a download counts: sums that agree over threads, processes and kills; hosts bounded, with the stated error."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from laion_pairs.errors import LedgerError
from laion_pairs.ledger import ImageCounts, Ledger, Outcome
from laion_pairs.ledger import ledger as module
from laion_pairs.ledger.heavy_hosts import OTHER, HeavyHosts


def test_every_counter(tmp_path: Path) -> None:
    counts = ImageCounts(Ledger(tmp_path / "run.ledger"))
    counts.add(Outcome.OK, host="a.example", status=200, trust="verified", n_bytes=100)
    counts.add(Outcome.OK, host="a.example", status=200, trust="unverified", tries=3, n_bytes=50)
    counts.add(Outcome.HTTP_CLIENT_ERROR, host="b.example", status=404)
    counts.add(Outcome.HTTP_CLIENT_ERROR, host="b.example", status=403)
    counts.add(Outcome.DNS_FAILED, host="gone.example", tries=2)
    counts.add(Outcome.OPTED_OUT, host="shy.example", status=200, signal="X-Robots-Tag: noai", n_bytes=7)
    counts.add(Outcome.BAD_URL, host=None)
    counts.add(Outcome.NOT_AN_IMAGE, host="b.example", status=200)
    assert Ledger(tmp_path / "run.ledger").counts() == {}, "nothing is written before the flush"
    counts.flush()
    counts.flush()
    assert Ledger(tmp_path / "run.ledger").counts() == {
        "images": {"ok": 2, "http_client_error": 2, "dns_failed": 1, "opted_out": 1, "bad_url": 1, "not_an_image": 1},
        "http_status": {"404": 1, "403": 1},
        "trust": {"verified": 1, "unverified": 1},
        "opt_out_signals": {"X-Robots-Tag: noai": 1},
        "failing_hosts": {"b.example": 3, "gone.example": 1},
        "retries": {"further_tries": 3, "helped": 1},
        "bytes": {"received": 157},
    }


SECRET_HOST = "secret-host.example"


@pytest.mark.parametrize("outcome", [Outcome.TAKEN_DOWN, Outcome.WITHDRAWN, Outcome.OPTED_OUT, Outcome.OK])
def test_no_host_of_what_must_not_be_listed(tmp_path: Path, outcome: Outcome) -> None:
    counts = ImageCounts(Ledger(tmp_path / "run.ledger"))
    counts.add(outcome, host=SECRET_HOST, status=200)
    counts.flush()
    written = b"".join(part.read_bytes() for part in (tmp_path / "run.ledger").iterdir())
    assert b'"images"' in written
    assert b"secret" not in written


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_counted_as_itself(tmp_path: Path, outcome: Outcome) -> None:
    counts = ImageCounts(Ledger(tmp_path / "run.ledger"))
    counts.add(outcome, host="a.example", status=500, signal="s", trust="t", tries=2)
    counts.flush()
    assert Ledger(tmp_path / "run.ledger").counts()["images"] == {outcome.value: 1}


HOSTS = [
    ("a.example", "a.example"),
    ("xn--exmple-cua.org", "xn--exmple-cua.org"),
    ("under_score.example", "under_score.example"),
    ("127.0.0.1", "127.0.0.1"),
    ("2001:db8::1", "2001:db8::1"),
    ("A.example", OTHER),
    ("exämple.org", OTHER),
    ("a.example/path?key=1", OTHER),
    ("user:password@a.example", OTHER),
    ("a.example\n", OTHER),
    ("\x1b[2J", OTHER),
    ("", OTHER),
    ("a..example", OTHER),
    ("a" * 64, OTHER),
    (".".join(["a" * 63] * 4) + "a", OTHER),
    ("fe80::1%eth0", OTHER),
    ("2001:DB8::1", OTHER),
    ("[::1]", OTHER),
]


@pytest.mark.parametrize(("text", "kept"), HOSTS)
def test_only_host_names_are_kept(text: str, kept: str) -> None:
    hosts = HeavyHosts()
    hosts.add(text)
    assert hosts.counts == {kept: 1}


@given(st.lists(st.sampled_from("aaaaabbbccdefghijklmnop"), max_size=300), st.integers(1, 8))
@example(list("aabbbbbbbbbb"), 1)  # who came first does not stay for ever
@settings(max_examples=200, deadline=None)
def test_hosts_are_bounded_and_as_exact_as_stated(failures: list[str], k: int) -> None:
    hosts = HeavyHosts(max_hosts=k)
    for host in failures:
        hosts.add(host)
    assert len(hosts.counts) <= k
    for host, n in Counter(failures).items():
        assert n - len(failures) / (k + 1) <= hosts.counts.get(host, 0) <= n


def test_the_ledger_follows_hosts_that_displace_others_and_stays_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMPACT_AFTER_BYTES", 50_000)
    ledger = Ledger(tmp_path / "run.ledger")
    counts = ImageCounts(ledger)
    n = 0
    for turn in range(40):
        for number in range(500):
            counts.add(Outcome.DNS_FAILED, host=f"host-{turn}-{number}.example")
            counts.add(Outcome.TIMED_OUT, host="often.example")
            n += 2
        counts.flush()
    kept = ledger.counts()["failing_hosts"]
    assert kept == counts._hosts.counts
    assert len(kept) <= 1000
    assert n / 2 - n / 1001 <= kept["often.example"] <= n / 2
    assert sum(os.path.getsize(part) for part in ledger.parts) < 200_000


def test_words_are_bounded(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run.ledger")
    counts = ImageCounts(ledger)
    for number in range(1000):
        counts.add(Outcome.OPTED_OUT, host=None, signal=f"signal {number}")
    counts.flush()
    signals = ledger.counts()["opt_out_signals"]
    assert len(signals) == 201
    assert signals[OTHER] == 800


def test_nothing_is_lost_while_the_ledger_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("x")
    counts = ImageCounts(Ledger(tmp_path / "in the way" / "run.ledger"))
    counts.add(Outcome.OK, host=None)
    with pytest.raises(LedgerError):
        counts.flush()
    (tmp_path / "in the way").unlink()
    counts.add(Outcome.OK, host=None)
    counts.flush()
    assert Ledger(tmp_path / "in the way" / "run.ledger").counts() == {"images": {"ok": 2}}


def test_threads_count_while_others_flush(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run.ledger")
    counts = ImageCounts(ledger)

    def work() -> None:
        for number in range(2000):
            counts.add(Outcome.TIMED_OUT, host="a.example", tries=2)
            if number % 100 == 0:
                counts.flush()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts.flush()
    assert ledger.counts() == {
        "images": {"timed_out": 8000},
        "retries": {"further_tries": 8000},
        "failing_hosts": {"a.example": 8000},
    }


def _work(path: Path, n: int) -> None:
    counts = ImageCounts(Ledger(path))
    for number in range(n):
        counts.add(Outcome.OK if number % 4 else Outcome.TIMED_OUT, host="a.example", n_bytes=10)
        if number % 50 == 0:
            counts.flush()
    counts.flush()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_four_processes_on_one_ledger(tmp_path: Path, method: str) -> None:
    context = multiprocessing.get_context(method)
    workers = [context.Process(target=_work, args=(tmp_path / "run.ledger", 1000)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert Ledger(tmp_path / "run.ledger").counts() == {
        "images": {"ok": 3000, "timed_out": 1000},
        "failing_hosts": {"a.example": 1000},
        "bytes": {"received": 40_000},
    }


def test_a_forked_child_does_not_write_its_parents_counts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run.ledger")
    counts = ImageCounts(ledger)
    counts.add(Outcome.OK, host=None)
    child = multiprocessing.get_context("fork").Process(target=counts.flush)
    child.start()
    child.join()
    assert child.exitcode == 0
    counts.flush()
    assert ledger.counts() == {"images": {"ok": 1}}


def test_a_killed_process_leaves_flushes_that_agree(tmp_path: Path) -> None:
    code = (
        "import sys; from laion_pairs.ledger import ImageCounts, Ledger, Outcome\n"
        "counts = ImageCounts(Ledger(sys.argv[1]))\n"
        "while True:\n"
        "    for number in range(100):\n"
        "        counts.add(Outcome.TIMED_OUT, host=f'h{number}.example', tries=2, n_bytes=1)\n"
        "    counts.flush(); print(flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "k")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(30):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    counts = Ledger(tmp_path / "k").counts()
    n = counts["images"]["timed_out"]
    assert n >= 3000
    assert n % 100 == 0
    assert counts["retries"] == {"further_tries": n}
    assert counts["bytes"] == {"received": n}
    assert counts["failing_hosts"] == {f"h{number}.example": n // 100 for number in range(100)}
