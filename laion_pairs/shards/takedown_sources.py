"""Takedown lists as a user names them (files, folders, Hub repositories) become files on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from huggingface_hub import snapshot_download

from laion_pairs.errors import TakedownError

__all__ = ["fetch_takedown_lists"]

Sources = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None


def fetch_takedown_lists(sources: Sources, token: bool | str | None = None) -> tuple[str, ...]:
    """The absolute paths of the lists that ``takedown=`` names.

    Args:
        sources: a parquet file, a folder of them, a Hub dataset repository ``owner/name``, or several of these.
        token: for the Hub only.

    Raises:
        TakedownError: one of them is not there or cannot be downloaded; nothing is read without it.
    """
    if sources is None:
        return ()
    named = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    return tuple(dict.fromkeys(path for source in named for path in _files(os.fspath(source), token)))


def _files(source: str, token: bool | str | None) -> Iterator[str]:
    path = Path(source).expanduser()
    if path.is_file():
        yield str(path.absolute())
        return
    folder = path if path.is_dir() else _download(source, token)
    found = sorted(str(file.absolute()) for file in folder.rglob("*.parquet"))
    if not found:
        raise TakedownError(f"takedown={source!r} holds no parquet file; name a list that `laion takedown` wrote.")
    yield from found


def _download(source: str, token: bool | str | None) -> Path:
    if source.count("/") != 1 or source.endswith(".parquet"):
        raise TakedownError(
            f"takedown={source!r} is neither a file, a folder nor a Hub repository owner/name; "
            "nothing is loaded without the list that was asked for."
        )
    try:
        return Path(snapshot_download(source, repo_type="dataset", allow_patterns="*.parquet", token=token))
    except Exception as error:  # whatever the Hub, the network or the disk did: without the list nothing is loaded
        reason = str(error).strip().splitlines()[0]
        raise TakedownError(f"takedown={source!r} cannot be downloaded from the Hub ({reason}).") from error
