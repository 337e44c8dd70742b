"""Recognising withdrawn data by the name of a shard, by where it is, or by its columns. Text only, nothing is opened.

It answers with the release that the data is of; whether that is refused or read with a warning is the caller's to say.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from itertools import pairwise
from urllib.parse import unquote

from laion_pairs.releases.catalogue import RELEASES, former_releases
from laion_pairs.releases.release import Release, Status
from laion_pairs.schema import normalise_url

__all__ = [
    "former_shard",
    "old_history",
    "withdrawn_cache",
    "withdrawn_columns",
    "withdrawn_location",
    "withdrawn_schema",
    "withdrawn_shard",
]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WITHDRAWN = tuple(release for release in RELEASES if release.status is Status.WITHDRAWN)


def withdrawn_shard(path: str) -> Release | None:
    """The withdrawn release whose shard has that file name (a path or a URL; the folder does not matter), or None."""
    return _match(_SHARDS, path)


def former_shard(path: str) -> Release | None:
    """The current release whose shards were called that before it was re-released, or None.

    Weaker than :func:`withdrawn_shard`: nobody has published whether today's shards kept those names. So it tells about
    files of unknown age (an old copy on somebody's disk), never about what the Hub serves at a checked revision.
    """
    return _match(_FORMER_SHARDS, path)


def withdrawn_location(url_or_repo: str) -> Release | None:
    """The withdrawn release at that address: a repository id (also a former one), ``hf://datasets/…@revision/…``, a URL
    of the Hub or of a copy of it, the Hub's cache folder, or a known mirror; else None.
    """
    place = _plain(url_or_repo)
    for mirror, release in _MIRRORS:
        if mirror in place:
            return release
    parts = [part.split("@")[0] for part in re.split(r"[/\\?#&=]+", place.replace("datasets--", "").replace("--", "/"))]
    for owner_and_name in pairwise(parts):
        release_there = _REPOSITORIES.get("/".join(owner_and_name))
        if release_there is not None:
            return release_there
    return None


def withdrawn_cache(path: str) -> Release | None:
    """The withdrawn release in whose folder of the Hub's download cache (``datasets--owner--name``) a file lies."""
    for part in re.split(r"[/\\]", path.casefold()):
        owner, _, name = part.removeprefix("datasets--").partition("--")
        if part.startswith("datasets--") and f"{owner}/{name}" in _REPOSITORIES:
            return _REPOSITORIES[f"{owner}/{name}"]
    return None


def old_history(url: str) -> Release | None:
    """The release whose repository that address names by ``…/owner/name/resolve/…``, if its old commits are withdrawn.

    For copies of the Hub, where nobody can say how old a commit is.
    """
    for found in re.finditer(r"([^/]+/[^/]+)/(?:resolve|blob|raw|tree)/", _plain(url)):
        release = _RENAMED.get(found[1])
        if release is not None:
            return release
    return None


def withdrawn_schema(schema_id: str) -> Release | None:
    """A withdrawn release with that schema (perhaps one of several) if only withdrawn ones have it; else None."""
    having = [release for release in RELEASES if release.schema == schema_id]
    if having and all(release.status is Status.WITHDRAWN for release in having):
        return having[0]
    return None


def withdrawn_columns(names: Iterable[str]) -> Release | None:
    """The withdrawn release whose raw files have been reworked into files with those columns, or None.

    Raw files alone have SAMPLE_ID (the sheet of schemas: S1, S1m); dropping or adding a column does not make them other
    data, nor does writing the names in lower case, where enough of them are left to tell.
    """
    found = set(names)
    folded = {name.casefold() for name in found}
    if not {"SAMPLE_ID", "URL"} <= found and not folded >= _RAW:
        return None
    schema = "S1m" if "language" in folded else "S1"
    return next(release for release in _WITHDRAWN if release.schema == schema)


def _plain(place: str) -> str:
    """A place in lower case, percent-encoding undone however often it was done; of a URL the host's and path's plainest
    spelling, without user, port, ``//`` and dot segments."""
    while (decoded := unquote(place)) != place:
        place = decoded
    scheme, separator, _ = place.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        _, _, rest = unquote(normalise_url(place)).partition("://")
        host, _, path = rest.partition("/")
        path, question, query = path.partition("?")
        place = (
            f"{scheme}://{host.rpartition('@')[2].partition(':')[0]}{posixpath.normpath('/' + path)}{question}{query}"
        )
    return place.casefold()


def _match(patterns: Iterable[tuple[re.Pattern[str], Release]], path: str) -> Release | None:
    name = re.split(r"[/\\]", unquote(path).split("?")[0])[-1].casefold()
    return next((release for pattern, release in patterns if pattern.search(name)), None)


def _shard_pattern(shards: str) -> re.Pattern[str]:
    """A shard's file name; a Spark name is told by its uuid alone, whatever was put around it."""
    name = shards.rpartition("/")[2].casefold()
    uuid = _UUID.search(name)
    if uuid is not None:
        return re.compile(re.escape(uuid[0]))
    return re.compile(re.escape(name).replace(re.escape("{i:05d}"), r"\d{5}"))


_RAW = {"sample_id", "url", "text", "license", "nsfw"}
_SHARDS = [(_shard_pattern(release.shards), release) for release in _WITHDRAWN if release.shards]
_FORMER_SHARDS = [(_shard_pattern(release.original_shards), release) for release in RELEASES if release.original_shards]
_MIRRORS = [
    (mirror.casefold().rstrip("/"), release)
    for release in _WITHDRAWN
    for mirror in release.mirrors
    if not mirror.startswith("hf://")
]
_REPOSITORIES = {
    **{
        mirror.removeprefix("hf://datasets/").casefold(): release
        for release in _WITHDRAWN
        for mirror in release.mirrors
        if mirror.startswith("hf://")
    },
    **{release.repo_id.casefold(): release for release in (*former_releases(), *_WITHDRAWN)},
}
_RENAMED = {
    repo_id.casefold(): release
    for release in RELEASES
    if release.renamed_since is not None
    for repo_id in (release.repo_id, *release.alternate_ids)
}
