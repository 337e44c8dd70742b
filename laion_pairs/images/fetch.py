"""One URL, fetched now and safely: the same walk, transport and decoder as hundreds at once, with one in flight."""

from __future__ import annotations

import os
import time
from functools import lru_cache

from laion_pairs.images.decoding import decode_image, read_image_header
from laion_pairs.images.fetched import Fetched
from laion_pairs.images.hops import Hops, Takedowns
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.images.reservations import Reservations, Wait, asks_origins
from laion_pairs.images.transfer import Transfer
from laion_pairs.images.transport import Transfers
from laion_pairs.ledger import Outcome

__all__ = ["fetch_image"]


def fetch_image(url: str, policy: DownloadPolicy | None = None, *, takedown: Takedowns | None = None) -> Fetched:
    """Fetch one image under ``policy`` (default: :class:`DownloadPolicy`'s own) and make sure that it decodes.

    Never raises for what the web does: every failure is the ``outcome`` of the answer. Blocks for at most
    ``policy.total_timeout_s`` plus the time to decode; works in any thread, in forked processes and inside a running
    event loop, and shares nothing between calls.

    Args:
        url: http or https; anything else is ``BAD_URL``.
        policy: the limits; see :class:`DownloadPolicy` for ``allow_private``.
        takedown: lists that are asked for the URL, for every redirect and for the bytes.

    >>> fetch_image("file:///etc/passwd").outcome
    <Outcome.BAD_URL: 'bad_url'>
    """
    policy = DownloadPolicy() if policy is None else policy
    start_s = time.monotonic()
    reservations = _shared_reservations(policy, os.getpid()) if asks_origins(policy) else None
    hops = Hops(url, policy, takedown, reservations)
    try:
        body = _body_of(hops)
        header = read_image_header(body, policy)
        decode_image(body, policy)
    except Refused as refused:
        return _failed(hops, refused, time.monotonic() - start_s)
    finally:
        hops.abandon()
    return Fetched(
        Outcome.OK,
        url,
        final_url=hops.final_url,
        status=hops.status,
        body=body,
        format=header.format,
        width=header.width,
        height=header.height,
        detail="the image was fetched.",
        redirects=hops.redirects,
        elapsed_s=time.monotonic() - start_s,
    )


def _body_of(hops: Hops) -> bytes:
    step: Transfer | Wait | bytes = hops.first()
    with Transfers() as transfers:
        while not isinstance(step, bytes):
            if isinstance(step, Wait):
                step.block(1.0)
                step = hops.resume()
                continue
            transfers.start(step)
            finished: list[Transfer] = []
            while not finished:
                finished = transfers.wait(1.0)
            step = hops.after(finished[0])
    return step


@lru_cache(maxsize=8)
def _shared_reservations(policy: DownloadPolicy, _process: int) -> Reservations:
    """What this process knows about origins under ``policy``; a forked child starts anew, its parent's locks aside."""
    return Reservations(policy)


def _failed(hops: Hops, refused: Refused, elapsed_s: float) -> Fetched:
    """A failure as data. One that a takedown list caused carries no link, so that no log becomes a list of them."""
    silent = refused.outcome is Outcome.TAKEN_DOWN
    return Fetched(
        refused.outcome,
        "" if silent or not isinstance(hops.url, str) else hops.url,
        final_url=None if silent else hops.final_url,
        status=hops.status,
        detail=refused.detail,
        redirects=hops.redirects,
        elapsed_s=elapsed_s,
    )
