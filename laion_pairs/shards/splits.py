"""Which files are data, and which split each belongs to, by the rules of ``datasets`` (pure).

Data files end in .parquet, .csv or .tsv. Anything hidden (``.part-00000.parquet.crc``, ``.cache/…``) or inside a
``__special__`` folder is not data; nor are ``_SUCCESS``, ``README.md``, ``.crc`` and ``.npz``, which end otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from datasets.data_files import _get_data_files_patterns
from fsspec.utils import glob_translate

__all__ = ["DATA_SUFFIXES", "data_files_in", "match_paths", "split_by_name"]

DATA_SUFFIXES = (".parquet", ".csv", ".tsv")


def data_files_in(paths: Iterable[str]) -> list[str]:
    """The paths (relative, with ``/``) that are data files, sorted."""
    return sorted(path for path in paths if path.lower().endswith(DATA_SUFFIXES) and not _is_hidden(path))


def match_paths(pattern: str, paths: Iterable[str]) -> list[str]:
    """The paths that a glob pattern names; ``**`` crosses folders, ``*`` does not."""
    matches = re.compile(glob_translate(pattern)).fullmatch
    return [path for path in paths if matches(path)]


def split_by_name(paths: list[str]) -> dict[str, list[str]]:
    """Sort data files into splits as ``datasets`` does from ``data/train-00000-of-00002.parquet``, ``test.csv``, ….

    Files whose names say nothing are all ``train``.
    """
    if not paths:
        return {}
    patterns = _get_data_files_patterns(lambda pattern: match_paths(pattern, paths))
    by_split: dict[str, list[str]] = {}
    for split, globs in patterns.items():
        by_split[str(split)] = sorted({path for glob in globs for path in match_paths(glob, paths)})
    return by_split


def _is_hidden(path: str) -> bool:
    return any(part.startswith((".", "__")) for part in path.split("/"))
