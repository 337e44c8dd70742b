"""From what a user asks for to its shards: a release, a Hub repository, a folder, or files by hand.

Everything on the Hub is listed at a commit, which the shards' URLs name, so that ``main`` cannot move under a reader.
Withdrawn data is refused on the way (:mod:`laion_pairs.shards.guard`). No row is read; the columns of files by hand
are, to recognise withdrawn ones.
"""

from __future__ import annotations

import os
from typing import Any

from laion_pairs.errors import NoShards
from laion_pairs.releases import Release
from laion_pairs.shards.by_hand import list_by_hand, recognise
from laion_pairs.shards.hub_listing import Token, list_release, list_repository
from laion_pairs.shards.locations import HubPath
from laion_pairs.shards.shard import Listing

__all__ = ["list_source"]


def list_source(
    source: Release | str | None = None,
    *,
    files: Any = None,
    revision: str | None = None,
    token: Token = None,
) -> Listing:
    """The shards of a load.

    Args:
        source: a release, a local folder, a Hub repository ``owner/name``, or None for ``files`` alone.
        files: what ``datasets`` takes as ``data_files`` or ``data_dir``; in ``source`` if that is a folder or a
            repository, else local paths, ``hf://`` and ``https://`` addresses. With a release, they are its own.
        revision: branch, tag or commit of the repository.
        token: for the Hub only; it is in nothing that is returned.

    Raises:
        ReleaseError: withdrawn, or not pairs.
        ShardError: nothing there, no access, or the Hub cannot be reached.
    """
    if isinstance(source, Release):
        return (
            list_release(source, revision, token) if files is None else list_by_hand(files, release=source, token=token)
        )
    if source is None:
        if files is None:
            raise NoShards("Nothing was asked for; name a release, a repository, a folder, or files.")
        return list_by_hand(files, token=token)
    if os.path.isdir(os.path.expanduser(source)):
        return list_by_hand("." if files is None else files, base=source, token=token)
    if files is None:
        listing = list_repository(source, revision, token)
        return listing if listing.release is not None else recognise(listing, token)
    return list_by_hand(files, base=HubPath(source, revision, ""), token=token)
