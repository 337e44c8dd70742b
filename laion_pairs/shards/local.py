"""Data files on this machine (reads folders, no file)."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from laion_pairs.errors import NoShards
from laion_pairs.shards.splits import data_files_in

__all__ = ["find_local", "list_folder"]


def list_folder(folder: str) -> list[str]:
    """The data files below a folder, as sorted paths relative to it, with ``/``.

    Raises:
        NoShards: there is no such folder, or it holds no data file.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise NoShards(f"There is no folder {folder!r}; check the path.")
    paths = data_files_in(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    if not paths:
        raise NoShards(f"The folder {folder!r} holds no data file (.parquet, .csv or .tsv).")
    return paths


def find_local(pattern: str) -> list[str]:
    """The absolute paths that a path, a folder or a glob pattern names, sorted.

    Raises:
        NoShards: nothing matches.
    """
    path = os.path.abspath(os.path.expanduser(pattern.removeprefix("file://")))
    if os.path.isfile(path):
        return [path]
    if os.path.isdir(path):
        return [os.path.join(path, name) for name in list_folder(path)]
    files = [name for name in glob.glob(path, recursive=True) if os.path.isfile(name)]
    found = [name for name in files if data_files_in([os.path.basename(name)])]
    if not found:
        raise NoShards(f"{pattern!r} matches no data file (.parquet, .csv or .tsv) on this machine; check the path.")
    return sorted(found)
