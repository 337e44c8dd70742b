"""The entries of a whole lock, merged, to be looked up by URL: sorted arrays in a memory-mapped file.

Of several entries for one URL the one seen first counts, so that a lock, once it says something, goes on saying it.

The file is a head of 16 bytes (``LAIONLK1`` and the number of entries), then all keys, all phashes, all sha256s: 48
bytes an entry, 768 MB for 16 million, of which the system keeps in memory what is used, once for all processes. While
it is built, at most 71 bytes an entry are in memory, the mapped file included. It is a cache beside the parts, named
after their names, sizes and times; where none can be kept (a lock on a read-only disk) each process has one of its own
in the temporary directory.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from laion_pairs.errors import LockError
from laion_pairs.images.integrity.lock_part import Entries, count_entries, iter_entries

__all__ = ["LockIndex", "Locked", "open_index"]

_MAGIC = b"LAIONLK1"
_HEAD_BYTES, _ENTRY_BYTES = 16, 48


@dataclass(frozen=True, slots=True)
class Locked:
    """What the lock has of one URL: ``sha256`` as 32 bytes, ``phash`` as an unsigned number of 64 bits."""

    sha256: bytes
    phash: int


class LockIndex:
    """Look-ups in an index's file, which may be closed and removed then."""

    def __init__(self, file: IO[bytes]) -> None:
        self._keys, self._phashes, self._sha256s = _map(file, "r")

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, url_hash: int) -> Locked | None:
        """The entry of a URL, or None."""
        key = np.uint64(url_hash)
        at = int(self._keys.searchsorted(key))
        if at == len(self._keys) or self._keys[at] != key:
            return None
        return Locked(self._sha256s[at].tobytes(), int(self._phashes[at]))


def open_index(parts: Sequence[Path], directory: Path | None = None) -> LockIndex:
    """The index of these parts: the one kept in ``directory`` if it is theirs, else a new one, kept there if it can be.

    Raises:
        LockError: a part cannot be read.
        OSError: there is no room for the index.
    """
    if directory is None:
        with tempfile.TemporaryFile() as file:
            _build(parts, file)
            return LockIndex(file)
    kept = directory / f"_{_name(parts)}.index"
    with suppress(OSError), kept.open("rb") as found:
        if _is_whole(found):
            return LockIndex(found)
    fresh = directory / f"_{os.getpid()}-{secrets.token_hex(8)}.tmp"
    try:
        file = fresh.open("x+b")
    except OSError:
        return open_index(parts)
    try:
        with file:
            _build(parts, file)
            index = LockIndex(file)
        with suppress(OSError):  # on Windows, while a process has one of them mapped
            for old in directory.glob("_*.index"):
                old.unlink()
            fresh.replace(kept)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    return index


def _name(parts: Sequence[Path]) -> str:
    """16 hex digits for the state of the parts, which are only ever replaced whole."""
    states = [(part.name, part.stat().st_size, part.stat().st_mtime_ns) for part in parts]
    return hashlib.sha256(repr(states).encode()).hexdigest()[:16]


def _is_whole(file: IO[bytes]) -> bool:
    head = file.read(_HEAD_BYTES)
    entries = int.from_bytes(head[len(_MAGIC) :], "little")
    return head.startswith(_MAGIC) and os.fstat(file.fileno()).st_size == _HEAD_BYTES + _ENTRY_BYTES * entries


def _map(file: IO[bytes], mode: str) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.void]]:
    """Keys, phashes and sha256s of a whole index."""
    mapped = np.asarray(np.memmap(file, np.uint8, mode))  # type: ignore[call-overload]
    entries = (len(mapped) - _HEAD_BYTES) // _ENTRY_BYTES
    keys, phashes, sha256s = np.split(mapped[_HEAD_BYTES:], [8 * entries, 16 * entries])
    return keys.view(np.uint64), phashes.view(np.uint64), sha256s.view("V32")


def _build(parts: Sequence[Path], file: IO[bytes]) -> None:
    """Write the index of all parts into an empty file."""
    counts = [count_entries(part) for part in parts]  # a part that another process makes longer is read this far
    keys, first_seen = np.empty(sum(counts), np.uint64), np.empty(sum(counts), np.int64)
    for rows, batch in _batches(parts, counts):
        keys[rows], first_seen[rows] = batch["url_hash"], batch["first_seen"]
    order = np.lexsort((first_seen, keys))
    del first_seen
    keys = keys[order]
    is_first = np.ones(len(keys), bool)
    is_first[1:] = keys[1:] != keys[:-1]
    keys, order = keys[is_first], order[is_first]
    places = np.full(len(is_first), -1, np.int64)  # where in the index a row goes; -1 for one that was seen again
    places[order] = np.arange(len(keys))
    del order

    file.write(_MAGIC + len(keys).to_bytes(_HEAD_BYTES - len(_MAGIC), "little"))
    file.truncate(_HEAD_BYTES + _ENTRY_BYTES * len(keys))
    file.flush()
    into_keys, into_phashes, into_sha256s = _map(file, "r+")
    into_keys[:] = keys
    for rows, batch in _batches(parts, counts):
        first = places[rows] >= 0
        at = places[rows][first]
        into_phashes[at] = batch["phash"][first]
        into_sha256s[at] = np.ascontiguousarray(batch["sha256"][first]).view("V32")[:, 0]


def _batches(parts: Sequence[Path], counts: Sequence[int]) -> Iterator[tuple[slice, Entries]]:
    """Batches of the first ``counts`` entries of each part, with the rows that they are of all of them."""
    row = 0
    for part, count in zip(parts, counts, strict=True):
        end = row + count
        for batch in iter_entries(part):
            wanted = batch[: end - row]
            yield slice(row, row + len(wanted)), wanted
            row += len(wanted)
        if row != end:
            raise LockError(f"The lock's file {part} became shorter while it was read; start again.")
