"""Where a file can be: on this machine, in a dataset repository of the Hub, or behind https (no I/O).

::

    /data/part-00000.parquet                                   a local path, absolute or relative
    hf://datasets/owner/name[@revision][/path]                 on the Hub; so is its web address,
    https://huggingface.co/datasets/owner/name/resolve/…       which is read as the hf:// form
    https://…                                                  anywhere else; never sent the Hub's token
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import unquote

from huggingface_hub import constants

from laion_pairs.errors import ShardError
from laion_pairs.schema import normalise_url

__all__ = ["HubPath", "endpoint", "host_of", "parse_hub_path"]


@dataclass(frozen=True)
class HubPath:
    """A place in a dataset repository as a user wrote it; ``path`` may hold wildcards, and is "" for the whole."""

    repo_id: str
    revision: str | None
    path: str


_HOW = "write hf://datasets/owner/name[@revision]/path."
_REPO = r"(?P<repo>[^/@?#]+/[^/@?#]+)"
_REVISION = r"(?P<revision>refs/(?:convert|pr)/[^/]+|[^/]+)"
_HF_URI = re.compile(rf"hf://datasets/{_REPO}(?:@{_REVISION})?(?:/(?P<path>.*))?", re.IGNORECASE)
_HUB_URL = re.compile(rf"datasets/{_REPO}(?:/(?:resolve|blob|raw|tree)/{_REVISION}(?:/(?P<path>.*))?)?/?")


def parse_hub_path(url: str) -> HubPath | None:
    """Read ``hf://datasets/owner/name[@revision][/path]`` or the web address of the same; None for anything else.

    Raises:
        ShardError: an ``hf://`` location that is not in a dataset repository of the form ``owner/name``.
    """
    if url.lower().startswith("hf://"):
        match = _HF_URI.fullmatch(url)
        if match is None:
            raise ShardError(f"{url!r} is no place in a dataset repository; {_HOW}")
    else:
        scheme, separator, rest = url.partition("://")
        _, _, path = rest.partition("/")
        hosts = {host_of(normalise_url(endpoint())), "huggingface.co", "www.huggingface.co", "hf.co"}
        if not separator or scheme.lower() not in ("http", "https") or host_of(normalise_url(url)) not in hosts:
            return None
        match = _HUB_URL.fullmatch(unquote(re.split("[?#]", path)[0]))
        if match is None:
            raise ShardError(f"{url!r} is no place in a dataset repository; {_HOW}")
    revision = match["revision"]
    return HubPath(match["repo"], unquote(revision) if revision else None, match["path"] or "")


def endpoint() -> str:
    """The Hub's address: ``HF_ENDPOINT`` as it is now, or the public Hub."""
    return os.environ.get("HF_ENDPOINT") or constants.ENDPOINT


def host_of(url: str) -> str:
    """Host and port of a URL, lower-case, without user and password."""
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2].lower()
