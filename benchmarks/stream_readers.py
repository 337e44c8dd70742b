"""Who reads, in which virtual environment, and one run of it in a fresh process. See ``readers/``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contestants import ENVIRONMENT, python_of
from measured import Measured, measure
from shaped_host import HUB_PATH, Counts, RunningHost

__all__ = ["DAFT", "Arena", "Reader", "Run", "readers_of"]

_READERS = Path(__file__).with_name("readers")


@dataclass(frozen=True)
class Reader:
    """One tool in one environment. ``torch_venv`` is where it is run for tasks that need torch; None: it is not."""

    name: str
    script: str
    venv: str
    torch_venv: str | None = None
    module: str = ""

    @property
    def is_ours(self) -> bool:
        return self.script == "laion_reader.py"


DAFT = Reader("Daft", "daft_reader.py", "daft", module="daft")
_VENVS = {"newest": ("laion", "torch"), "3.6": ("old", None)}


def readers_of(versions: Sequence[str], with_daft: bool) -> list[Reader]:
    """Ours and stock `datasets` on each version of it, and Daft."""
    readers = []
    for version in versions:
        venv, torch_venv = _VENVS[version]
        readers.append(Reader(f"laion-dataset, {version}", "laion_reader.py", venv, torch_venv, "laion_dataset"))
        readers.append(Reader(f"datasets {version}", "stock_reader.py", venv, torch_venv, "datasets"))
    return [*readers, DAFT] if with_daft else readers


@dataclass(frozen=True)
class Run:
    """One finished run: what the process cost, and what the reader told of it."""

    cost: Measured
    told: dict[str, Any]

    @property
    def failure(self) -> str:
        return self.cost.failure

    @property
    def first_s(self) -> float:
        """From everything imported to the first row."""
        return float(self.told["first_at"] - self.told["imported_at"])

    @property
    def wall_s(self) -> float:
        """From everything imported to the last row."""
        return float(self.told["ended_at"] - self.told["imported_at"])

    @property
    def rows_per_s(self) -> float:
        return float(self.told["rows"] / self.wall_s)

    @property
    def cpu_us_a_row(self) -> float:
        """Of the process and its children, without the import."""
        return float((self.cost.cpu_s - self.told["import_cpu_s"]) * 1e6 / self.told["rows"])

    @property
    def peak_mb(self) -> float:
        """Of the reader's own process, above what it had when everything was imported."""
        return float(self.told["peak_mb"] - self.told["import_rss_mb"])

    @property
    def first_peak_mb(self) -> float:
        """The same, until the first row."""
        return float(self.told["first_peak_mb"] - self.told["import_rss_mb"])

    @property
    def counts(self) -> Counts:
        """What the host had sent when the first row was there."""
        return Counts(**self.told["first_counts"])

    @property
    def answer(self) -> tuple[int, int]:
        """Rows and checksum: what must be everybody's."""
        return self.told["rows"], self.told["checksum"]


class Arena:
    """Runs readers, each run in a fresh process with a home of its own."""

    def __init__(self, venvs: Path, scratch: Path, limit_s: float) -> None:
        self.venvs, self.scratch, self.limit_s = venvs, scratch, limit_s

    def python(self, reader: Reader, task: str = "") -> Path:
        """The interpreter that runs a task."""
        return python_of(reader.torch_venv if reader.torch_venv and _needs_torch(task) else reader.venv, self.venvs)

    def can(self, reader: Reader, task: str) -> bool:
        """Whether it has such a task at all: only ours has images, Daft's are few, not every environment has torch."""
        if task.endswith("-image") and not reader.is_ours:
            return False
        if reader is DAFT:
            return task in ("first", "check", "arrow", "dicts", "filter")
        return not _needs_torch(task) or reader.torch_venv is not None

    def run(
        self, reader: Reader, task: str, where: RunningHost | Path, *more: str, limit_s: float | None = None
    ) -> Run:
        """One run. A failure is in ``cost.failure``; if it came after the report, the report is there too."""
        own = Path(tempfile.mkdtemp(dir=self.scratch))
        report = own / "report.json"
        environment = {**os.environ, **ENVIRONMENT, "HF_HOME": str(own / "hf"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        if isinstance(where, RunningHost):
            where.forget()
            environment |= where.environment
        command = [str(self.python(reader, task)), str(_READERS / reader.script), "--task", task]
        command += ["--where", _address(reader, where), "--report", str(report), *more]
        try:
            cost = measure(command, environment, own / "log.txt", limit_s or self.limit_s)
            return Run(cost, json.loads(report.read_text()) if report.exists() else {})
        finally:
            shutil.rmtree(own, ignore_errors=True)

    def versions(self, reader: Reader) -> str:
        """What is installed where it runs."""
        names = ("laion-dataset", "datasets", "pyarrow", "huggingface_hub", "daft")
        code = (
            "from importlib.metadata import distributions; d = {x.name: x.version for x in distributions()}; "
            f"print(', '.join(f'{{n}} {{d[n]}}' for n in {names} if n in d))"
        )
        done = subprocess.run([self.python(reader), "-c", code], capture_output=True, text=True, check=True)
        return done.stdout.strip()


def _needs_torch(task: str) -> bool:
    return task.startswith(("torch", "loader"))


def _address(reader: Reader, where: RunningHost | Path) -> str:
    """Daft knows no other Hub than the real one, and reads the same file at its web address."""
    if isinstance(where, Path):
        return str(where)
    return HUB_PATH if where.tls is None and reader is not DAFT else where.web_url
