"""A child of test_stream_kills.py: a training process is killed at random moments and resumed; prints what was wrong.

python train_and_die.py KILLS HOW FOLDER N_ROWS DATA_FILE…

HOW is plain, filtered, shuffled or "shuffled rows" (`laion_dataset.shuffle`). A run is a journal, to which every batch
that was trained on is appended, and a state, which names the journal's length at the moment when it was taken. Every
attempt is a forked process with four workers (the imports are paid once): it cuts the journal to that length, loads the
state and goes on, until the whole of it, or only its first process, is killed with SIGKILL. Then the journal must hold
every row exactly once.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torchdata.stateful_dataloader import StatefulDataLoader

import laion_dataset

WORKERS = 4
WIDE = 50


def numbers_only(rows: list[dict[str, Any]]) -> list[int]:
    return [row["pair_id"] for row in rows]


def loader(how: str, files: list[str]) -> StatefulDataLoader:
    filters = [("width", ">", WIDE)] if how == "filtered" else None
    rows = laion_dataset.load_dataset(
        data_files=files, split="train", streaming=True, columns=["pair_id", "width"], filters=filters
    )
    if how == "shuffled":
        rows = rows.shuffle(seed=5, buffer_size=1)  # the order of shards and row groups
    if how == "shuffled rows":
        rows = laion_dataset.shuffle(rows, seed=5, window_rows=100)
    return StatefulDataLoader(
        rows,
        batch_size=16,
        num_workers=WORKERS,
        collate_fn=numbers_only,
        multiprocessing_context="fork",
        snapshot_every_n_steps=1,
    )


def attempt(folder: Path, how: str, files: list[str], seed: int) -> None:
    """Resume, train, save the state now and then; slowly enough to be killed at any moment."""
    torch.set_num_threads(1)
    dice = random.Random(seed)
    batches = loader(how, files)
    state_file, journal_file = folder / "state", folder / "journal"
    length = 0
    if state_file.exists():
        state, length = torch.load(state_file, weights_only=False)
        batches.load_state_dict(state)
    with journal_file.open("ab") as journal:
        journal.truncate(length)
        for batch in batches:
            journal.write(b"".join(b"%d\n" % number for number in batch))
            if dice.random() < 0.3:
                journal.flush()
                fresh = folder / "state.tmp"
                torch.save((batches.state_dict(), os.fstat(journal.fileno()).st_size), fresh)
                fresh.replace(state_file)
            time.sleep(dice.random() * 0.01)


def killed(pid: int, after_s: float, whole: bool) -> bool:
    """Whether the training process was still there to be killed."""
    end_s = time.monotonic() + after_s
    while time.monotonic() < end_s:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert status == 0, f"an attempt failed: {status}"
            return False
        time.sleep(0.005)
    if whole:
        os.killpg(pid, signal.SIGKILL)
    else:
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def left_over(groups: list[int]) -> list[int]:
    """Process groups that still have a member: workers whose parent was killed see it within a few seconds."""
    end_s = time.monotonic() + 60
    alive = groups
    while alive and time.monotonic() < end_s:
        alive = [group for group in alive if exists(group)]
        time.sleep(0.2)
    return alive


def exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def main(kills: int, how: str, folder: Path, n_rows: int, files: list[str]) -> None:
    dice = random.Random(kills)
    wanted = [n for n in range(n_rows) if how != "filtered" or n % 100 + 1 > WIDE]
    told: dict[str, Any] = {"kills": 0, "complete_runs": 0, "wrong_runs": [], "attempts": 0}
    groups: list[int] = []
    while told["kills"] < kills or not told["complete_runs"]:
        for name in ("state", "journal"):
            (folder / name).unlink(missing_ok=True)
        alive = True
        while alive:
            told["attempts"] += 1
            pid = os.fork()
            if pid == 0:
                try:
                    os.setpgid(0, 0)
                    attempt(folder, how, files, told["attempts"])
                    os._exit(0)
                except BaseException:
                    sys.excepthook(*sys.exc_info())
                    os._exit(1)
            groups.append(pid)
            after_s = 0.1 + dice.random() * 0.8 if told["kills"] < kills else 600.0
            alive = killed(pid, after_s, whole=dice.random() < 0.7)
            told["kills"] += alive
        trained = [int(line) for line in (folder / "journal").read_text().split()]
        told["complete_runs"] += 1
        if sorted(trained) != wanted:
            lost = sorted(set(wanted) - set(trained))
            doubled = sorted({n for n in trained if trained.count(n) > 1})
            told["wrong_runs"].append({"lost": lost[:20], "doubled": doubled[:20], "n": [len(lost), len(doubled)]})
    told["left_over"] = left_over(groups)
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
