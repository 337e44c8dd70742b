"""Shards that a user names, in ``data_files``: paths, folders, globs, ``hf://`` and ``https://`` addresses."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import pyarrow as pa
from datasets.data_files import sanitize_patterns

from laion_pairs.errors import CorruptShard, NoShards, ShardError
from laion_pairs.releases import Release, Status, former_shard
from laion_pairs.shards import guard
from laion_pairs.shards.formats import open_source
from laion_pairs.shards.hub import Repository
from laion_pairs.shards.hub_listing import Token, find_on_hub, open_guarded
from laion_pairs.shards.local import find_local
from laion_pairs.shards.locations import HubPath, parse_hub_path
from laion_pairs.shards.remote_parquet import RemoteParquetSource
from laion_pairs.shards.shard import Listing, Shard
from laion_pairs.shards.splits import split_by_name

__all__ = ["list_by_hand", "recognise"]


def list_by_hand(
    files: Any,
    *,
    release: Release | None = None,
    base: HubPath | str | None = None,
    token: Token = None,
) -> Listing:
    """The shards that ``files`` names: a path, pattern or address, a list of them, or a dict of split to those.

    A single folder is sorted into splits by the names in it; everything else without a split is ``train``. Relative
    paths start in ``base``: a repository, a local folder, or (None) the current one.

    Raises:
        WithdrawnRelease: a remote address or repository gives away withdrawn data.
        NoShards, ShardError: nothing matches, or it cannot be listed.
    """
    finder = _Finder(base, token)
    splits: dict[str, tuple[Shard, ...]] = {}
    for split, patterns in _patterns_by_split(files).items():
        found = [finder.find(pattern, split) for pattern in patterns]
        shards = tuple(dict.fromkeys(shard for shards, _ in found for shard in shards))
        if isinstance(files, (str, os.PathLike)) and found[0][1] is not None:
            splits = _by_name(shards, found[0][1])
        else:
            splits[split] = shards
    if not splits or not all(splits.values()):
        raise NoShards("data_files names nothing; give a path, a glob, a list of them, or a dict of split to those.")
    repo_id, commit = finder.only_repository([shard for shards in splits.values() for shard in shards])
    return recognise(Listing(splits, release, repo_id, commit), token)


def recognise(listing: Listing, token: Token = None) -> Listing:
    """Mark a listing of files by hand, and warn once, if a file of it is a withdrawn release's.

    Looks at every local file's name and columns, and at the columns of the first shard of each split that is remote
    (the rest are looked at when they are read); a footer that was read for that, and is pinned, is kept.
    """
    if listing.release is not None and listing.release.status is Status.WITHDRAWN:
        return _marked(listing, listing.release, listing.shards[0])
    first_remote = {shards[0] for shards in listing.splits.values() if shards}
    for shard in listing.shards:
        if shard.is_local or shard in first_remote:
            found = guard.recognise_file(shard.url) if shard.is_local else None
            if found is None:
                schema, opened = _open(shard, token)
                if opened.tail is not None:
                    listing = _with(listing, opened)
                found = None if schema is None else guard.recognise_schema(schema)
            if found is not None:
                return _marked(listing, found, shard)
        if shard.is_local and listing.release is None:
            former = former_shard(shard.url)
            if former is not None:
                guard.warn_former(former, shard.url)
                return replace(listing, withdrawn=former.name + guard.BEFORE)
    return listing


def _patterns_by_split(files: Any) -> dict[str, list[str]]:
    try:
        patterns = sanitize_patterns(_plain(files))
    except (TypeError, ValueError) as error:
        raise ShardError(f"data_files={files!r} cannot be read: {error}") from error
    return {split: list(values) for split, values in patterns.items()}


def _plain(files: Any) -> Any:
    """Paths as text, sequences as lists: what ``sanitize_patterns`` expects."""
    if isinstance(files, (str, os.PathLike)):
        return os.fspath(files)
    if isinstance(files, Mapping):
        return {key: _plain(value) for key, value in files.items()}
    return [_plain(value) for value in files]


class _Finder:
    """Resolves patterns; every repository is opened once."""

    def __init__(self, base: HubPath | str | None, token: Token) -> None:
        self._base, self._token = base, token
        self._opened: dict[tuple[str, str | None], Repository] = {}

    def find(self, pattern: str, split: str) -> tuple[list[Shard], list[str] | None]:
        """The shards of a pattern; and, if it is a folder, their paths below it."""
        place = parse_hub_path(pattern)
        if place is None and isinstance(self._base, HubPath) and "://" not in pattern:
            place = HubPath(self._base.repo_id, self._base.revision, pattern)
        if place is not None:
            repository = self._open(place)
            paths, is_folder = find_on_hub(place, repository)
            shards = [Shard(repository.url(path), split, repository.files[path]) for path in paths]
            return shards, paths if is_folder else None
        if pattern.lower().startswith(("http://", "https://")):
            guard.check_location(pattern)
            if any(character in pattern for character in "*[]"):
                raise ShardError(f"{pattern!r} has a wildcard, which cannot be listed over https; name every file.")
            return [Shard(pattern, split)], None
        if "://" in pattern and not pattern.startswith("file://"):
            raise ShardError(f"{pattern!r} is neither a local path nor an hf:// or https:// address.")
        return self._find_local(pattern, split)

    def _find_local(self, pattern: str, split: str) -> tuple[list[Shard], list[str] | None]:
        start = os.path.abspath(os.path.expanduser(self._base)) if isinstance(self._base, str) else os.getcwd()
        folder = os.path.join(start, os.path.expanduser(pattern.removeprefix("file://")))
        paths = find_local(folder)
        shards = [Shard(path, split, os.path.getsize(path)) for path in paths]
        if not os.path.isdir(folder):
            return shards, None
        return shards, [PurePath(path).relative_to(os.path.abspath(folder)).as_posix() for path in paths]

    def _open(self, place: HubPath) -> Repository:
        key = (place.repo_id, place.revision)
        if key not in self._opened:
            self._opened[key] = open_guarded(place.repo_id, place.revision, self._token)
        return self._opened[key]

    def only_repository(self, shards: Sequence[Shard]) -> tuple[str | None, str | None]:
        """Id and commit, if all shards come from one repository."""
        opened = list(self._opened.values())
        if len(opened) == 1 and all(shard.url.startswith(opened[0].url("")) for shard in shards):
            return opened[0].repo_id, opened[0].commit
        return None, None


def _by_name(shards: Sequence[Shard], names: list[str]) -> dict[str, tuple[Shard, ...]]:
    by_name = dict(zip(names, shards, strict=True))
    return {
        split: tuple(replace(by_name[name], split=split) for name in members)
        for split, members in split_by_name(sorted(names)).items()
    }


def _open(shard: Shard, token: Token) -> tuple[pa.Schema | None, Shard]:
    """The columns of a file, None where it cannot be read (said when it is), and the shard with what it may keep."""
    try:
        with open_source(shard, token) as source:
            if isinstance(source, RemoteParquetSource) and parse_hub_path(shard.url) is not None:
                shard = replace(shard, tail=source.tail)
            return source.schema, shard
    except CorruptShard:
        return None, shard


def _with(listing: Listing, opened: Shard) -> Listing:
    """The listing with what was learned about one of its shards."""
    splits = {
        split: tuple(opened if shard == opened else shard for shard in shards)
        for split, shards in listing.splits.items()
    }
    return replace(listing, splits=splits)


def _marked(listing: Listing, release: Release, shard: Shard) -> Listing:
    guard.warn_withdrawn(release, shard.url)
    return replace(listing, withdrawn=release.name)
