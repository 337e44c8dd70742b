"""Whole processes timed in turn (A B A B …), in wall and CPU seconds, with the median and spread of every figure."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Run", "alternate", "machine", "spread"]


@dataclass(frozen=True)
class Run:
    """One finished process: wall seconds, user + system CPU seconds."""

    wall_s: float
    cpu_s: float


def alternate(
    commands: Mapping[str, Sequence[str]], rounds: int, warm_up: int = 1, **options: object
) -> dict[str, list[Run]]:
    """Run every command once a round, in turn; ``warm_up`` rounds are not counted. A command that fails ends it all."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(warm_up + rounds):
        for name, command in commands.items():
            run = _timed(command, **options)
            if turn >= warm_up:
                runs[name].append(run)
    return runs


def spread(values: Sequence[float], unit: str = "s", digits: int = 3) -> str:
    """``median (min–max)``."""
    return f"{median(values):.{digits}f} {unit} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def machine() -> str:
    """What the figures were measured on."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _timed(command: Sequence[str], **options: object) -> Run:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr, **options)  # type: ignore[call-overload]
    wall_s = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall_s, cpu_s)
