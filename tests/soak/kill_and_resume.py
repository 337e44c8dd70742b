"""A child of test_download_soak.py: downloads are killed at random moments and resumed; prints what was wrong.

python kill_and_resume.py KILLS ORDERED FOLDER HOST…

A run is a journal, to which delivered rows are appended, and a state, which names the journal's length at the moment
when it was taken. Every attempt is a forked process (the imports are paid once): it cuts the journal to that length,
loads the state and goes on, until this process kills it with SIGKILL or it comes to its end. Then the journal must hold
every good row exactly once.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import signal
import sys
import time
from pathlib import Path

import datasets

import laion_dataset

N_ROWS = 1500


def pairs(hosts: list[str]) -> datasets.IterableDataset:
    """Half good, half of all that can go wrong quickly; in four shards."""
    paths = ["ok", "gone", "ok", "page", "moved", "shy", "ok", "failing"]
    urls = [f"http://{hosts[n % len(hosts)]}/{paths[n % 8]}/{n}.png" for n in range(N_ROWS)]
    rows = datasets.Dataset.from_dict({"url": urls, "n": list(range(N_ROWS))})
    return rows.to_iterable_dataset(num_shards=4)


GOOD = [n for n in range(N_ROWS) if n % 8 in (0, 2, 4, 6)]


def attempt(folder: Path, ordered: bool, hosts: list[str], seed: int) -> None:
    """Resume, deliver into the journal, save the state now and then; slowly enough to be killed at any moment."""
    dice = random.Random(seed)
    policy = laion_dataset.DownloadPolicy(
        allow_private=True, host_interval_s=0.0, max_retries=0, breaker_failures=10**9, stop_after_failures=0
    )
    images = laion_dataset.download_images(
        pairs(hosts), url_column="url", size=8, decode="numpy", ordered=ordered, concurrency=64, policy=policy
    )
    state_file, journal_file = folder / "state", folder / "journal"
    length = 0
    if state_file.exists():
        state, length = pickle.loads(state_file.read_bytes())
        images.load_state_dict(state)
    with journal_file.open("ab") as journal:
        journal.truncate(length)
        for row in images:
            journal.write(b"%d\n" % row["n"])
            if dice.random() < 0.1:
                journal.flush()
                length = os.fstat(journal.fileno()).st_size
                fresh = folder / "state.tmp"
                fresh.write_bytes(pickle.dumps((images.state_dict(), length)))
                fresh.replace(state_file)
            time.sleep(dice.random() * 0.002)


def killed(pid: int, after_s: float) -> bool:
    """Whether the child was still there to be killed."""
    end_s = time.monotonic() + after_s
    while time.monotonic() < end_s:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert status == 0, f"an attempt failed: {status}"
            return False
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def main(kills: int, ordered: bool, folder: Path, hosts: list[str]) -> None:
    dice = random.Random(kills)
    told = {"kills": 0, "complete_runs": 0, "wrong_runs": [], "attempts": 0}
    while told["kills"] < kills or not told["complete_runs"]:
        for name in ("state", "journal"):
            (folder / name).unlink(missing_ok=True)
        alive = True
        while alive:
            told["attempts"] += 1
            pid = os.fork()
            if pid == 0:
                try:
                    attempt(folder, ordered, hosts, told["attempts"])
                    os._exit(0)
                except BaseException:
                    sys.excepthook(*sys.exc_info())
                    os._exit(1)
            after_s = dice.random() * 0.5 if told["kills"] < kills else 600.0
            alive = killed(pid, after_s)
            told["kills"] += alive
        delivered = [int(line) for line in (folder / "journal").read_text().split()]
        told["complete_runs"] += 1
        if sorted(delivered) != GOOD or (ordered and delivered != GOOD):
            told["wrong_runs"].append(
                {
                    "lost": sorted(set(GOOD) - set(delivered))[:20],
                    "doubled": sorted({n for n in delivered if delivered.count(n) > 1})[:20],
                }
            )
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), bool(int(sys.argv[2])), Path(sys.argv[3]), sys.argv[4:])
