"""The parquet files of a lock, format 1. One row is one picture as somebody got it first.

==============  =======================  ====================================================================
column          type                     what
==============  =======================  ====================================================================
url_hash        uint64                   the key of the URL's address (:mod:`laion_pairs.takedown.keys`)
sha256          fixed_size_binary(32)    of the file
phash           uint64                   :func:`laion_pairs.images.integrity.phash.phash` of the file
width, height   int32                    pixels, as the file's header says
bytes           int64                    length of the file
first_seen      timestamp[ms, tz=UTC]    when it was downloaded
==============  =======================  ====================================================================

The file's metadata has ``laion_lock_format: 1``; a file without it is read as format 1. Nothing is null. Pages carry
checksums, and they are verified. Whatever is wrong raises :class:`LockError`: with half a lock, swapped pictures pass.

A lock holds no URL. Its hashes hide nothing from somebody who holds the dataset: whoever can list the URLs can tell
which of them are in the lock. Rows that are TAKEN_DOWN or WITHDRAWN are never in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from laion_pairs.errors import LockError

__all__ = ["ENTRY", "SCHEMA", "Entries", "count_entries", "iter_entries", "write_part"]

Entries = npt.NDArray[np.void]
"""Entries as a structured array of dtype ``ENTRY``, 72 bytes each."""

ENTRY = np.dtype(
    [
        ("url_hash", "<u8"),
        ("sha256", "u1", 32),
        ("phash", "<u8"),
        ("width", "<i4"),
        ("height", "<i4"),
        ("bytes", "<i8"),
        ("first_seen", "<i8"),
    ]
)

_FORMAT_KEY, _FORMAT = b"laion_lock_format", b"1"
_TYPES = {
    "url_hash": pa.uint64(),
    "sha256": pa.binary(32),
    "phash": pa.uint64(),
    "width": pa.int32(),
    "height": pa.int32(),
    "bytes": pa.int64(),
    "first_seen": pa.timestamp("ms", tz="UTC"),
}
SCHEMA = pa.schema([pa.field(name, kind, nullable=False) for name, kind in _TYPES.items()], {_FORMAT_KEY: _FORMAT})

_BATCH_ROWS = 65_536


def write_part(path: Path, entries: Entries) -> None:
    """Write a part, replacing the file whole: it is on the disk before it has its name.

    Raises:
        OSError: it cannot be written.
    """
    columns = [_to_arrow(entries[name], kind) for name, kind in _TYPES.items()]
    fresh = path.with_name(f"_{path.stem}.tmp")
    try:
        with fresh.open("wb") as file:
            pq.write_table(
                pa.Table.from_arrays(columns, schema=SCHEMA),
                file,
                use_dictionary=False,  # hashes do not compress
                compression="none",
                write_page_checksum=True,
            )
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def count_entries(path: Path) -> int:
    """The number of entries, by the footer alone.

    Raises:
        LockError: no regular file, no parquet file, or not in this format.
    """
    with _open(path) as file:
        return int(file.metadata.num_rows)


def iter_entries(path: Path) -> Iterator[Entries]:
    """The entries, in batches of at most 65,536.

    Raises:
        LockError: unreadable, or not in this format.
    """
    with _open(path) as file:
        batches = file.iter_batches(_BATCH_ROWS, columns=list(_TYPES), use_threads=False)
        while True:
            try:
                batch = next(batches, None)
            except (OSError, pa.ArrowException) as error:
                raise _unreadable(path, error) from error
            if batch is None:
                return
            yield _to_numpy(batch, path)


def _open(path: Path) -> pq.ParquetFile:
    try:
        if not path.is_file():  # reading a pipe or a device may never end
            path.stat()
            raise OSError("it is not a regular file")
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    schema = file.schema_arrow
    found = (schema.metadata or {}).get(_FORMAT_KEY, _FORMAT)
    problem = None
    if found != _FORMAT:
        problem = (
            f"has format {found.decode('utf-8', 'backslashreplace')!r}, and this version reads 1; update the package"
        )
    elif {field.name: field.type for field in schema} != _TYPES:
        problem = f"has not the columns of a lock ({', '.join(_TYPES)}); choose another path"
    if problem is not None:
        file.close()
        raise LockError(f"The lock's file {path} {problem}.")
    return file


def _unreadable(path: Path, error: Exception) -> LockError:
    reason = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]
    return LockError(
        f"The lock's file {path} cannot be read ({reason}); nothing is compared with half a lock. "
        "Restore it, or move it away."
    )


def _to_arrow(column: npt.NDArray[np.void], kind: pa.DataType) -> pa.Array:
    values = np.ascontiguousarray(column)
    if kind == pa.binary(32):
        return pa.FixedSizeBinaryArray.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
    return pa.array(values).cast(kind)


def _to_numpy(batch: pa.RecordBatch, path: Path) -> Entries:
    if any(column.null_count for column in batch.columns):
        raise LockError(f"The lock's file {path} has nulls; restore it, or move it away.")
    entries = np.empty(batch.num_rows, ENTRY)
    for name, kind in _TYPES.items():
        column = batch.column(name)
        if kind == pa.binary(32):
            raw = np.frombuffer(column.buffers()[1], np.uint8).reshape(-1, 32)
            entries[name] = raw[column.offset : column.offset + len(column)]
        else:
            entries[name] = column.cast(pa.int64()) if name == "first_seen" else column
    return entries
