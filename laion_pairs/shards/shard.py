"""Where a load's files are: a shard, and the listing of a release, a repository or the user's own files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field

from laion_pairs.releases import Release

__all__ = ["Listing", "Shard"]


@dataclass(frozen=True)
class Shard:
    """One file of rows. It never holds a token.

    Attributes:
        url: an absolute local path, ``hf://datasets/owner/name@<commit>/path``, or ``https://…`` outside the Hub.
        split: the split that it belongs to.
        size: in bytes, or None where nobody asked the host.
        tail: its last bytes, with the footer, where they were read already and cannot change: of a file at a commit.
    """

    url: str
    split: str
    size: int | None = None
    tail: bytes | None = field(default=None, repr=False, compare=False)

    @property
    def is_local(self) -> bool:
        return "://" not in self.url


@dataclass(frozen=True)
class Listing:
    """The shards of one load, split by split.

    Attributes:
        splits: split name to its shards, in reading order.
        release: the catalogue's release that was asked for, or None for anything else.
        repo_id: the Hub repository that all shards come from, or None.
        commit: the commit of that repository that every shard's URL names, or None. Keep it with a checkpoint.
        withdrawn: name of the withdrawn release that files by hand were recognised as, or None. Their rows may be
            read; their images must not be fetched.
    """

    splits: dict[str, tuple[Shard, ...]]
    release: Release | None = None
    repo_id: str | None = None
    commit: str | None = None
    withdrawn: str | None = None

    @property
    def shards(self) -> tuple[Shard, ...]:
        return tuple(shard for shards in self.splits.values() for shard in shards)

    @property
    def fingerprint(self) -> str:
        """64 hex digits that change when the shards do: their URLs and sizes, and when local files were modified."""
        digest = hashlib.sha256()
        for shard in self.shards:
            modified = os.stat(shard.url).st_mtime_ns if shard.is_local else None
            digest.update(repr((shard, modified)).encode("utf-8", "backslashreplace"))
        return digest.hexdigest()
