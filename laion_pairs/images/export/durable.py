"""Files that are whole or not there: written under a hidden name beside their own, made durable, renamed.

A reader never sees a part of one, also after a kill, a power cut or a full disk. What a killed process left behind
starts with ``PARTIAL`` and may be deleted.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

__all__ = ["PARTIAL", "partial_path", "publish", "remove", "write_whole"]

PARTIAL = ".partial-"
"""How the name of an unfinished file or folder begins; globs and dataset loaders pass over hidden names."""


def partial_path(path: Path) -> Path:
    """Where ``path`` is written until it is whole: the same folder, so that a rename is one step."""
    return path.with_name(f"{PARTIAL}{path.name}")


def publish(path: Path) -> None:
    """Give the finished file or folder at ``partial_path(path)`` its name; on disk before this returns."""
    partial = partial_path(path)
    if not partial.is_dir():
        _sync(partial)
    elif sys.platform == "linux":  # one call waits for all files; one for each takes seconds
        os.sync()
    else:
        for inside in (*partial.iterdir(), partial):
            _sync(inside)
    partial.replace(path)
    _sync(path.parent)


def remove(path: Path) -> None:
    """Remove a file, a folder with what is in it, or a link without what it leads to; also where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write one small file, whole and durable, over an older one if there is one."""
    try:
        partial_path(path).write_bytes(content)
        publish(path)
    except OSError:  # a full disk: nothing half-written stays
        partial_path(path).unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows opens no folders, and makes renames durable by itself
        return
    file = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
