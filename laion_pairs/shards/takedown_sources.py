"""Takedown lists as a user names them (files, folders, Hub repositories) become files on this machine.

All or nothing: a list that may be there and cannot be had stops the load. A repository is read at one commit, the
newest or the one that is named (``owner/name@revision``); every list of that commit must arrive. The path of what was
downloaded carries the commit, so that a handle which names it never sees half of another version.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from huggingface_hub import HfApi

from laion_pairs.errors import LaionError, TakedownError
from laion_pairs.plain_text import one_line
from laion_pairs.shards.hub import open_repository
from laion_pairs.shards.locations import endpoint

__all__ = ["fetch_takedown_lists"]

Sources = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None


def fetch_takedown_lists(sources: Sources, token: bool | str | None = None) -> tuple[str, ...]:
    """The absolute paths of the lists that ``takedown=`` names.

    Args:
        sources: a parquet file, a folder of them, a Hub dataset repository ``owner/name[@revision]``, or several of
            these.
        token: for the Hub only.

    Raises:
        TakedownError: one of them is not there or cannot be downloaded; nothing is read without it.
    """
    if sources is None:
        return ()
    named = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    return tuple(dict.fromkeys(path for source in named for path in _files(os.fspath(source), token)))


def _files(source: str, token: bool | str | None) -> list[str]:
    path = os.path.abspath(os.path.expanduser(source))
    if not source:
        raise TakedownError("takedown= was given an empty name; name a list, a folder or a Hub repository.")
    if os.path.isdir(path):
        found = sorted(_lists_below(path))
    elif os.path.lexists(path):
        found = [path]
    else:
        found = _download(source, token)
    if not found:
        raise TakedownError(f"takedown={source!r} holds no parquet file; name a list that `laion takedown` wrote.")
    return found


def _lists_below(folder: str) -> Iterator[str]:
    """Every parquet file below a folder, hidden ones too. Links to folders are not followed, as they can be circles."""
    try:
        with os.scandir(folder) as entries:  # not glob or walk, which take a forbidden folder for an empty one
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _lists_below(entry.path)
                elif entry.is_dir():
                    raise TakedownError(
                        f"The folder of takedown lists {folder} holds a link to a folder, {entry.name!r}, which is not "
                        "followed; name that folder itself beside this one, and take the link out."
                    )
                elif entry.name.lower().endswith(".parquet"):
                    yield entry.path
    except OSError as error:
        if isinstance(error, LaionError):
            raise
        raise TakedownError(
            f"The folder of takedown lists {folder} cannot be looked into ({error.strerror}); "
            "nothing is delivered without it."
        ) from error


def _download(source: str, token: bool | str | None) -> list[str]:
    repo_id, _, revision = source.partition("@")
    if repo_id.count("/") != 1 or repo_id.endswith(".parquet") or repo_id[0] in "./~\\":
        raise TakedownError(
            f"takedown={source!r} is neither a file, a folder nor a Hub repository owner/name; "
            "nothing is loaded without the list that was asked for."
        )
    try:
        repository = open_repository(repo_id, revision or None, token)
        api = HfApi(endpoint=endpoint(), token=token)
        lists = sorted(path for path in repository.files if path.lower().endswith(".parquet"))
        return [
            os.path.abspath(
                api.hf_hub_download(repository.repo_id, path, repo_type="dataset", revision=repository.commit)
            )
            for path in lists
        ]
    except Exception as error:  # whatever the Hub, the network or the disk did: without the list nothing is loaded
        reason = one_line((str(error).strip() or type(error).__name__).splitlines()[0].rstrip("."), max_chars=400)
        raise TakedownError(f"takedown={source!r} cannot be had from the Hub ({reason}).") from error
