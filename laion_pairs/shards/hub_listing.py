"""Shards of Hub repositories, at a commit, past the guard."""

from __future__ import annotations

import warnings

from laion_pairs.errors import NoShards, RepositoryMissing, ShardError
from laion_pairs.releases import Release, check_loadable
from laion_pairs.shards import guard
from laion_pairs.shards.card import card_data_files
from laion_pairs.shards.hub import Repository, main_history, open_repository, read_text
from laion_pairs.shards.locations import HubPath
from laion_pairs.shards.shard import Listing, Shard
from laion_pairs.shards.splits import DATA_SUFFIXES, data_files_in, match_paths, split_by_name

__all__ = ["Token", "find_on_hub", "list_release", "list_repository", "open_guarded"]

Token = str | bool | None


def list_release(release: Release, revision: str | None = None, token: Token = None) -> Listing:
    """The shards of a release of the catalogue, at ``revision`` (default: the newest) resolved to a commit.

    Raises:
        ReleaseError: withdrawn, or not pairs.
        ShardError: gated, missing, unreachable, or no file of it holds rows.

    Warns:
        UserWarning: no file has the name that was published (all data files are the shards then), or that of a split.
    """
    check_loadable(release)
    if release.text_location is not None:
        return _list_published_text(release, release.text_location)
    repository = _open_release(release, revision, token)
    files = data_files_in(repository.files)
    globs = dict(release.splits) or {"train": release.shard_glob or "**"}
    splits = {split: match_paths(glob, files) for split, glob in globs.items()}
    if not any(splits.values()):
        names = f"{release.name} was published with shards named {', '.join(globs.values())}"
        found = f"none of the {len(files)} data files of {repository.repo_id} is"
        if release.splits or not files:
            raise NoShards(
                f"{names}, but {found} today; "
                f'pass data_files="hf://datasets/{repository.repo_id}/…" to say which to read.'
            )
        warnings.warn(f"{names}; {found} today, so all of them are read.", UserWarning, stacklevel=2)
        splits = {"train": files}
    for split in [split for split, paths in splits.items() if not paths]:
        warnings.warn(
            f"{release.name}: no data file of {repository.repo_id} is named {globs[split]}, "
            f"so there is no {split!r} split.",
            UserWarning,
            stacklevel=2,
        )
    return _listing(repository, splits, release)


def list_repository(repo_id: str, revision: str | None = None, token: Token = None) -> Listing:
    """The shards of a repository: a release's if the catalogue knows it, else what its card or its file names say.

    Raises:
        ReleaseError, ShardError: as :func:`list_release`; or several configurations and no default.
    """
    release = guard.check_repository(repo_id)
    if release is not None:
        return list_release(release, revision, token)
    repository = open_guarded(repo_id, revision, token)
    files = data_files_in(repository.files)
    patterns = (
        card_data_files(read_text(repository, "README.md", token), repo_id) if "README.md" in repository.files else None
    )
    if patterns is None:
        splits = split_by_name(files)
    else:
        splits = {
            split: [path for glob in globs for path in match_paths(glob, files)] for split, globs in patterns.items()
        }
    if not any(splits.values()):
        raise NoShards(
            f"{repo_id} holds no data file that its card names (of {', '.join(DATA_SUFFIXES)}); pass data_files=."
        )
    return _listing(repository, splits)


def find_on_hub(place: HubPath, repository: Repository) -> tuple[list[str], bool]:
    """The paths in ``repository`` that ``place`` names (a file, a folder, a glob, or all), and whether it is a folder.

    Raises:
        NoShards: nothing matches.
    """
    if place.path in repository.files:
        return [place.path], False
    files = data_files_in(repository.files)
    folder = place.path.rstrip("/") + "/" if place.path else ""
    inside = [path for path in files if path.startswith(folder)]
    found = inside or match_paths(place.path, files)
    if not found:
        raise NoShards(
            f"{place.path or 'Nothing'!r} matches no data file ({', '.join(DATA_SUFFIXES)}) among the "
            f"{len(repository.files)} files of {repository.repo_id} at {repository.commit[:8]}; check the path."
        )
    return found, bool(inside)


def open_guarded(repo_id: str, revision: str | None, token: Token, release: Release | None = None) -> Repository:
    """Open a repository unless what the Hub answers gives away withdrawn data.

    Raises:
        WithdrawnRelease: by id, former id, revision or shard name.
        RepositoryMissing: the Hub answers with another repository.
        ShardError: as :func:`laion_pairs.shards.hub.open_repository`.
    """
    release = release or guard.check_repository(repo_id)
    repository = open_repository(repo_id, revision, token)
    guard.check_answer(repo_id, repository.repo_id, (release.repo_id, *release.alternate_ids) if release else ())
    if release is not None and release.renamed_since is not None and revision is not None:
        history = main_history(repository.repo_id, token)
        if repository.commit != next(iter(history), None):
            guard.check_revision(release, revision, history.get(repository.commit))
    guard.check_remote_files(repository.files, repository.repo_id)
    return repository


def _open_release(release: Release, revision: str | None, token: Token) -> Repository:
    ids = (release.repo_id, *release.alternate_ids)
    missing: list[RepositoryMissing] = []
    for repo_id in ids:
        try:
            return open_guarded(repo_id, revision, token, release)
        except RepositoryMissing as error:
            missing.append(error)
    if len(missing) == 1:
        raise missing[0]
    raise RepositoryMissing(f"{missing[0]} (Asked for {', '.join(ids)}.)") from missing[0]


def _list_published_text(release: Release, location: str) -> Listing:
    if not location.lower().endswith(DATA_SUFFIXES):
        raise ShardError(
            f"{release.name} is published as {location}, which is not read from here; "
            "download it, convert it to parquet, and pass data_files=."
        )
    return Listing({"train": (Shard(location, "train"),)}, release)


def _listing(repository: Repository, splits: dict[str, list[str]], release: Release | None = None) -> Listing:
    shards = {
        split: tuple(Shard(repository.url(path), split, repository.files[path]) for path in dict.fromkeys(paths))
        for split, paths in splits.items()
        if paths
    }
    return Listing(shards, release, repository.repo_id, repository.commit)
