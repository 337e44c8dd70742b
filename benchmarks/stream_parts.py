"""The four measures of ``stream.py``: first row, scan, resume, import. Each gives the lines of a table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rounds import alternate
from shaped_host import SHAPED, UNSHAPED, RunningHost, serve_file
from stream_readers import DAFT, Arena, Reader, Run
from stream_shard import cached_shard

__all__ = ["Bench", "Line", "Table"]

PEM = Path(__file__).parents[1] / "tests" / "images" / "self_signed.pem"
#: Rows of a task; None: all. Those that stock `datasets` does at 20,000 rows/s and less are cut, for everybody alike.
SCANS: dict[str, float | None] = {
    "arrow": None,
    "filter": None,
    "dicts": None,
    "map": 0.3,
    "numpy": 0.3,
    "numpy-image": 0.1,
    "torch": 0.3,
    "torch-image": 0.1,
    "arrow-rows": 0.05,
    "numpy-rows": 0.05,
    "torch-rows": 0.05,
    "loader-0": 0.3,
    "loader-2": 0.3,
}
SHAPED_SCANS = ("arrow", "filter", "dicts")
#: One that has reported its row and is still there after so long hangs: imports and row take three seconds.
EXIT_LIMIT_S = 30.0


@dataclass
class Line:
    """A reader's figures by name, one a round, and what went wrong."""

    reader: str
    figures: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """What it asked of the host until its first row, in the last round."""

    def add(self, **figures: float) -> None:
        for name, value in figures.items():
            self.figures.setdefault(name, []).append(value)


@dataclass
class Table:
    """What was measured, under which conditions, who did how."""

    title: str
    lines: dict[str, Line] = field(default_factory=dict)

    def line(self, name: str) -> Line:
        return self.lines.setdefault(name, Line(name))


@dataclass(frozen=True)
class Bench:
    """All that the parts need: who reads what, how often."""

    arena: Arena
    readers: Sequence[Reader]
    cache: Path
    rows: int
    rounds: int
    tasks: Sequence[str]

    def shard(self, row_groups: int) -> Path:
        return cached_shard(self.cache, self.rows, self.rows // row_groups)

    def first_row(self) -> Iterable[Table]:
        """From nothing to one row: through the Hub's client, and from a plain https address; then who hangs."""
        for shape, tls in ((SHAPED, None), (UNSHAPED, None), (SHAPED, PEM)):
            readers = [each for each in self.readers if tls is None or each is not DAFT]  # it takes no self-made root
            table = Table(f"First row, {'hf://' if tls is None else 'https://'} (Daft: http), {shape}")
            with serve_file(self.shard(1), shape, tls) as host:

                def once(reader: Reader, host: RunningHost = host) -> Run:
                    return self.arena.run(reader, "first", host, "--rows", "1")

                self._in_turn(table, readers, once, _first)
            yield table
        yield self._hangs()

    def scan(self) -> Iterable[Table]:
        """All rows, or the first ones, in the shapes that people ask for; what everybody reads is compared first."""
        path = self.shard(1)
        self._compare(path)
        yield from self._scans("from disk", path, ("arrow",))
        for shape, tasks in ((UNSHAPED, tuple(SCANS)), (SHAPED, SHAPED_SCANS)):
            with serve_file(path, shape) as host:
                if shape == UNSHAPED:
                    self._compare(host)
                yield from self._scans(f"hf:// (Daft: http), {shape}", host, tasks)

    def resume(self) -> Iterable[Table]:
        """To the first rows after a state that was saved at half of the shard, and at 95 %."""
        readers = [each for each in self.readers if each is not DAFT]  # it has no state
        for row_groups in (10, 1):
            path = self.shard(row_groups)
            for skip in (self.rows // 2, self.rows * 95 // 100):
                states, expected = self._states(path, row_groups, readers, skip)
                for shape in (UNSHAPED, SHAPED):
                    table = Table(f"Resume at row {skip:,}, row groups of {self.rows // row_groups:,}, hf://, {shape}")

                    def check(run: Run, expected: int = expected) -> str:
                        return "" if run.told["checksum"] == expected else "resumed at another row"

                    with serve_file(path, shape) as host:

                        def once(reader: Reader, host: RunningHost = host, states: dict[str, Path] = states) -> Run:
                            return self.arena.run(
                                reader, "resume", host, "--rows", "1", "--state", str(states[reader.name])
                            )

                        self._in_turn(table, readers, once, _first, check)
                    yield table

    def imports(self) -> Iterable[Table]:
        """``import`` in a fresh interpreter, of every module where it is installed."""
        commands = {each.name: [str(self.arena.python(each)), "-c", f"import {each.module}"] for each in self.readers}
        table = Table("Import, a fresh process")
        for name, runs in alternate(commands, max(3, self.rounds)).items():
            for run in runs:
                table.line(name).add(wall_s=run.wall_s, cpu_s=run.cpu_s)
        yield table

    def _scans(self, place: str, where: RunningHost | Path, tasks: Sequence[str]) -> Iterable[Table]:
        for task in tasks:
            if self.tasks and task not in self.tasks:
                continue
            share = SCANS[task]
            rows = None if share is None else int(self.rows * share)
            table = Table(f"Scan: {task}, {place}, {'all' if rows is None else f'the first {rows:,}'} rows")
            more = () if rows is None else ("--rows", str(rows))
            readers = [each for each in self.readers if self.arena.can(each, task)]
            answers: set[tuple[int, int]] = set()

            def check(run: Run, answers: set[tuple[int, int]] = answers, rows: int | None = rows) -> str:
                if rows is None:  # where rows are cut, batches end elsewhere
                    answers.add(run.answer)
                return "" if len(answers) < 2 else f"other rows than somebody else: {sorted(answers)}"

            def once(reader: Reader, task: str = task, more: tuple[str, ...] = more) -> Run:
                return self.arena.run(reader, task, where, *more)

            self._in_turn(table, readers, once, _scan, check)
            yield table

    def _compare(self, where: RunningHost | Path) -> None:
        """Everybody reads the same captions in the same order, or nothing is measured."""
        answers: dict[str, object] = {}
        for reader in self.readers:
            run = self.arena.run(reader, "check", where)
            answers[reader.name] = run.failure or run.answer
            _say(f"check: {reader.name}: {answers[reader.name]}")
        if len(set(answers.values())) != 1:
            raise SystemExit(f"not everybody reads the same rows: {answers}")

    def _states(self, path: Path, row_groups: int, readers: Sequence[Reader], skip: int) -> tuple[dict[str, Path], int]:
        """A state of everybody's after ``skip`` rows, and the checksum of the row that comes then."""
        states, nexts = {}, {}
        with serve_file(path) as host:
            for reader in readers:
                states[reader.name] = self.arena.scratch / f"{reader.name}-{row_groups}-{skip}.json"
                run = self.arena.run(reader, "state", host, "--skip", str(skip), "--state", str(states[reader.name]))
                if run.failure:
                    raise SystemExit(f"{reader.name} gave no state at row {skip}: {run.failure}")
                nexts[reader.name] = run.told["checksum"]
                _say(f"state at row {skip}, {row_groups} row groups: {reader.name}: {run.told['state_bytes']} bytes")
        if len(set(nexts.values())) != 1:
            raise SystemExit(f"not everybody is at the same row after {skip}: {nexts}")
        return states, next(iter(nexts.values()))

    def _hangs(self) -> Table:
        """One row of one row group of ten is read, and the interpreter is left as any script leaves it."""
        table = Table(f"Leaving a loop at its first row, row groups of {self.rows // 10:,}, from disk")
        for turn in range(self.rounds):
            for reader in self.readers:
                more = ("--rows", "1", "--leave", "exit")
                once = self.arena.run(reader, "first", self.shard(10), *more, limit_s=EXIT_LIMIT_S)
                hangs = "did not finish" in once.failure and bool(once.told)
                table.line(reader.name).add(hangs=hangs, crashes=bool(once.failure) and not hangs)
                _say(f"leaving {turn + 1}/{self.rounds}: {reader.name}: {once.failure or 'well'}")
        return table

    def _in_turn(
        self,
        table: Table,
        readers: Sequence[Reader],
        once: Callable[[Reader], Run],
        figures: Callable[[Run], dict[str, float]],
        check: Callable[[Run], str] = lambda run: "",
    ) -> None:
        """Rounds in which each reader runs once. One that failed is not run again."""
        for turn in range(self.rounds):
            for reader in readers:
                line = table.line(reader.name)
                if line.faults:
                    continue
                run = once(reader)
                if fault := run.failure or check(run):
                    line.faults.append(fault)
                else:
                    line.add(**figures(run))
                    line.asked = run.counts.asked if run.told.get("first_counts") else []
                _say(f"{table.title} {turn + 1}/{self.rounds}: {reader.name}: {fault or f'{run.wall_s:.2f} s'}")


def _first(run: Run) -> dict[str, float]:
    counts = run.counts
    return {
        "first_s": run.first_s,
        "MB": counts.sent_bytes / 1e6,
        "requests": counts.requests,
        "round_trips": counts.round_trips,
        "bursts": counts.bursts,
        "peak_MB": run.first_peak_mb,
    }


def _scan(run: Run) -> dict[str, float]:
    return {
        "rows_per_s": run.rows_per_s,
        "wall_s": run.wall_s,
        "first_s": run.first_s,
        "cpu_us_a_row": run.cpu_us_a_row,
        "peak_MB": run.peak_mb,
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
