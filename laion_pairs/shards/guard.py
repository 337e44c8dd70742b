"""Withdrawn data is refused here, by everything that gives it away; no function of this module opens a connection.

==================  =======================================================================================
what                refused or recognised by
==================  =======================================================================================
a release           its status in the catalogue, whatever the Hub answers
a repository        its id, a former id, or a new id that the Hub answers with instead of the one asked for
an old revision     of a repository that was renamed or filtered in place: a commit older than the re-release, or one
                    that is not on the main branch (a pull request, a conversion)
a mirror            its address
a remote file       the name of a withdrawn release's shard
a file by hand      the same name, its place in the Hub's cache, a column set that only withdrawn releases have, or our
                    own mark on rows that were saved: readable, marked, with a warning
==================  =======================================================================================
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Collection, Iterable
from datetime import date, datetime, timezone

import pyarrow as pa

from laion_pairs.errors import NotPairs, RepositoryMissing, SchemaError, UnknownRelease, WithdrawnRelease
from laion_pairs.plain_text import one_line
from laion_pairs.releases import (
    Release,
    check_loadable,
    find_release,
    map_columns,
    old_history,
    withdrawn_cache,
    withdrawn_columns,
    withdrawn_location,
    withdrawn_schema,
    withdrawn_shard,
)

BEFORE = " before its re-release"
"""What is put behind a current release's name for files that may be older than it."""

__all__ = [
    "BEFORE",
    "check_answer",
    "check_location",
    "check_remote_files",
    "check_repository",
    "check_revision",
    "recognise_file",
    "recognise_schema",
    "warn_former",
    "warn_withdrawn",
]


def check_repository(repo_id: str) -> Release | None:
    """The catalogue's release in that repository, or None for a repository that the catalogue does not know.

    Raises:
        WithdrawnRelease, NotPairs: by id or former id.
    """
    check_location(f"hf://datasets/{repo_id}")
    try:
        release = find_release(repo_id)
    except UnknownRelease:
        return None
    check_loadable(release)
    return release


def check_location(url: str) -> None:
    """Refuse a remote address that is a withdrawn release's, a mirror's, or ends in one of the old shard names."""
    release = withdrawn_location(url) or withdrawn_shard(url)
    if release is not None:
        raise _refusal(f"{url} is data of", release)
    current = None if url.lower().startswith("hf://") else old_history(url)
    if current is not None:
        raise WithdrawnRelease(
            f"{url} is a copy of {current.repo_id}, whose commits before {current.renamed_since} were withdrawn, and "
            f"how old it is cannot be checked there; load {current.name}, with HF_ENDPOINT set if it is a mirror's."
        )


def check_remote_files(paths: Iterable[str], repo_id: str) -> None:
    """Refuse a repository that holds a file with a withdrawn release's shard name."""
    for path in paths:
        release = withdrawn_shard(path)
        if release is not None:
            raise _refusal(f"{repo_id} holds {path}, a shard of", release)


def check_answer(asked: str, answered: str, allowed: Collection[str] = ()) -> None:
    """Refuse the Hub's answer when the repository now goes by a name that was not asked for."""
    if answered.casefold() not in {name.casefold() for name in (asked, *allowed)}:
        raise RepositoryMissing(
            f"{asked} was asked for, but the Hub has renamed it to {answered}, which may hold other data; "
            f"ask for {answered} if that is what you want."
        )


def check_revision(release: Release, revision: str, made: datetime | None) -> None:
    """Refuse a commit of a repository that kept its history, unless it is on the main branch since the re-release.

    Args:
        revision: as the user wrote it, for the message.
        made: when its commit was made; None for a commit that is not on the main branch.
    """
    since: date | None = release.renamed_since
    if since is not None and made is None:
        raise WithdrawnRelease(
            f"Revision {revision} of {release.repo_id} is not a commit of its main branch: a proposal of anybody, or a "
            f"copy of what was withdrawn before {since}; leave revision= out, or name a commit of main."
        )
    if since is not None and made is not None and made.astimezone(timezone.utc).date() < since:
        raise WithdrawnRelease(
            f"Revision {revision} of {release.repo_id} is of {made.date()}, before this release took the place of a "
            f"withdrawn one ({since}); leave revision= out, or name a later commit."
        )


def recognise_file(path: str) -> Release | None:
    """The withdrawn release that a local file's name or its place in the Hub's cache gives away; links are followed."""
    names = (path, os.path.realpath(path))
    return next((found for name in names if (found := withdrawn_shard(name) or withdrawn_cache(name))), None)


def recognise_schema(schema: pa.Schema) -> Release | None:
    """The withdrawn release that a column set gives away, however the user maps its columns, or our own mark on rows
    that were saved."""
    marked = _marked_release(schema)
    if marked is not None:
        return marked
    reworked = withdrawn_columns(schema.names)
    if reworked is not None:
        return reworked
    try:
        return withdrawn_schema(map_columns(schema).schema_id)
    except (SchemaError, NotPairs):
        return None


def warn_withdrawn(release: Release, path: str, stacklevel: int = 3) -> None:
    """Say once that files by hand are a withdrawn release's."""
    warnings.warn(
        f"{one_line(path)} is data of {release.name}, which was withdrawn{_instead(release)}. "
        "Its rows can be read; its images are not fetched.",
        UserWarning,
        stacklevel=stacklevel,
    )


def warn_former(release: Release, path: str, stacklevel: int = 3) -> None:
    """Say once that a file may be older than the re-release of what it is named after; nobody published which names."""
    warnings.warn(
        f"{one_line(path)} is named as the shards of {release.name} were before it was re-released, and may be "
        "withdrawn data: its rows can be read, its images are not fetched. If you have it from the Hub of today, "
        f"name the release too: load_dataset({release.name!r}, data_files=…).",
        UserWarning,
        stacklevel=stacklevel,
    )


def _marked_release(schema: pa.Schema) -> Release | None:
    """What a column of lazy images says in the metadata that ``datasets`` writes into parquet."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = [feature.get("withdrawn") for feature in features.values() if feature.get("_type") == "RemoteImage"]
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    for name in filter(None, names):
        try:
            return find_release(str(name).removesuffix(BEFORE))
        except UnknownRelease:
            continue
    return None


def _refusal(what: str, release: Release) -> WithdrawnRelease:
    return WithdrawnRelease(f"{what} {release.name}, which was withdrawn and is not loaded{_instead(release)}.")


def _instead(release: Release) -> str:
    return f"; load {release.replacement} instead" if release.replacement else "; there is no replacement"
