"""The rows whose images could not be had, kept as parquet, so that they can be looked at and tried again.

A folder holds parts, ``<pid>-<random>-<number>.parquet``: any number of processes add to it, also in one run after
another. A part is written when it is full and when its writer closes; after a kill, the rows since the last part are
missing (at most ``ROWS_PER_PART`` a process).

A part's columns are the row's own scalar ones (``url``, ``caption``, ``pair_id``, …), ``outcome`` and ``detail``.
``laion download --retry FOLDER`` reads it. Rows that are TAKEN_DOWN or WITHDRAWN are never in it: nothing becomes a
list of such links.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from laion_pairs.errors import ExportError
from laion_pairs.images.export.durable import partial_path, publish
from laion_pairs.ledger import Outcome
from laion_pairs.schema import SCHEMA

__all__ = ["NEVER_WRITTEN", "FailedRows", "scalar_columns"]

NEVER_WRITTEN = frozenset({Outcome.TAKEN_DOWN, Outcome.WITHDRAWN})
"""Rows with these outcomes are counted, and stand in no file."""

ROWS_PER_PART = 10_000
BYTES_PER_PART = 8 * 2**20
"""Of text: what one process holds until a part is written."""

_OUTCOME = pa.schema([pa.field("outcome", pa.string()), pa.field("detail", pa.string())])


class FailedRows:
    """The folder to which this process adds: ``FailedRows("failures").add(row, outcome, detail)``, then ``close()``.

    Safe in threads and after a fork; a forked or unpickled copy begins empty and writes parts of its own.

    Args:
        directory: made with the first part.
        schema: Arrow types of the rows' columns, where they are known. Canonical columns have their own; those of the
            others are read off the values, and a column without any value in a part then has no type there.
    """

    def __init__(self, directory: str | os.PathLike[str], schema: pa.Schema | None = None) -> None:
        self.directory = Path(directory)
        self._schema = schema
        self._start()

    def _start(self) -> None:
        self._lock = Lock()
        self._pid = os.getpid()
        self._stem = f"{self._pid}-{secrets.token_hex(4)}"
        self._parts = 0
        self._rows: list[dict[str, Any]] = []
        self._n_bytes = 0

    def add(self, row: Mapping[str, Any], outcome: Outcome, detail: str = "") -> None:
        """Keep one row that failed; one that must not be listed anywhere is passed over."""
        if outcome in NEVER_WRITTEN:
            return
        if self._pid != os.getpid():  # a fork: what is held here is the parent's, who writes it
            self._start()
        kept = {**scalar_columns(row), "outcome": outcome.value, "detail": detail}
        with self._lock:
            self._rows.append(kept)
            self._n_bytes += sum(len(value) for value in kept.values() if isinstance(value, str))
            if len(self._rows) >= ROWS_PER_PART or self._n_bytes >= BYTES_PER_PART:
                self._write()

    def close(self) -> None:
        """Write what is held; raises ExportError. More may be added afterwards, and closed again."""
        if self._pid == os.getpid():
            with self._lock:
                self._write()

    def _write(self) -> None:
        if not self._rows:
            return
        table = _table(self._rows, self._schema)
        path = self.directory / f"{self._stem}-{self._parts:05d}.parquet"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, partial_path(path))
            publish(path)
        except OSError as error:
            raise ExportError(
                f"The rows that failed cannot be written to {self.directory} ({error.strerror or error}); "
                "choose another folder for failures, or put that right."
            ) from error
        self._parts, self._rows, self._n_bytes = self._parts + 1, [], 0

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory, "_schema": self._schema}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()


def scalar_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row's numbers, truth values and texts; ``url`` is a lazy image's where the row has no such column."""
    kept = {name: _scalar(value) for name, value in row.items() if _is_scalar(value)}
    if kept.get("url") is None:
        handles = (value for value in row.values() if isinstance(value, Mapping) and isinstance(value.get("path"), str))
        kept["url"] = next((handle["path"] for handle in handles), None)
    return kept


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, np.bool_, np.number))


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # a lone surrogate is no text to Arrow
    return value.item() if isinstance(value, np.generic) else value


def _table(rows: list[dict[str, Any]], schema: pa.Schema | None) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows for name in row if name not in _OUTCOME.names))
    known = {field.name: field.type for fields in (schema or (), SCHEMA) for field in fields}
    columns = {name: _column([row.get(name) for row in rows], known.get(name)) for name in names}
    outcome = {name: pa.array([row[name] for row in rows], pa.string()) for name in _OUTCOME.names}
    return pa.table(columns | outcome)


def _column(values: list[Any], known: pa.DataType | None) -> pa.Array:
    """Of the known type; of the values' own where they do not fit it; as text where they do not fit one another."""
    for dtype in (known, None):
        try:
            return pa.array(values, dtype)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            continue
    return pa.array([None if value is None else str(value) for value in values], pa.string())
