"""An image whose bytes lie in the dataset: judged like a fetched one, without any request."""

from __future__ import annotations

import hashlib

from laion_pairs.images.decoding import decode_image, read_image_header
from laion_pairs.images.fetched import Fetched
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.protection import refuse_taken_down
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome
from laion_pairs.takedown import TakedownLists

__all__ = ["read_stored"]


def read_stored(body: bytes, url: str, policy: DownloadPolicy, takedown: TakedownLists | None) -> Fetched:
    """Check stored bytes as if they had just been fetched from ``url`` (``""`` where unknown).

    The takedown lists see the bytes; the policy's pixel limit and the list of formats apply, its limit on bytes does
    not, for they are here already.
    """
    if takedown is not None and takedown.match_bytes(*_digests(body)) is not None:
        return refuse_taken_down()
    try:
        header = read_image_header(body, policy)
        decode_image(body, policy)
    except Refused as refused:
        return Fetched(refused.outcome, url=url, detail=refused.detail)
    return Fetched(Outcome.OK, url=url, body=body, format=header.format, width=header.width, height=header.height)


def _digests(body: bytes) -> tuple[str, str]:
    return hashlib.md5(body, usedforsecurity=False).hexdigest(), hashlib.sha256(body).hexdigest()
