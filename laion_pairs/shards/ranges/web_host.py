"""One range of a file at any web address, through ``fsspec``'s https session, which never holds the Hub's token."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn

import fsspec
from fsspec.asyn import sync
from huggingface_hub import constants

from laion_pairs.errors import LaionError
from laion_pairs.shards.ranges.body import Body
from laion_pairs.shards.ranges.host import Answer, Lost, answer_of, refusal_of

__all__ = ["WebHost"]

_PIECE_BYTES = 1 << 20


class WebHost:
    """A file at an ``https://`` address."""

    is_pinned = False

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, url: str, byte_range: str, begin: Callable[[Answer], None], into: Body, max_bytes: int) -> None:
        import aiohttp
        import yarl

        files = _filesystem(os.getpid())
        try:
            address = files.encode_url(url) if url == self.url else yarl.URL(url, encoded=True)
            sync(files.loop, _get, files, address, byte_range, begin, into, max_bytes)
        except (aiohttp.ClientSSLError, aiohttp.InvalidURL, LaionError):
            raise
        except (OSError, asyncio.TimeoutError, aiohttp.ClientError) as error:
            raise Lost from error


@lru_cache(maxsize=1)
def _filesystem(process_id: int) -> Any:
    """The process's own file system: its connections and its thread are not shared with a child of a fork."""
    return fsspec.filesystem("https")


async def _get(
    files: Any, address: Any, byte_range: str, begin: Callable[[Answer], None], into: Body, max_bytes: int
) -> None:
    import aiohttp

    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=constants.HF_HUB_DOWNLOAD_TIMEOUT, sock_read=constants.HF_HUB_DOWNLOAD_TIMEOUT
    )
    headers = {"Range": byte_range, "Accept-Encoding": "identity"}
    session = await files.set_session()
    async with session.get(address, headers=headers, timeout=timeout) as response:
        if response.status not in (200, 206):
            _refuse(response)
        answer = answer_of(response.status, response.headers, str(response.url))
        begin(answer)
        if not answer.partial:
            response.close()
            return
        while (piece := await response.content.read(_PIECE_BYTES)) and into.take(piece, max_bytes):
            pass


def _refuse(response: Any) -> NoReturn:
    import aiohttp

    try:
        response.raise_for_status()
        raise ConnectionError(f"HTTP {response.status}")  # a redirect to nowhere
    except (OSError, aiohttp.ClientError) as error:
        raise refusal_of(response.status, response.headers, str(response.url)) from error
