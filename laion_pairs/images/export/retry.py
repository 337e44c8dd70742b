"""Which rows of an earlier run are tried again: from parquet files with ``url`` and ``outcome``. Reads no rows.

Such files are the records of an export (``00000.parquet``), the parts of :class:`FailedRows`, or anybody's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from laion_pairs.errors import CorruptShard, PolicyError, SchemaError
from laion_pairs.images.export.record import FOUND, PUBLISHED
from laion_pairs.ledger import Outcome
from laion_pairs.schema import NAMES

__all__ = ["RetrySource", "find_retry_source", "parse_outcomes"]

NEVER_RETRIED = frozenset(
    {Outcome.OK, Outcome.FORBIDDEN_ADDRESS, Outcome.OPTED_OUT, Outcome.TAKEN_DOWN, Outcome.WITHDRAWN}
)
"""A refusal is final, and what is there is there."""


@dataclass(frozen=True)
class RetrySource:
    """Files of an earlier run.

    Attributes:
        files: paths, sorted.
        column_mapping: canonical column -> the files' column, for ``load_dataset``.
    """

    files: tuple[str, ...]
    column_mapping: dict[str, str]


def parse_outcomes(words: str | None) -> frozenset[str]:
    """``"timed_out,dns_failed"`` as outcomes; without any, all that another try can help. Raises PolicyError."""
    if words is None:
        return frozenset(outcome.value for outcome in Outcome if outcome.retryable)
    asked = [word.strip().lower() for word in words.split(",")]
    allowed = sorted(outcome.value for outcome in Outcome if outcome not in NEVER_RETRIED)
    for word in asked:
        if word in {outcome.value for outcome in NEVER_RETRIED}:
            raise PolicyError(f"{word} is never retried; what can be asked for is {', '.join(allowed)}.")
        if word not in allowed:
            raise PolicyError(f"--only has {word!r}, which is no outcome; there are {', '.join(allowed)}.")
    return frozenset(asked)


def find_retry_source(place: str) -> RetrySource:
    """The parquet files at ``place``: one file, or those directly in a folder. Raises PolicyError, SchemaError."""
    path = Path(place).expanduser()
    files = [path] if path.is_file() else sorted(path.glob("*.parquet"))
    files = [file for file in files if not file.name.startswith(".")]
    if not files:
        raise PolicyError(
            f"--retry was given {place}, and there is no parquet file; give a file with the columns url and outcome, "
            "or the folder of an earlier download."
        )
    columns = [_columns(file) for file in files]
    for file, names in zip(files, columns, strict=True):
        if not {"url", "outcome"} <= set(names):
            raise SchemaError(
                f"--retry was given {file}, which lacks a column url or outcome; it has {', '.join(names)}."
            )
    shared = [name for name in columns[0] if all(name in names for names in columns)]
    return RetrySource(tuple(str(file) for file in files), _mapping(shared))


def _mapping(columns: Sequence[str]) -> dict[str, str]:
    """Canonical columns as they were published: an export's own ``width`` is of its file, not of the release."""
    ours = set(columns) >= set(FOUND.names)
    mapping = {}
    for name in NAMES:
        if PUBLISHED + name in columns:
            mapping[name] = PUBLISHED + name
        elif name in columns and not (ours and name in FOUND.names):
            mapping[name] = name
    return mapping


def _columns(file: Path) -> list[str]:
    try:
        return list(pq.read_schema(file).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptShard(f"{file} is no parquet file that can be read ({error}).") from error
