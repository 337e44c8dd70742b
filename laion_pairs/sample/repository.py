"""A dataset repository as the Hub keeps it: commits with dates, branches and tags, each a tree of files. No network.

Identities follow the Hub: a commit has a 40-digit id, a small text file's ETag is its git blob id, a large (LFS) file's
is the SHA-256 of its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Literal

__all__ = ["Commit", "Folder", "Repository", "StoredFile"]

LFS_SUFFIXES = (".parquet", ".tar", ".npz", ".npy", ".zip", ".gz", ".arrow", ".bin")  # of the Hub's .gitattributes
FIRST_DATE = datetime(2024, 8, 30, 12, 0, tzinfo=timezone.utc)


@dataclass(frozen=True)
class StoredFile:
    """One file of a commit; ``content`` is bytes or a path that is read when it is served."""

    path: str
    content: bytes | Path

    @cached_property
    def size(self) -> int:
        """Bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    @property
    def is_lfs(self) -> bool:
        """Whether the Hub would keep it in LFS."""
        return self.path.endswith(LFS_SUFFIXES)

    @cached_property
    def sha256(self) -> str:
        """Hex SHA-256 of the content."""
        return hashlib.sha256(self._bytes()).hexdigest()

    @cached_property
    def blob_id(self) -> str:
        """Git's blob id: of the content, or of the pointer that stands for it in LFS."""
        data = self._pointer() if self.is_lfs else self._bytes()
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()

    @property
    def etag(self) -> str:
        """What the ETag header says, without quotes."""
        return self.sha256 if self.is_lfs else self.blob_id

    def entry(self) -> dict[str, object]:
        """As a line of the ``tree`` and ``paths-info`` answers."""
        line: dict[str, object] = {"type": "file", "path": self.path, "size": self.size, "oid": self.blob_id}
        if self.is_lfs:
            line["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": len(self._pointer())}
        return line

    def _bytes(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()

    def _pointer(self) -> bytes:
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n".encode()


@dataclass(frozen=True)
class Folder:
    """A folder of a commit; git has none, the Hub's listing does."""

    path: str

    def entry(self) -> dict[str, object]:
        """As a line of the ``tree`` and ``paths-info`` answers."""
        oid = hashlib.sha1(f"tree {self.path}".encode(), usedforsecurity=False).hexdigest()
        return {"type": "directory", "path": self.path, "size": 0, "oid": oid}


@dataclass(frozen=True)
class Commit:
    """One commit: every file as it was after it."""

    commit_id: str
    title: str
    date: datetime
    files: Mapping[str, StoredFile]
    parent: Commit | None = None

    @property
    def date_text(self) -> str:
        """As the Hub writes dates."""
        return self.date.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def find(self, path: str) -> StoredFile | Folder | None:
        """The file or folder at a path, or None."""
        if path in self.files:
            return self.files[path]
        return Folder(path) if any(name.startswith(f"{path}/") for name in self.files) else None

    def listing(self, folder: str = "", *, recursive: bool = False) -> list[StoredFile | Folder]:
        """What a folder holds ("" is the root), folders before files, in the Hub's order; nothing if it is missing."""
        prefix = f"{folder}/" if folder else ""
        folders: set[str] = set()
        files: list[StoredFile] = []
        for name, file in self.files.items():
            if not name.startswith(prefix):
                continue
            inner = name[len(prefix) :].split("/")
            depths = range(1, len(inner)) if recursive else range(1, min(len(inner), 2))
            folders.update(prefix + "/".join(inner[:depth]) for depth in depths)
            if recursive or len(inner) == 1:
                files.append(file)
        return [*(Folder(path) for path in sorted(folders)), *sorted(files, key=lambda file: file.path)]


@dataclass
class Repository:
    """A dataset repository: who may read it, and every commit since the first.

    ``gated`` as the Hub says it: False, "auto" (accepting the terms is enough) or "manual" (the authors decide).
    ``readers`` are the tokens with access to a gated or private repository.
    """

    repo_id: str
    private: bool = False
    gated: Literal[False, "auto", "manual"] = False
    disabled: bool = False
    readers: frozenset[str] = frozenset()
    commits: list[Commit] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def add_commit(
        self,
        files: Mapping[str, bytes | str | Path],
        *,
        title: str = "Upload files",
        date: datetime | None = None,
        delete: Iterable[str] = (),
        branch: str = "main",
    ) -> Commit:
        """Put files on a branch in one commit and return it. ``str`` content is text; a Path is served from disk."""
        parent = self.find(branch)
        tree = dict(parent.files) if parent else {}
        for path in delete:
            del tree[path]
        for path, content in files.items():
            tree[path] = StoredFile(path, content.encode() if isinstance(content, str) else content)
        if date is None:
            date = parent.date + timedelta(days=1) if parent else FIRST_DATE
        elif date.tzinfo is None:
            date = date.replace(tzinfo=timezone.utc)
        seed = [self.repo_id, str(len(self.commits)), title, date.isoformat()]
        seed += [f"{path} {file.etag}" for path, file in sorted(tree.items())]
        commit_id = hashlib.sha1("\n".join(seed).encode(), usedforsecurity=False).hexdigest()
        commit = Commit(commit_id, title, date, tree, parent)
        self.commits.append(commit)
        self.branches[branch] = commit_id
        return commit

    def find(self, revision: str) -> Commit | None:
        """The commit that a branch, tag, full or short id, or ``refs/convert/…`` name means, or None."""
        name = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        wanted = self.branches.get(name) or self.tags.get(name) or revision
        if len(wanted) < 7:
            return None
        return next((commit for commit in self.commits if commit.commit_id.startswith(wanted)), None)

    def history(self, commit: Commit) -> list[Commit]:
        """The commit and those before it, last first."""
        found: list[Commit] = []
        before: Commit | None = commit
        while before is not None:
            found.append(before)
            before = before.parent
        return found
