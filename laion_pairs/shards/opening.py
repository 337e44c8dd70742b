"""Open a shard where it lies, for reading at any offset; nothing is copied to disk.

Only the Hub is sent the Hub's token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa

from laion_pairs.errors import AccessDenied, HubUnreachable, LaionError, NoShards, ShardError
from laion_pairs.shards.hub import hub_errors
from laion_pairs.shards.locations import host_of, parse_hub_path
from laion_pairs.shards.ranges import HubHost, Remote, WebHost
from laion_pairs.shards.shard import Shard

__all__ = ["open_local", "open_remote"]


@contextmanager
def open_local(path: str) -> Iterator[Any]:
    """A file on this machine, closed at the end; what the system refuses inside is raised as this project's error.

    Raises:
        AccessDenied, NoShards, ShardError
    """
    with _local_errors(path), pa.OSFile(path, "rb") as file:
        yield file


@contextmanager
def open_remote(shard: Shard, token: str | bool | None = None) -> Iterator[Remote]:
    """A file on a host, to read ranges of; what the host refuses inside is raised as this project's error.

    Raises:
        AccessDenied, RepositoryMissing, NoShards, HubUnreachable, ShardError
    """
    place = parse_hub_path(shard.url)
    host = WebHost(shard.url) if place is None else HubHost(place, token)
    errors = _web_errors(shard.url) if place is None else hub_errors(place.repo_id, place.revision)
    with errors, closing(Remote(host, shard.size, shard.tail)) as remote:
        yield remote


@contextmanager
def _local_errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, LaionError):
            raise
        raise _explain_local(error, path) from error


def _explain_local(error: OSError, path: str) -> ShardError:
    if isinstance(error, FileNotFoundError):
        return NoShards(f"The file {path} is gone; list the files again.")
    if isinstance(error, PermissionError):
        return AccessDenied(f"The file {path} may not be read by this user.")
    return ShardError(f"The file {path} cannot be read: {error.strerror or error}.")


@contextmanager
def _web_errors(url: str) -> Iterator[None]:
    from aiohttp import ClientError  # what fsspec reads https:// with

    try:
        yield
    except Exception as error:  # a builtin name only, see hub_errors
        if isinstance(error, LaionError):
            raise
        if isinstance(error, (OSError, asyncio.TimeoutError, ClientError)):
            raise _explain_web(error, url) from error
        raise


def _explain_web(error: BaseException, url: str) -> ShardError:
    """fsspec calls nearly everything a FileNotFoundError; what the host really answered is the cause."""
    cause = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ is not None else error
    status = getattr(cause, "status", None)
    if status in (401, 403):
        return AccessDenied(
            f"{host_of(url)} does not let us read {url} (HTTP {status}); download it and pass the file."
        )
    if status in (404, 410) or (isinstance(cause, FileNotFoundError) and status is None):
        return NoShards(f"{host_of(url)} has no file at {url}; check the address.")
    found = f"HTTP {status}" if status else type(cause).__name__
    return HubUnreachable(f"{host_of(url)} did not deliver {url} ({found}); check the network, or try later.")
