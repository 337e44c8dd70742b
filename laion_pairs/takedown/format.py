"""The takedown list as a parquet file, format 1. Any program can write one.

==============  ======================  ===========================================================================
column          type                    what
==============  ======================  ===========================================================================
kind            string                  one of :class:`EntryKind`
value           uint64                  the entry's key (:mod:`laion_pairs.takedown.keys`); signed ids as 64 bits
normalised      uint64, null            kinds url and page_url: the key of the address; null otherwise
release         string, null            kind sample_id: the release whose ids these are; null otherwise
since           date32, null            since when it has been asked for
reason          string                  a few words, counted in ledgers: never a URL or a name
source          string, null            who asked, or a case number
list_version    string                  the version of the list
==============  ======================  ===========================================================================

The file's metadata has ``laion_takedown_format: 1``; a file without it is read as format 1. Whatever else is wrong (a
missing column, an unknown kind, a null) raises :class:`TakedownError`: nothing is delivered under half a list.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from laion_pairs.errors import TakedownError
from laion_pairs.takedown import keys

__all__ = ["SCHEMA", "Entry", "EntryKind", "TakedownList", "read_list", "write_list"]

FORMAT_KEY, FORMAT = b"laion_takedown_format", b"1"

SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("value", pa.uint64(), nullable=False),
        pa.field("normalised", pa.uint64()),
        pa.field("release", pa.string()),
        pa.field("since", pa.date32()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("list_version", pa.string(), nullable=False),
    ],
    metadata={FORMAT_KEY: FORMAT},
)


class EntryKind(str, Enum):
    """What an entry names."""

    URL = "url"
    URL_PREFIX = "url_prefix"
    DOMAIN = "domain"
    PAGE_URL = "page_url"
    PAIR_ID = "pair_id"
    SAMPLE_ID = "sample_id"
    MD5 = "md5"
    SHA256 = "sha256"
    PHASH = "phash"

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Entry:
    """One entry in clear, to be written: ``Entry("url", "https://…", "removal request")``.

    Attributes:
        kind: an :class:`EntryKind` or its name.
        value: the URL, prefix, domain, id or hexadecimal digest. Only its key is written.
        reason: a few words; counted in ledgers.
        release: for ``sample_id`` only, and required there: the release's name.

    Raises:
        TakedownError: the value does not fit the kind. The message does not repeat the value.
    """

    kind: EntryKind | str
    value: str | int
    reason: str
    since: date | None = None
    source: str | None = None
    release: str | None = None

    def row(self, version: str) -> dict[str, object]:
        """This entry as a row of :data:`SCHEMA`."""
        try:
            kind = EntryKind(self.kind)
            value, normalised = _keys(kind, self.value)
            if (kind is EntryKind.SAMPLE_ID) != (self.release is not None):
                raise ValueError("release= goes with sample_id, and only with it")
        except ValueError as error:
            raise TakedownError(f"This takedown entry of kind {str(self.kind)!r} cannot be written: {error}.") from None
        return {
            "kind": str(kind),
            "value": value,
            "normalised": normalised,
            "release": self.release,
            "since": self.since,
            "reason": self.reason,
            "source": self.source,
            "list_version": version,
        }


@dataclass(frozen=True)
class TakedownList:
    """A list as it was read: the file's name, the sha256 of its bytes, and its rows as :data:`SCHEMA`."""

    name: str
    content_digest: str
    table: pa.Table


def write_list(path: str | os.PathLike[str], entries: Iterable[Entry], version: str) -> None:
    """Write a list, replacing the file whole.

    Raises:
        TakedownError: an entry, a reason or the version is not acceptable, or the file cannot be written.
    """
    table = pa.Table.from_pylist([entry.row(version) for entry in entries], SCHEMA)
    _check(table, str(path))
    fresh = Path(path).with_name(Path(path).name + ".tmp")
    try:
        pq.write_table(table, fresh)
        fresh.replace(path)
    except OSError as error:
        raise TakedownError(f"The takedown list {path} cannot be written: {error.strerror or error}.") from error


def read_list(path: str | os.PathLike[str]) -> TakedownList:
    """Read and check a list.

    Raises:
        TakedownError: it is missing, unreadable, or not in this format.
    """
    try:
        if not Path(path).is_file():  # reading a pipe or a device may never end
            os.stat(path)
            raise OSError("it is not a regular file")
        content = Path(path).read_bytes()
        table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise TakedownError(
            f"The takedown list {path} cannot be read ({reason}); nothing is delivered without it. "
            "Restore it, or take it off the configured lists."
        ) from error
    found = (table.schema.metadata or {}).get(FORMAT_KEY, FORMAT)
    if found != FORMAT:
        raise TakedownError(
            f"The takedown list {path} has format {found.decode('utf-8', 'backslashreplace')!r}, this version reads 1; "
            "update the package."
        )
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise TakedownError(
            f"The takedown list {path} lacks the columns {', '.join(missing)}; write it with write_list."
        )
    try:
        table = table.select(SCHEMA.names).cast(SCHEMA)
    except (ValueError, pa.ArrowException) as error:
        raise TakedownError(f"The takedown list {path} has other types than its format says: {error}") from error
    _check(table, str(path))
    return TakedownList(Path(path).name, hashlib.sha256(content).hexdigest(), table)


def _keys(kind: EntryKind, value: str | int) -> tuple[int, int | None]:
    """The ``value`` and ``normalised`` of an entry."""
    if kind in (EntryKind.PAIR_ID, EntryKind.SAMPLE_ID):
        if isinstance(value, str) or not -(1 << 63) <= value < 1 << 63:
            raise ValueError("an id is a signed 64-bit integer")
        return value % (1 << 64), None
    if not isinstance(value, str):
        raise ValueError("the value is text")
    if kind is EntryKind.PHASH:
        if len(value) != 16:
            raise ValueError("a phash is 16 hexadecimal digits")
        return int(value, 16), None
    if kind in (EntryKind.MD5, EntryKind.SHA256):
        if len(value) != (32 if kind is EntryKind.MD5 else 64):
            raise ValueError("an md5 has 32 and a sha256 has 64 hexadecimal digits")
        return keys.key_of_digest(value), None
    if kind is EntryKind.DOMAIN:
        return keys.hash_text(keys.domain_address(value)), None
    if kind is EntryKind.URL_PREFIX:
        return keys.hash_text(keys.prefix_address(value)), None
    if "://" not in value:
        raise ValueError("a URL has a scheme")
    return keys.hash_text(value), keys.hash_text(keys.address_of(value))


def _check(table: pa.Table, path: str) -> None:
    """Raise unless every row can be applied."""
    problem = _problem(table)
    if problem is not None:
        raise TakedownError(f"The takedown list {path} {problem}; nothing is delivered under a list half understood.")


def _problem(table: pa.Table) -> str | None:
    for field in SCHEMA:
        if not field.nullable and table.column(field.name).null_count:
            return f"has rows without {field.name}"
    kinds = set(pc.unique(table.column("kind")).to_pylist())
    unknown = kinds - {str(kind) for kind in EntryKind}
    if unknown:
        return f"has entries of the unknown kind {sorted(unknown)[0]!r}"
    if any("://" in text or "\n" in text for text in pc.unique(table.column("reason")).to_pylist()):
        return "has a reason with a URL in it, and reasons are shown in reports"
    needs_address = pc.is_in(table.column("kind"), pa.array(["url", "page_url"]))
    if pc.any(pc.and_(needs_address, pc.is_null(table.column("normalised")))).as_py():
        return "has URL entries without the key of their normalised form"
    needs_release = pc.equal(table.column("kind"), "sample_id")
    if pc.any(pc.and_(needs_release, pc.is_null(table.column("release")))).as_py():
        return "has sample_id entries without their release"
    return None
