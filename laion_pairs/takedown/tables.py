"""The entries of all active lists as sorted arrays, one index for each kind of key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from laion_pairs.takedown.format import EntryKind, TakedownList
from laion_pairs.takedown.index import KeyIndex

__all__ = ["EntryTables", "Hit"]


@dataclass(frozen=True)
class Hit:
    """Why something is taken down; never what it was. ``release`` is whose ids the entry's are, for sample_id only."""

    kind: EntryKind
    reason: str
    list_name: str
    list_version: str
    release: str | None = None


class EntryTables:
    """Entries by kind.

    Attributes:
        hits: the distinct (kind, reason, list, version); the indexes hold numbers into it.
        values: kind to the index of its ``value`` keys.
        normalised: kind to the index of its ``normalised`` keys, where it has them.
        sample_ids: release to the index of its sample ids; None to that of all releases'.
        sizes: number of entries of each of ``hits``.
    """

    def __init__(self, lists: Sequence[TakedownList]) -> None:
        self.hits: list[Hit] = []
        self.sizes: list[int] = []
        groups = [self._group(found) for found in lists]
        rows = pa.concat_tables([found.table for found in lists]) if lists else None
        self.values: dict[EntryKind, KeyIndex] = {}
        self.normalised: dict[EntryKind, KeyIndex] = {}
        self.sample_ids: dict[str | None, KeyIndex] = {}
        if rows is None:
            return
        group = np.concatenate(groups)
        kind = _texts(rows, "kind")
        value = rows.column("value").to_numpy()
        for name in EntryKind:
            here = kind == str(name)
            if not here.any():
                continue
            self.values[name] = KeyIndex(value[here], group[here])
            if name in (EntryKind.URL, EntryKind.PAGE_URL):
                addresses = rows.column("normalised").filter(pa.array(here)).to_numpy()
                self.normalised[name] = KeyIndex(addresses.astype(np.uint64), group[here])
            if name is EntryKind.SAMPLE_ID:
                release = _texts(rows, "release")
                self.sample_ids[None] = self.values[name]
                for one in set(release[here]):
                    of_release = here & (release == one)
                    self.sample_ids[one.casefold()] = KeyIndex(value[of_release], group[of_release])

    def _group(self, found: TakedownList) -> npt.NDArray[np.int32]:
        """Number each row of a list by its (kind, reason, version, release), adding new ones to ``hits``."""
        codes = np.zeros(found.table.num_rows, np.int64)
        words: list[list[str]] = []
        for name in ("kind", "reason", "list_version", "release"):
            encoded = found.table.column(name).fill_null("").combine_chunks().dictionary_encode()
            words.append(encoded.dictionary.to_pylist())
            codes = codes * max(len(words[-1]), 1) + encoded.indices.to_numpy()
        distinct, inverse, sizes = np.unique(codes, return_inverse=True, return_counts=True)
        start = len(self.hits)
        for code in distinct.tolist():
            parts = []
            for choices in reversed(words):
                code, at = divmod(code, len(choices))
                parts.append(choices[at])
            release, version, reason, kind = parts
            self.hits.append(Hit(EntryKind(kind), reason, found.name, version, release or None))
        self.sizes += sizes.tolist()
        return (inverse.reshape(-1) + start).astype(np.int32)


def _texts(table: pa.Table, name: str) -> npt.NDArray[np.object_]:
    return np.asarray(table.column(name).to_pylist(), dtype=object)
