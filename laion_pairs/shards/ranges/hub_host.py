"""One range of a file on the Hub, through ``huggingface_hub``'s own session: its proxies, its offline mode, its errors.

The Hub answers for most files with a redirect to a signed address elsewhere, which the token is not sent to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from huggingface_hub import constants, errors, get_session, hf_hub_url
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # its HTTP library's own base class
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

from laion_pairs.errors import LaionError
from laion_pairs.shards.locations import HubPath, endpoint, host_of
from laion_pairs.shards.ranges.body import Body
from laion_pairs.shards.ranges.host import Answer, Lost, answer_of, refusal_of

__all__ = ["HubHost"]

_PIECE_BYTES = 1 << 20


class HubHost:
    """A file of a dataset repository at a commit."""

    is_pinned = True

    def __init__(self, place: HubPath, token: str | bool | None) -> None:
        self.url = hf_hub_url(
            place.repo_id, place.path, repo_type="dataset", revision=place.revision, endpoint=endpoint()
        )
        self._token = token

    def get(self, url: str, byte_range: str, begin: Callable[[Answer], None], into: Body, max_bytes: int) -> None:
        token = self._token if host_of(url) == host_of(self.url) else False
        headers = {**build_hf_headers(token=token), "Range": byte_range, "Accept-Encoding": "identity"}
        try:
            with _streamed(url, headers) as response:
                if response.status_code not in (200, 206):
                    _refuse(response)
                answer = answer_of(response.status_code, response.headers, str(response.url))
                begin(answer)
                for piece in _pieces(response) if answer.partial else ():
                    if not into.take(piece, max_bytes):  # to the end otherwise: the connection can be used again
                        break
        except (errors.OfflineModeIsEnabled, LaionError):
            raise
        except (OSError, HTTPError) as error:
            raise Lost from error


@contextmanager
def _streamed(url: str, headers: dict[str, str]) -> Iterator[Any]:
    """An answer before its body is read: an httpx client's since ``huggingface_hub`` 1.0, else a requests session's."""
    session: Any = get_session()
    timeout_s = constants.HF_HUB_DOWNLOAD_TIMEOUT
    if callable(session.stream):  # a flag in requests
        with session.stream("GET", url, headers=headers, timeout=timeout_s) as response:
            yield response
    else:
        with session.get(url, headers=headers, timeout=timeout_s, stream=True) as response:
            yield response


def _pieces(response: Any) -> Iterable[bytes]:
    pieces: Iterable[bytes] = (
        response.iter_raw() if hasattr(response, "iter_raw") else response.iter_content(_PIECE_BYTES)
    )
    return pieces


def _refuse(response: Any) -> NoReturn:
    if hasattr(response, "iter_raw"):
        response.read()  # the body, which the error quotes
    try:
        hf_raise_for_status(response)
        raise ConnectionError(f"HTTP {response.status_code}")  # a redirect to nowhere
    except (OSError, HTTPError) as error:
        raise refusal_of(response.status_code, response.headers, str(response.url)) from error
