"""The ledger: counts of any number of processes, merged on read; nothing is lost, nothing is counted twice."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laion_pairs.errors import LedgerError
from laion_pairs.ledger import Ledger
from laion_pairs.ledger import ledger as module

WORDS = st.text(max_size=8)


def count(ledger: Ledger, times: int) -> None:
    for _ in range(times):
        ledger.add_all({"rows": {"seen": 10, "kept": 7}, "dropped": {"filter": 3}})


@given(st.lists(st.tuples(WORDS, WORDS, st.integers(0, 10**12), st.integers(0, 2)), max_size=30))
@settings(max_examples=50, deadline=None)
def test_counts_are_the_sum_of_what_was_added(tmp_path_factory: pytest.TempPathFactory, added: list) -> None:
    path = tmp_path_factory.mktemp("ledgers") / "run.ledger"
    ledgers = [Ledger(path) for _ in range(3)]
    for counter, reason, n, which in added:
        ledgers[which].add(counter, reason, n)
    expected = Counter({})
    for counter, reason, n, _ in added:
        expected[counter, reason] += n
    found = {(c, r): n for c, reasons in Ledger(path).counts().items() for r, n in reasons.items()}
    assert found == {key: n for key, n in expected.items() if n}
    frame = Ledger(path).to_pandas()
    assert dict(zip(zip(frame.counter, frame.reason, strict=True), frame.n, strict=True)) == found


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_every_process_writes_a_part_of_its_own(tmp_path: Path, method: str) -> None:
    ledger = Ledger(tmp_path / "run.ledger")
    count(ledger, 1)  # the parent has a part open when it forks
    context = multiprocessing.get_context(method)
    workers = [context.Process(target=count, args=(ledger, 20)) for _ in range(3)]
    for worker in workers:
        worker.start()
    count(ledger, 20)
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert ledger.counts() == {"rows": {"seen": 810, "kept": 567}, "dropped": {"filter": 243}}
    assert len(ledger.parts) == 4


def test_threads_of_one_process_share_a_part(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run.ledger")
    count(ledger, 1)
    threads = [threading.Thread(target=count, args=(ledger, 50)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.counts()["rows"] == {"seen": 2010, "kept": 1407}
    assert len(ledger.parts) == 1


def test_a_pickled_ledger_is_the_same_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run.ledger")
    count(ledger, 1)
    copy = pickle.loads(pickle.dumps(ledger))
    count(copy, 1)
    assert copy == ledger
    assert ledger.counts()["rows"]["seen"] == 20


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run.ledger")
    count(ledger, 2)
    whole = ledger.parts[0].read_bytes()
    end_of_first = whole.index(b"\n") + 1
    for kept in range(end_of_first, len(whole)):
        ledger.parts[0].write_bytes(whole[:kept])
        assert ledger.counts()["rows"] == {"seen": 10, "kept": 7}


def test_a_killed_process_leaves_whole_records(tmp_path: Path) -> None:
    code = (
        "import sys; from laion_pairs.ledger import Ledger; ledger = Ledger(sys.argv[1])\n"
        "while True:\n ledger.add_all({'rows': {'seen': 10, 'kept': 7}, 'dropped': {'filter': 3}}); print(flush=True)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "k")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(50):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    counts = Ledger(tmp_path / "k").counts()
    assert counts["rows"]["seen"] >= 500
    assert counts["rows"]["seen"] == counts["rows"]["kept"] + counts["dropped"]["filter"]


def test_damage_inside_a_part_is_an_error(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run.ledger")
    count(ledger, 2)
    ledger.parts[0].write_bytes(b'{"rows": \n' + ledger.parts[0].read_bytes())
    with pytest.raises(LedgerError, match="damaged"):
        ledger.counts()


def test_a_large_part_is_compacted_without_losing_a_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMPACT_AFTER_BYTES", 500)
    ledger = Ledger(tmp_path / "run.ledger")
    count(ledger, 1000)
    assert ledger.counts() == {"rows": {"seen": 10_000, "kept": 7000}, "dropped": {"filter": 3000}}
    assert sum(os.path.getsize(part) for part in ledger.parts) < 1000
    assert len(list(ledger.path.iterdir())) == 1


def test_an_unused_ledger_writes_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run.ledger")
    ledger.add("rows", "seen", 0)
    assert ledger.counts() == {}
    assert ledger.report() == "nothing was counted"
    assert not ledger.path.exists()


def test_a_file_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LedgerError, match="is a file"):
        Ledger(tmp_path / "file")
    ledger = Ledger(tmp_path / "file" / "inside")
    with pytest.raises(LedgerError, match="cannot be written"):
        ledger.add("rows", "seen")


REPORTS = [
    ({"rows": {"seen": 1000, "kept": 700}, "dropped": {"filter": 300}}, "rows: 1,000 seen = 700 kept + 300 dropped"),
    ({"rows": {"seen": 5, "kept": 3}}, "DOES NOT ADD UP: +2"),
    ({"rows": {"skipped": 8}}, "8 more never read"),
    (
        {"rows": {"seen": 9, "filter columns only": 6}, "dropped": {"filter": 9}},
        "9 dropped; of 6 of those dropped, only the columns that filters use were read",
    ),
    ({"fetched": {"ok": 2, "timed_out": 9}}, "fetched: 9 timed_out, 2 ok"),
    ({"trust": {"verified": 2}}, "trust: 2 verified"),
    ({"images": {"ok": 2}}, "images: 2 ok of 2 = 100.0 %"),
    ({"images": {"ok": 7, "timed_out": 2, "bad_url": 1}}, "images: 7 ok of 10 = 70.0 %"),
    ({"images": {"ok": 7, "timed_out": 2, "bad_url": 1}}, "not ok: 2 timed_out (20.0 %), 1 bad_url (10.0 %)"),
    ({"images": {"ok": 7}, "bytes": {"received": 1_234_567}}, "7 ok of 7 = 100.0 %; 1.2 MB received"),
    ({"images": {"http_client_error": 3}, "http_status": {"403": 1, "404": 2}}, "by HTTP status: 2 404, 1 403"),
    ({"images": {"opted_out": 3}, "opt_out_signals": {"X-Robots-Tag: noai": 3}}, "opt-outs: 3 X-Robots-Tag: noai"),
    ({"images": {"ok": 3}, "retries": {"further_tries": 5, "helped": 2}}, "retries: 5; 2 images ok by them"),
    ({"images": {"dns_failed": 300}}, "likely cause: host names do not resolve"),
    ({"images": {"timed_out": 9}, "failing_hosts": {f"h{n:02}": 1 for n in range(11)}}, "1 h08, 1 h09"),
    ({"images": {"timed_out": 9}, "failing_hosts": {"a\x1b[2J\u202e": 9}}, "failing hosts: 9 a\\x1b[2J\\u202e"),
    ({"images": {"timed_out": 5005}, "failing_hosts": {"a": 9}}, "failing hosts: 9 a (each up to 4 more)"),
]


@pytest.mark.parametrize(("counts", "line"), REPORTS)
def test_report(tmp_path: Path, counts: dict, line: str) -> None:
    ledger = Ledger(tmp_path / "run.ledger")
    ledger.add_all(counts)
    assert line in ledger.report()


def test_a_report_names_ten_hosts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run.ledger")
    ledger.add_all({"images": {"timed_out": 20}, "failing_hosts": {f"h{n:02}.example": 1 for n in range(20)}})
    assert "h09.example" in ledger.report()
    assert "h10.example" not in ledger.report()
