"""Questions to the Hugging Face Hub, through ``huggingface_hub`` only, and its refusals as this project's errors.

The endpoint is ``HF_ENDPOINT``'s, read when a question is asked. The token goes to the Hub's own session and nowhere
else: into no URL, no shard, no message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from datasets import config
from huggingface_hub import HfApi, HfFileSystem, constants, errors
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # its HTTP library's own base class
from huggingface_hub.hf_api import DatasetInfo, RepoFile

from laion_pairs.errors import AccessDenied, HubUnreachable, LaionError, NoShards, RepositoryMissing, ShardError
from laion_pairs.shards.locations import endpoint, host_of

__all__ = [
    "Repository",
    "filesystem",
    "hub_errors",
    "main_history",
    "open_repository",
    "read_text",
]

_MANY_FILES = 1000
"""From so many on, the Hub's answer about a repository may leave some out (``huggingface_hub`` reckons so too, in
``snapshot_download``), and they are listed page by page."""
_REFUSALS = (OSError, HTTPError, errors.HFValidationError, errors.EntryNotFoundError)


@dataclass(frozen=True)
class Repository:
    """A dataset repository at one commit: the id that the Hub answers to, and every file's path with its size."""

    repo_id: str
    commit: str
    files: Mapping[str, int | None]

    def url(self, path: str) -> str:
        return f"hf://datasets/{self.repo_id}@{self.commit}/{path}"


def filesystem(token: str | bool | None) -> HfFileSystem:
    return HfFileSystem(endpoint=endpoint(), token=token)


def open_repository(repo_id: str, revision: str | None = None, token: str | bool | None = None) -> Repository:
    """Resolve ``revision`` (default: the main branch) to a commit and list its files.

    The Hub lists a gated repository to everybody; whether this token may read it is asked here, before the first row.
    """
    api = _api(token)
    with hub_errors(repo_id, revision):
        if config.HF_HUB_OFFLINE:  # also HF_DATASETS_OFFLINE, which huggingface_hub does not know
            raise errors.OfflineModeIsEnabled(repo_id)
        info = api.dataset_info(repo_id, revision=revision, files_metadata=True)
        if info.gated:
            api.auth_check(repo_id, repo_type="dataset")
        return Repository(info.id, str(info.sha), _files(api, info))


def _files(api: HfApi, info: DatasetInfo) -> dict[str, int | None]:
    siblings = info.siblings or ()
    if 0 < len(siblings) < _MANY_FILES:
        return {file.rfilename: file.size for file in siblings}
    tree = api.list_repo_tree(info.id, repo_type="dataset", revision=info.sha, recursive=True)
    return {entry.path: entry.size for entry in tree if isinstance(entry, RepoFile)}


def main_history(repo_id: str, token: str | bool | None = None) -> dict[str, datetime]:
    """The commits of the main branch, newest first, and when each was made. Nobody but the owners puts one there."""
    with hub_errors(repo_id):
        commits = _api(token).list_repo_commits(repo_id, repo_type="dataset")
    return {commit.commit_id: commit.created_at for commit in commits}


def read_text(repository: Repository, path: str, token: str | bool | None = None) -> str:
    """A small text file of the repository."""
    with hub_errors(repository.repo_id, repository.commit), filesystem(token).open(repository.url(path), "rb") as file:
        content: bytes = file.read()
    return content.decode("utf-8", "replace")


@contextmanager
def hub_errors(repo_id: str, revision: str | None = None) -> Iterator[None]:
    """Turn whatever ``huggingface_hub`` raises inside into one sentence that says what to do.

    The ``except`` names nothing but a builtin: a stream that nobody finished may be closed when the interpreter exits,
    after the other names of this module are gone.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, LaionError) or not isinstance(error, _REFUSALS):
            raise
        raise _explain(error, repo_id, revision) from error


def _explain(error: BaseException, repo_id: str, revision: str | None) -> ShardError:
    if isinstance(error, errors.OfflineModeIsEnabled):
        variable = "HF_HUB_OFFLINE" if constants.HF_HUB_OFFLINE else "HF_DATASETS_OFFLINE"
        return HubUnreachable(
            f"The Hub was asked for {repo_id}, but offline mode is on ({variable}); "
            "unset it, or pass files that are already on this machine as data_files=."
        )
    if isinstance(error, errors.GatedRepoError):
        return AccessDenied(
            f"{repo_id} is gated: accept the terms at https://huggingface.co/datasets/{repo_id}, "
            "then run `hf auth login` or pass token=…."
        )
    if isinstance(error, errors.DisabledRepoError):
        return AccessDenied(f"Access to {repo_id} has been disabled on the Hub; no token changes that.")
    if isinstance(error, errors.RevisionNotFoundError):
        return RepositoryMissing(f"{repo_id} has no revision {revision!r}; leave revision= out for the newest.")
    if isinstance(error, (errors.RepositoryNotFoundError, errors.HFValidationError)):
        return RepositoryMissing(
            f"The Hub has no dataset {repo_id!r}, or it is private; check the spelling, "
            "and if it is private run `hf auth login` or pass token=…."
        )
    if isinstance(error, (errors.EntryNotFoundError, FileNotFoundError)):
        if isinstance(error.__cause__, errors.HfHubHTTPError):  # what the file system made one word of
            return _explain(error.__cause__, repo_id, revision)
        return NoShards(
            f"A file is missing from {repo_id} at revision {revision or 'main'}; list the repository again."
        )
    return _other_refusal(repo_id, error)


def _other_refusal(repo_id: str, error: Any) -> ShardError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return AccessDenied(
            f"The Hub refused this token for {repo_id} (HTTP {status}): accept any terms at "
            f"https://huggingface.co/datasets/{repo_id}, then run `hf auth login` or pass token=…."
        )
    found = f"answered HTTP {status}" if status else f"cannot be reached ({type(error).__name__})"
    return HubUnreachable(
        f"The Hub at {host_of(endpoint())} {found} when asked for {repo_id}; "
        "check the network and HF_ENDPOINT, or try later."
    )


def _api(token: str | bool | None) -> HfApi:
    return HfApi(endpoint=endpoint(), token=token)
