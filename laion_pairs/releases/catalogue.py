"""The catalogue: what was published, and finding a release in it. Nothing here asks the Hub."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from laion_pairs.errors import NotPairs, UnknownRelease, WithdrawnRelease
from laion_pairs.releases.current import CURRENT
from laion_pairs.releases.historic import WITHDRAWN
from laion_pairs.releases.release import Kind, Release, Status
from laion_pairs.releases.sisters import SISTERS
from laion_pairs.releases.source_schemas import find_source_schema
from laion_pairs.schema import ScoreModel

__all__ = [
    "RELEASES",
    "Kind",
    "Release",
    "Status",
    "carriers",
    "check_loadable",
    "find_release",
    "former_releases",
    "releases_table",
]

RELEASES: tuple[Release, ...] = (*CURRENT, *WITHDRAWN, *SISTERS)


def find_release(name: str) -> Release:
    """Return the release of that name or Hub repository, in any case. It may be withdrawn: see :func:`check_loadable`.

    Raises:
        UnknownRelease: no such release; the nearest names come first in the message.
        WithdrawnRelease: a name or id that a release had before it was renamed; never the renamed one instead.
    """
    asked = name.strip().casefold()
    for release in RELEASES:
        if asked == release.name.casefold():
            return release
    for release in RELEASES:
        if asked in (id.casefold() for id in (release.repo_id, *release.alternate_ids)):
            return release
    for former in former_releases():
        if asked in (former.name.casefold(), former.repo_id.casefold()):
            raise WithdrawnRelease(_refusal(former))
    nearest = ", ".join(_nearest(asked))
    did_you_mean = f" The nearest: {nearest}." if nearest else ""
    raise UnknownRelease(f"{name!r} is no release.{did_you_mean} `laion releases` lists them all.")


def former_releases() -> tuple[Release, ...]:
    """Releases under the ids that they had before they were renamed in place: withdrawn, as the old revisions are.

    Ids that are in the catalogue as withdrawn releases of their own (laion/laion2B-en) are not repeated.
    """
    known = {release.repo_id.casefold() for release in RELEASES}
    return tuple(
        dataclasses.replace(
            release,
            name=id.partition("/")[2],
            repo_id=id,
            status=Status.WITHDRAWN,
            former_ids=(),
            alternate_ids=(),
            shards=release.original_shards,
            replacement=release.name,
            renamed_since=None,
            note="",
        )
        for release in RELEASES
        for id in release.former_ids
        if id.casefold() not in known
    )


def check_loadable(release: Release) -> None:
    """Refuse what is not loaded.

    Raises:
        NotPairs: tags, keys or ids; the message says which release carries their columns.
        WithdrawnRelease: pairs that were taken down; the message names the replacement where there is one.
    """
    if release.kind is not Kind.PAIRS:
        carried = _carried(release)
        raise NotPairs(
            f"{release.name} holds {_KINDS[release.kind]}, not image-text pairs, and was withdrawn. {carried}"
            f"{' ' if carried and release.note else ''}{release.note}"
        )
    if release.status is Status.WITHDRAWN:
        raise WithdrawnRelease(_refusal(release))


def carriers(columns: Iterable[str], score_models: Mapping[str, ScoreModel]) -> tuple[Release, ...]:
    """The loadable releases that have all those canonical columns, with scores of those models.

    A release whose columns are not confirmed is left out. A model that is ``UNSTATED`` asks for nothing.
    """
    wanted = set(columns) - {"pair_id"}
    models = {name: model for name, model in score_models.items() if model is not ScoreModel.UNSTATED}
    return tuple(
        release
        for release in RELEASES
        if release.status is not Status.WITHDRAWN
        and release.schema is not None
        and find_source_schema(release.schema).confirmed
        and wanted <= set(find_source_schema(release.schema).canonical)
        and all(release.score_models.get(name) is model for name, model in models.items())
    )


def releases_table() -> list[dict[str, Any]]:
    """The catalogue as one flat dict a release, JSON-ready, for the command line and for a DataFrame."""
    return [
        {
            "name": release.name,
            "repo_id": release.repo_id,
            "status": release.status.value,
            "kind": release.kind.value,
            "rows": release.rows,
            "rows_text": release.rows_text or (f"{release.rows:,}" if release.rows is not None else None),
            "rows_source": release.rows_source or None,
            "gated": release.gated,
            "license": release.license,
            "schema": release.schema,
            "score_models": {column: model.value for column, model in release.score_models.items()},
            "shards": release.shards,
            "shard_count": release.shard_count,
            "former_ids": list(release.former_ids),
            "alternate_ids": list(release.alternate_ids),
            "replacement": release.replacement,
            "note": release.note or None,
        }
        for release in RELEASES
    ]


_KINDS = {Kind.TAGS: "tags by hash", Kind.KEY_VALUE: "a binary key-value store of tags", Kind.IDS: "a list of ids"}


def _carried(release: Release) -> str:
    if release.kind is Kind.IDS or release.replacement is None:
        return "No release carries its columns."
    return f"{release.replacement} carries its {' and '.join(release.score_models)}."


def _refusal(release: Release) -> str:
    instead = f"Load {release.replacement} instead" if release.replacement else "Nothing replaces it"
    note = f" {release.note}" if release.note and release.status is Status.WITHDRAWN else ""
    what = f"{release.name} ({release.repo_id}) was withdrawn and is not loaded, from the Hub or a mirror"
    return f"{what}. {instead}.{note}"


def _nearest(asked: str) -> list[str]:
    """Up to three names that were perhaps meant, those that load before the withdrawn ones."""
    known = {id.casefold(): release for release in RELEASES for id in (release.repo_id, release.name)}
    near = [known[key] for key in difflib.get_close_matches(asked, known, n=6, cutoff=0.5)]
    near.sort(key=lambda release: release.status is Status.WITHDRAWN)
    return list(dict.fromkeys(release.name for release in near))[:3]
