"""What every script here does alike: the command line, when what happened, and the report. Standard library only.

    SCRIPT --task NAME --where URL --rows N --report FILE [--skip N --state FILE] [--leave at-once | exit]

The report is a dictionary of moments (``time.monotonic``), rows and a checksum. The interpreter is left by ``os._exit``
once it is written, because stock `datasets` may hang at its exit; ``--leave exit`` is how that is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["Reading"]


class Reading:
    """One run: what is asked of it, and what it tells."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {"began_at": time.monotonic()}
        parser = argparse.ArgumentParser()
        for name in ("--task", "--where", "--report"):
            parser.add_argument(name, required=True)
        parser.add_argument("--rows", type=int, default=None)
        parser.add_argument("--skip", type=int, default=0)
        parser.add_argument("--state", type=Path)
        parser.add_argument("--leave", choices=("at-once", "exit"), default="at-once")
        options = parser.parse_args()
        self.task, self.where, self.leave = options.task, options.where, options.leave
        self.rows, self.skip, self.state = options.rows, options.skip, options.state
        self._report = Path(options.report)

    def imported(self) -> None:
        """Everything is imported: memory, CPU and time are counted from here."""
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew, see proc(5)
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.told |= {
            "imported_at": time.monotonic(),
            "import_cpu_s": used.ru_utime + used.ru_stime,
            "import_rss_mb": _status_mb("VmRSS"),
        }

    def first_row(self) -> None:
        """The first row, or batch of rows, is there. Called again it does nothing."""
        if "first_at" not in self.told:
            self.told |= {"first_at": time.monotonic(), "first_peak_mb": _status_mb("VmHWM")}
            if self.task in ("first", "resume"):
                self.told["first_counts"] = _counts()

    def is_enough(self, rows: int) -> bool:
        """Whether that many rows are all that were asked for."""
        return self.rows is not None and rows >= self.rows

    def finish(self, rows: int, checksum: int) -> None:
        """Report, and leave as asked."""
        self.told |= {"ended_at": time.monotonic(), "rows": rows, "checksum": checksum, "peak_mb": _status_mb("VmHWM")}
        unfinished = self._report.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self.told))
        unfinished.rename(self._report)
        if self.leave == "at-once":
            _leave()


def _leave() -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _counts() -> dict[str, Any] | None:
    origin = os.environ.get("LAION_BENCHMARK_HOST")
    if origin is None:
        return None
    with urllib.request.urlopen(f"{origin}/-/counts", timeout=30) as answer:
        counts: dict[str, Any] = json.load(answer)
    return counts


def _status_mb(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"/proc/self/status has no {field}")
