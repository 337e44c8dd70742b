"""One process and all its descendants, measured from outside: wall, CPU and memory. Linux; reads ``/proc``.

CPU is user + system of the whole tree, dead children included. Memory is the peak of the tree's summed ``VmHWM``
(``ru_maxrss`` would be the parent's where the child is smaller); pages that processes share count in each of them.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Measured", "measure"]

#: Seconds between two looks at the tree. A process keeps its own high-water mark, so that few looks are enough.
_LOOK_EVERY_S = 0.1
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """What one run cost. ``began_at`` is ``time.time()`` at its start; ``failure`` says why it did not end well."""

    began_at: float
    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    failure: str = ""


def measure(command: Sequence[str], environment: Mapping[str, str], log: Path, limit_s: float) -> Measured:
    """Run ``command`` in a session of its own until it ends or ``limit_s`` is over; nothing of it is left running.

    What it prints goes to ``log``; the last line of it is told when the command fails.
    """
    began_at, began = time.time(), time.perf_counter()
    failure, peak_mb, seen_cpu_s = "", 0.0, 0.0
    with log.open("wb") as printed:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        ended = os.pidfd_open(process.pid)
        try:
            waiting = select.poll()
            waiting.register(ended, select.POLLIN)
            while not waiting.poll(_LOOK_EVERY_S * 1000):
                tree = list(_tree(process.pid))
                peak_mb = max(peak_mb, sum(_peak_rss_mb(pid) for pid in tree))
                seen_cpu_s = max(seen_cpu_s, sum(_cpu_s(pid) for pid in tree))
                if time.perf_counter() - began > limit_s:
                    failure = f"did not finish in {limit_s:g} s"
                    os.killpg(process.pid, signal.SIGKILL)
            wall_s = time.perf_counter() - began
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            os.close(ended)
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode and not failure:
        failure = f"ended with {process.returncode}: {_last_line(log)}"
    cpu_s = max(usage.ru_utime + usage.ru_stime, seen_cpu_s)
    return Measured(began_at, wall_s, cpu_s, peak_mb, failure)


def _tree(session: int) -> Iterator[int]:
    """The processes of a session, orphans included."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(int(name))
            if fields and int(fields[3]) == session:
                yield int(name)


def _stat(pid: int) -> list[str]:
    """``/proc/PID/stat`` from the state on (field 3 of proc(5)); empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_s(pid: int) -> float:
    """User and system time of the process and of the children it has waited for: fields 14–17 of proc(5)."""
    return sum(map(int, _stat(pid)[11:15])) / _TICKS_PER_S


def _peak_rss_mb(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "nothing printed"
