"""Look up many 64-bit keys at once in sorted arrays: 12 bytes an entry, no objects."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["MISSING", "KeyIndex", "first_hits"]

Keys = npt.NDArray[np.uint64]
Groups = npt.NDArray[np.int32]

MISSING = -1


class KeyIndex:
    """Sorted keys, each with the number of the group it belongs to."""

    def __init__(self, keys: Keys, groups: Groups) -> None:
        order = np.argsort(keys, kind="stable")
        self._keys, self._groups = keys[order], groups[order]

    def __len__(self) -> int:
        return len(self._keys)

    def lookup(self, keys: Keys) -> Groups:
        """The group of each key, MISSING where it is not listed."""
        if not len(self._keys) or not len(keys):
            return np.full(len(keys), MISSING, np.int32)
        at = np.searchsorted(self._keys, keys)
        at[at == len(self._keys)] = 0
        found: Groups = np.where(self._keys[at] == keys, self._groups[at], np.int32(MISSING))
        return found


def first_hits(groups: Groups, lengths: npt.NDArray[np.intp]) -> Groups:
    """The first hit of each row, where row ``i`` has ``lengths[i]`` consecutive candidates in ``groups``."""
    rows = np.repeat(np.arange(len(lengths)), lengths)
    hit = groups != MISSING
    first = np.full(len(lengths), MISSING, np.int32)
    first[rows[hit][::-1]] = groups[hit][::-1]  # the last write wins, so write backwards
    return first
