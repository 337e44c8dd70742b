"""What earlier runs got for a URL, so that a later run, or another person, can tell whether it is still the same.

A lock ``run.lock/`` is a directory of parquet parts (:mod:`laion_pairs.images.integrity.lock_part`), each written by
one process, ``<pid>-<random>-<number>.parquet``; reading merges them. ``pyarrow``, ``pandas`` and ``datasets`` read the
directory as one table, and such a table saved as one file is a lock too: one that is read and not added to. Names that
begin with ``_`` are no parts, and such readers skip them: the index, and what is being written.

What is looked up is what was there when the lock was opened; what this run adds counts for the next one. A part is
replaced whole every 10 seconds, and a new one begun after 65,536 rows, so a kill loses what the last 10 seconds added
and leaves nothing half-written, and 5 MB are in memory.
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

import numpy as np

from laion_pairs.errors import LockError
from laion_pairs.images.integrity.lock_index import Locked, LockIndex, open_index
from laion_pairs.images.integrity.lock_part import ENTRY, write_part

__all__ = ["PART_ROWS", "WRITE_EVERY_S", "PictureLock"]

PART_ROWS = 65_536
WRITE_EVERY_S = 10.0

_LEFT_OVER_S = 86_400
"""A file half-written for so long is what a kill left."""


class PictureLock:
    """A lock, open. Safe in threads.

    Args:
        path: of a directory, which is made with the first entry, or of a single file.
        must_exist: refuse a path where there is no lock yet.

    Raises:
        LockError: a part cannot be read, or is not one; or there is none.
    """

    def __init__(self, path: str, *, must_exist: bool = False) -> None:
        self._path = Path(path)
        self._frozen = self._path.is_file()
        self._index = self._open(must_exist)
        self._lock = Lock()
        self._token = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._number = 0
        self._entries = np.zeros(PART_ROWS, ENTRY)
        self._added: dict[int, None] = {}
        self._written = 0
        self._write_at_s = time.monotonic() + WRITE_EVERY_S

    def __len__(self) -> int:
        """The number of URLs that can be looked up."""
        return len(self._index)

    def find(self, url_hash: int) -> Locked | None:
        """What earlier runs got for a URL, or None."""
        return self._index.find(url_hash)

    def wants(self, url_hash: int) -> bool:
        """Whether an entry for this URL would be new."""
        return not self._frozen and url_hash not in self._added and self._index.find(url_hash) is None

    def add(self, *, url_hash: int, sha256: bytes, phash: int, width: int, height: int, n_bytes: int) -> None:
        """Add what this run got for a URL that :meth:`wants` one.

        Raises:
            LockError: the part cannot be written.
        """
        with self._lock:
            if url_hash in self._added:
                return
            entry = (url_hash, np.frombuffer(sha256, np.uint8), phash, width, height, n_bytes, int(1000 * time.time()))
            self._entries[len(self._added)] = entry
            self._added[url_hash] = None
            if len(self._added) == PART_ROWS or time.monotonic() >= self._write_at_s:
                self._write()

    def close(self) -> None:
        """Write what has been added since the last part was written. Nothing more may be added."""
        with self._lock:
            self._write()

    def _open(self, must_exist: bool) -> LockIndex:
        try:
            parts = [self._path] if self._frozen else sorted(self._path.glob("*.parquet"))
            if must_exist and not parts:
                raise LockError(
                    f"There is no lock at {self._path}, and integrity='require' delivers only what is in one or has a "
                    "published digest; make the lock with integrity='record' first, or leave it out."
                )
            if self._path.exists() and not (self._frozen or self._path.is_dir()):
                raise OSError("it is neither a directory nor a regular file")
            self._remove_leftovers()
            return open_index(parts, None if self._frozen or not parts else self._path)
        except LockError:
            raise
        except OSError as error:
            raise LockError(f"The lock {self._path} cannot be opened: {error.strerror or error}.") from error

    def _remove_leftovers(self) -> None:
        for file in self._path.glob("_*.tmp"):
            with suppress(OSError):  # another process was faster, or the disk is read-only
                if time.time() - file.stat().st_mtime > _LEFT_OVER_S:
                    file.unlink()

    def _write(self) -> None:
        if len(self._added) > self._written:
            part = self._path / f"{self._token}-{self._number}.parquet"
            try:
                self._path.mkdir(parents=True, exist_ok=True)
                write_part(part, self._entries[: len(self._added)])
            except OSError as error:
                raise LockError(
                    f"The lock {self._path} cannot be written ({error.strerror or error}); "
                    "free some space, or choose another path."
                ) from error
            self._written = len(self._added)
        if len(self._added) == PART_ROWS:
            self._number += 1
            self._added.clear()
            self._written = 0
        self._write_at_s = time.monotonic() + WRITE_EVERY_S
