"""A child of test_stream_exit.py: leaves a stream in one way, many times, and prints how its processes ended.

python leave_streams.py TIMES HOW CHAIN GUARD_S SOURCE...

Each time is a forked process in a session of its own (the imports are paid once), which leaves the stream and then ends
as any program does: through the interpreter's own end. What it printed, how it ended and whether a process of its
session was left is told. The source is what `load_dataset` is asked for: a folder, a repository, or addresses.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import laion_dataset

HOWS = ["break at row 1", "break in a batch", "exception", "ctrl-c", "live iterator", "thread", "resumed and left"]
WAITING = ["ctrl-c while it waits", "ended while a thread waits"]
"""For a host that stalls after the first rows."""
CHAINS = ["plain", "map", "shuffle", "shuffled rows", "arrow", "DataLoader"]


def upper(row: dict[str, Any]) -> dict[str, Any]:
    return {"caption": row["caption"].upper()}


def only_ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["pair_id"] for row in rows]


def stream(chain: str, source: list[str]) -> Any:
    where = {"path": source[0]} if "://" not in source[0] else {"data_files": source}
    rows: Any = laion_dataset.load_dataset(**where, split="train", streaming=True)
    if chain == "map":
        return rows.map(upper)
    if chain == "shuffle":
        return rows.shuffle(seed=0, buffer_size=20)
    if chain == "shuffled rows":
        return laion_dataset.shuffle(rows, window_rows=100)
    if chain == "arrow":
        return rows.with_format("arrow")
    if chain == "DataLoader":
        from torch.utils.data import DataLoader

        return DataLoader(rows, batch_size=2, num_workers=2, collate_fn=only_ids, multiprocessing_context="fork")
    return rows


def take(rows: Any, count: int) -> None:
    for number, _ in enumerate(rows, 1):
        if number == count:
            break


def fail(rows: Any) -> None:
    for _ in rows:
        raise ZeroDivisionError("the training had a bug")


def leave(how: str, chain: str, source: list[str]) -> None:
    """Ends in a KeyboardInterrupt or ZeroDivisionError where that is how."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a program in the background does not inherit
    rows = stream(chain, source)
    if how == "break at row 1":
        take(rows, 1)
    elif how == "break in a batch":
        take(rows, 3)
    elif how == "exception":
        fail(rows)
    elif how == "ctrl-c":
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        while True:
            take(rows, 1 << 60)
    elif how == "ctrl-c while it waits":
        threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        take(rows, 1 << 60)
    elif how == "ended while a thread waits":
        threading.Thread(target=take, args=(rows, 1 << 60), daemon=True).start()
        time.sleep(2.0)
    elif how == "live iterator":
        global live
        live = iter(rows)
        next(live)
    elif how == "thread":
        thread = threading.Thread(target=take, args=(rows, 3))
        thread.start()
        thread.join()
    elif how == "resumed and left":
        take(rows, 3)
        state = rows.state_dict()
        rows = stream(chain, source)
        rows.load_state_dict(state)
        take(rows, 3)


live: Any = None
EXPECTED = {"exception": "ZeroDivisionError", "ctrl-c": "KeyboardInterrupt", WAITING[0]: "KeyboardInterrupt"}


def ended(pid: int, guard_s: float) -> int | None:
    """The exit status, or None where it had to be killed."""
    end_s = time.monotonic() + guard_s
    while time.monotonic() < end_s:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def left_over(group: int) -> bool:
    """Whether a process of that group is still there after a while."""
    end_s = time.monotonic() + 20
    while time.monotonic() < end_s:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.02)
    return True


def main() -> None:
    times, how, chain, guard_s = int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
    if find_spec("torch"):
        import_module("torch.utils.data")  # which `datasets` does, if it is there, in each of them
    told: dict[str, Any] = {"clean": 0, "hung": 0, "left_over": 0, "wrong": []}
    for _ in range(times):
        read_end, write_end = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            os.close(read_end)
            os.dup2(write_end, 2)
            leave(how, chain, sys.argv[5:])
            return  # to the end of the program
        os.close(write_end)
        status = ended(pid, guard_s)
        told["hung"] += status is None
        told["left_over"] += left_over(pid)
        with os.fdopen(read_end) as pipe:
            errors = pipe.read().strip()
        last = errors.splitlines()[-1].partition(":")[0] if errors else ""
        good = last == EXPECTED.get(how, "") and (status not in (0, None)) == (how in EXPECTED)
        told["clean"] += good
        if not good and len(told["wrong"]) < 3:
            told["wrong"].append({"status": status, "errors": errors[-1500:]})
    print(json.dumps(told))


if __name__ == "__main__":
    main()
