"""Where a load's files are: a shard, and the listing of a release, a repository or the user's own files (no I/O)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Listing", "Shard"]


@dataclass(frozen=True)
class Shard:
    """One file of rows. It never holds a token.

    Attributes:
        url: an absolute local path, ``hf://datasets/owner/name@<commit>/path``, or ``https://…`` outside the Hub.
        split: the split that it belongs to.
        size: in bytes, or None where nobody asked the host.
    """

    url: str
    split: str
    size: int | None = None

    @property
    def is_local(self) -> bool:
        return "://" not in self.url


@dataclass(frozen=True)
class Listing:
    """The shards of one load, split by split.

    Attributes:
        splits: split name to its shards, in reading order.
        repo_id: the Hub repository they all come from, or None.
        commit: the commit of that repository that every shard's URL names, or None. Keep it with a checkpoint.
        release: the catalogue's name of the release, or None.
        withdrawn: the withdrawn release that local files were recognised as, or None. Their rows may be read; their
            images must not be fetched.
    """

    splits: dict[str, tuple[Shard, ...]]
    repo_id: str | None = None
    commit: str | None = None
    release: str | None = None
    withdrawn: str | None = None

    @property
    def shards(self) -> tuple[Shard, ...]:
        return tuple(shard for shards in self.splits.values() for shard in shards)
