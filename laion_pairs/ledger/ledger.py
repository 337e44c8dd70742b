"""Counts of a run, kept in a directory that any number of processes append to and that is merged when it is read.

A ledger ``run.ledger/`` holds one *part* for each process that counted something, ``<pid>-<random>.jsonl``. A line of a
part is one record, a JSON object ``{counter: {reason: n}}`` whose numbers are to be added to everything before it:

    {"rows": {"seen": 4096, "kept": 4000}, "dropped": {"filter": 96}}

A record is written with one system call, so what is counted together is found together after a kill: seen and kept
never disagree because the process died between them. A last line without a newline was cut by a kill and is left out;
any other line that does not parse is damage and raises :class:`LedgerError`.

A ledger counts. It holds no URL, caption, score or row number, and must never be given one; of web addresses it holds
the names of the hosts that fail most (:mod:`laion_pairs.ledger.image_counts` lists the counters of a download).
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from laion_pairs.errors import LedgerError
from laion_pairs.ledger.report import render_report

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Counts", "Ledger"]

Counts = dict[str, dict[str, int]]
"""``counts[counter][reason]`` is a number of rows, images or whatever the counter counts."""

COMPACT_AFTER_BYTES = 1 << 20
"""A part that has grown to this size is replaced by its totals: a run of billions of rows keeps a small ledger."""


class Ledger:
    """The counts of one run: ``Ledger("run.ledger")``. Several ledgers on one path are one ledger.

    Reading pairs counts ``rows`` (``seen``, ``kept``, ``skipped``, …) and ``dropped`` by reason: kept + dropped = seen;
    :mod:`laion_pairs.shards.reader` says what else.
    Downloading counts ``images`` by :class:`~laion_pairs.ledger.Outcome`, and beside them ``http_status``, ``trust``,
    ``opt_out_signals``, ``failing_hosts`` (those that fail most), ``retries`` and ``bytes``.

    Safe in threads, after a fork, and when pickled into spawned workers: every process writes a part of its own.
    Creating one writes nothing; the directory appears with the first count.

    Raises:
        LedgerError: the path is a file, or cannot be written or read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._part: _Part | None = None
        if self.path.exists() and not self.path.is_dir():
            raise LedgerError(f"{self.path} is a file, but a ledger is a directory; choose another path.")

    def add(self, counter: str, reason: str, n: int = 1) -> None:
        """Count ``n`` more of ``reason`` under ``counter``, on disk before this returns."""
        self.add_all({counter: {reason: n}})

    def add_all(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Count several things as one record: after a kill either all of them are there or none."""
        record = {
            counter: {reason: int(n) for reason, n in reasons.items() if n}
            for counter, reasons in counts.items()
            if any(reasons.values())
        }
        if record:
            part = self._part
            if part is None or part.pid != os.getpid():  # first use, or this is a forked child
                part = self._part = _Part(self.path)
            part.append(record)

    def counts(self) -> Counts:
        """The counts of all parts added up, as they are on disk now."""
        total: Counts = {}
        for part in self.parts:
            for record in _read_part(part):
                _merge(total, record)
        return total

    @property
    def parts(self) -> tuple[Path, ...]:
        """The files of this ledger, one for each process that counted something."""
        return tuple(sorted(self.path.glob("*.jsonl")))

    def to_pandas(self) -> pd.DataFrame:
        """The counts as a table with the columns ``counter``, ``reason``, ``n``."""
        import pandas as pd

        rows = [(counter, reason, n) for counter, reasons in self.counts().items() for reason, n in reasons.items()]
        return pd.DataFrame(rows, columns=["counter", "reason", "n"])

    def report(self) -> str:
        """The counts as lines for people: does kept + dropped = seen, how did the images end, what may be wrong."""
        return render_report(self.counts())

    def __repr__(self) -> str:
        return f"Ledger({os.fspath(self.path)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ledger) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_part": None}


class _Part:
    """The file that this process appends to; made with the first record."""

    def __init__(self, directory: Path) -> None:
        self.pid = os.getpid()
        self._lock = Lock()
        self._path = directory / f"{self.pid}-{secrets.token_hex(8)}.jsonl"
        self._totals: Counts = {}
        self._size = 0
        self._compact_at = COMPACT_AFTER_BYTES

    def append(self, record: Counts) -> None:
        with self._lock:
            try:
                self._size = _write(self._path, _render_line(record), os.O_APPEND)
                _merge(self._totals, record)
                if self._size > self._compact_at:
                    self._compact()
            except OSError as error:
                raise LedgerError(
                    f"The ledger {self._path.parent} cannot be written ({error.strerror or error}); "
                    "free some space, or choose another path."
                ) from error

    def _compact(self) -> None:
        """Replace the part by one record of its totals; whoever reads meanwhile sees the old file or the new one."""
        fresh = self._path.with_suffix(".tmp")
        self._size = _write(fresh, _render_line(self._totals), os.O_TRUNC)
        self._compact_at = max(COMPACT_AFTER_BYTES, 2 * self._size)
        fresh.replace(self._path)


def _write(path: Path, line: bytes, flag: int) -> int:
    """Write ``line`` whole or not at all; returns the size of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0) | flag, 0o644)
    try:
        written = os.write(file, line)
        size = os.fstat(file).st_size
        if written != len(line):  # a full disk: take the torn line back, so that what follows can be read
            os.ftruncate(file, size - written)
            raise OSError("only a part of the record could be written")
        return size
    finally:
        os.close(file)


def _render_line(record: Counts) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


def _read_part(path: Path) -> list[Counts]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise LedgerError(f"The ledger's part {path} cannot be read: {error.strerror or error}.") from error
    try:
        return [_parse_line(line) for line in lines[:-1]]  # what follows the last newline was cut by a kill
    except ValueError as error:
        raise LedgerError(f"The ledger's part {path} is damaged; move it away to count without it.") from error


def _parse_line(line: bytes) -> Counts:
    record = json.loads(line)
    if not isinstance(record, dict) or not all(isinstance(reasons, dict) for reasons in record.values()):
        raise ValueError("not a record")
    return {counter: {reason: int(n) for reason, n in reasons.items()} for counter, reasons in record.items()}


def _merge(total: Counts, record: Mapping[str, Mapping[str, int]]) -> None:
    for counter, reasons in record.items():
        into = total.setdefault(counter, {})
        for reason, n in reasons.items():
            into[reason] = into.get(reason, 0) + n
            if not into[reason]:  # a host that was displaced: what is gone takes no room
                del into[reason]
        if not into:
            del total[counter]
