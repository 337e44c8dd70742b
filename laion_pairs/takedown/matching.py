"""Apply takedown lists: to rows before any request, to URLs before and after redirects, to bytes after a fetch.

Rows are matched as whole Arrow batches. What a match *was* is never returned with the row: only the list, its version
and the reason, for counting.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from laion_pairs.errors import TakedownError
from laion_pairs.takedown.format import EntryKind, TakedownList, read_list
from laion_pairs.takedown.index import MISSING, Groups, KeyIndex, first_hits
from laion_pairs.takedown.keys import address_of, hash_text, host_suffixes, key_of_digest, prefixes_of
from laion_pairs.takedown.tables import EntryTables, Hit

__all__ = ["Hit", "Matches", "TakedownLists", "open_lists"]

COLUMN_OF_KIND = {
    EntryKind.URL: "url",
    EntryKind.URL_PREFIX: "url",
    EntryKind.DOMAIN: "url",
    EntryKind.PAIR_ID: "pair_id",
    EntryKind.MD5: "digest",
    EntryKind.SHA256: "digest",
    EntryKind.SAMPLE_ID: "sample_id",
    EntryKind.PAGE_URL: "page_url",
}
"""What a kind is matched by in rows. ``sample_id`` and ``page_url`` are not canonical: few releases have them. A phash
is compared with decoded images, never with rows."""


@dataclass(frozen=True)
class Matches:
    """Which rows of a batch may be delivered, and how many may not, by (list, version, reason)."""

    keep: pa.BooleanArray
    counts: dict[tuple[str, str, str], int]


def open_lists(paths: Sequence[str | os.PathLike[str]]) -> TakedownLists:
    """Read lists and make them ready to match; a process keeps those it used last while their files do not change.

    Raises:
        TakedownError: any of them cannot be read.
    """
    return _open(tuple((os.fspath(path), _state(path)) for path in paths))


@lru_cache(maxsize=8)
def _open(paths: tuple[tuple[str, tuple[int, int, int]], ...]) -> TakedownLists:
    return TakedownLists([read_list(path) for path, _ in paths])


def _state(path: str | os.PathLike[str]) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except OSError as error:
        raise TakedownError(
            f"The takedown list {path} cannot be read ({error.strerror}); nothing is delivered without it. "
            "Restore it, or take it off the configured lists."
        ) from error
    return found.st_mtime_ns, found.st_size, found.st_ino


class TakedownLists:
    """Any number of lists as one. Without a list it lets everything pass.

    Attributes:
        names: file names of the lists.
        content_digest: 64 hex digits that change when any list's content does.
    """

    def __init__(self, lists: Sequence[TakedownList]) -> None:
        self.names = tuple(found.name for found in lists)
        self.content_digest = hashlib.sha256("".join(found.content_digest for found in lists).encode()).hexdigest()
        self._tables = EntryTables(lists)

    def __len__(self) -> int:
        return sum(self._tables.sizes)

    @property
    def columns(self) -> tuple[str, ...]:
        """The canonical columns that :meth:`match` needs."""
        needed = {COLUMN_OF_KIND.get(kind) for kind in self._tables.values}
        return tuple(name for name in ("url", "pair_id", "digest") if name in needed)

    @property
    def extra_columns(self) -> tuple[str, ...]:
        """``sample_id``, ``page_url``: to be added to a batch where the file has them."""
        needed = {COLUMN_OF_KIND.get(kind) for kind in self._tables.values}
        return tuple(name for name in ("sample_id", "page_url") if name in needed)

    def unchecked(self, available: Collection[str], release: str | None = None) -> dict[tuple[str, str, str], int]:
        """Numbers of entries by (list, version, kind) that cannot be matched in rows that have only these columns.

        Args:
            release: as for :meth:`match`; ``sample_id`` entries of another release cannot be matched either.
        """
        entries: Counter[tuple[str, str, str]] = Counter()
        for hit, size in zip(self._tables.hits, self._tables.sizes, strict=True):
            elsewhere = hit.release and release and hit.release.casefold() != release.casefold()
            if elsewhere or COLUMN_OF_KIND.get(hit.kind) not in available:
                entries[hit.list_name, hit.list_version, str(hit.kind)] += size
        return dict(entries)

    def match(self, batch: pa.RecordBatch, release: str | None = None) -> Matches:
        """Match rows by the columns that ``batch`` has (of :attr:`columns` and :attr:`extra_columns`).

        Args:
            release: whose ``sample_id`` these are. None, where nobody knows: any release's entries match.
        """
        if not self._tables.hits:
            return Matches(pa.repeat(True, batch.num_rows), {})
        groups: Groups = np.full(batch.num_rows, MISSING, np.int32)
        for found in self._matched(batch, release):
            groups = np.where(groups == MISSING, found, groups)
        numbers, rows = np.unique(groups[groups != MISSING], return_counts=True)
        counts: Counter[tuple[str, str, str]] = Counter()
        for number, n in zip(numbers.tolist(), rows.tolist(), strict=True):
            hit = self._tables.hits[number]
            counts[hit.list_name, hit.list_version, hit.reason] += n
        return Matches(pa.array(groups == MISSING), dict(counts))

    def match_url(self, url: str) -> Hit | None:
        """Why this URL, as asked for or after a redirect, may not be fetched; or None."""
        return self._first(self._match_urls([url]))

    def match_bytes(self, md5_hex: str, sha256_hex: str) -> Hit | None:
        """Why an image with these digests may not be delivered; or None."""
        return self._first(
            self._tables.values[kind].lookup(np.array([key_of_digest(digest)], np.uint64))
            for kind, digest in ((EntryKind.MD5, md5_hex), (EntryKind.SHA256, sha256_hex))
            if kind in self._tables.values
        )

    def _matched(self, batch: pa.RecordBatch, release: str | None) -> Iterator[Groups]:
        """The hits of each row, way by way; MISSING where there is none."""
        names = set(batch.schema.names)
        if "url" in names and {EntryKind.URL, EntryKind.URL_PREFIX, EntryKind.DOMAIN} & set(self._tables.values):
            yield from self._present(batch.column("url"), self._match_urls)
        if "page_url" in names and EntryKind.PAGE_URL in self._tables.values:
            yield from self._present(batch.column("page_url"), lambda urls: self._match_whole(EntryKind.PAGE_URL, urls))
        if "pair_id" in names and EntryKind.PAIR_ID in self._tables.values:
            yield from self._present_ids(batch.column("pair_id"), self._tables.values[EntryKind.PAIR_ID])
        if "sample_id" in names:
            index = self._tables.sample_ids.get(release.casefold() if release else None)
            if index is not None:
                yield from self._present_ids(batch.column("sample_id"), index)
        if "digest" in names:
            for kind in (EntryKind.MD5, EntryKind.SHA256):
                if kind in self._tables.values:
                    yield self._match_digests(kind, batch.column("digest"))

    def _match_urls(self, urls: list[str]) -> Iterator[Groups]:
        tables = self._tables
        addresses = yield from self._match_whole(EntryKind.URL, urls)
        for kind, parts_of in ((EntryKind.URL_PREFIX, prefixes_of), (EntryKind.DOMAIN, host_suffixes)):
            if kind in tables.values:
                parts = [parts_of(address) for address in addresses]
                keys = _hash_all([part for row in parts for part in row])
                yield first_hits(tables.values[kind].lookup(keys), np.fromiter(map(len, parts), np.intp, len(parts)))

    def _match_whole(self, kind: EntryKind, urls: list[str]) -> Generator[Groups, None, list[str]]:
        """Match URLs as they are and by address; returns the addresses."""
        addresses = [address_of(url) for url in urls]
        if kind in self._tables.values:
            yield self._tables.values[kind].lookup(_hash_all(urls))
            yield self._tables.normalised[kind].lookup(_hash_all(addresses))
        return addresses

    def _match_digests(self, kind: EntryKind, digests: pa.Array) -> Groups:
        """Match ``md5:…`` or ``sha256:…``; a digest of another kind, or a malformed one, is nobody's."""
        groups = np.full(len(digests), MISSING, np.int32)
        form = f"^{kind}:[0-9A-Fa-f]{{{32 if kind is EntryKind.MD5 else 64}}}$"
        rows = pc.indices_nonzero(pc.match_substring_regex(digests, form)).to_numpy()
        start = len(kind.value) + 1
        heads = pc.utf8_slice_codeunits(digests.take(pa.array(rows)), start, start + 16).to_pylist()
        keys = np.frombuffer(bytes.fromhex("".join(heads)), ">u8").astype(np.uint64)
        groups[rows] = self._tables.values[kind].lookup(keys)
        return groups

    def _present(self, texts: pa.Array, match: Callable[[list[str]], Iterable[Groups]]) -> Iterator[Groups]:
        """Match the values that are not null; a null is nobody's."""
        rows = pc.indices_nonzero(texts.is_valid()).to_numpy()
        for found in match(texts.drop_null().to_pylist()):
            yield _spread(found, rows, len(texts))

    def _present_ids(self, ids: pa.Array, index: KeyIndex) -> Iterator[Groups]:
        rows = pc.indices_nonzero(ids.is_valid()).to_numpy()
        keys = ids.drop_null().cast(pa.int64()).to_numpy(zero_copy_only=False).view(np.uint64)
        yield _spread(index.lookup(keys), rows, len(ids))

    def _first(self, found: Iterable[Groups]) -> Hit | None:
        return next((self._tables.hits[groups[0]] for groups in found if groups[0] != MISSING), None)


def _hash_all(texts: list[str]) -> npt.NDArray[np.uint64]:
    return np.fromiter(map(hash_text, texts), np.uint64, len(texts))


def _spread(found: Groups, rows: npt.NDArray[np.uint64], n: int) -> Groups:
    groups = np.full(n, MISSING, np.int32)
    groups[rows] = found
    return groups
