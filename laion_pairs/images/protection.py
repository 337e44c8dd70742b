"""What a handle asks before it fetches, and how it answers without a request. Opens no connection."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from laion_pairs.images.fetched import Fetched
from laion_pairs.ledger import Outcome
from laion_pairs.takedown import TakedownLists, configured_lists, open_lists

__all__ = ["lists_in_force", "names", "refuse_taken_down", "refuse_withdrawn"]

ROW = pa.schema({"url": pa.string(), "digest": pa.string()})


def lists_in_force(named: Iterable[str]) -> TakedownLists | None:
    """Open the lists that a dataset names and those that the user and the machine have configured; None without any.

    Raises:
        TakedownError: one of them is missing or unreadable.
    """
    paths = tuple(dict.fromkeys((*named, *configured_lists())))
    return open_lists(paths) if paths else None


def names(takedown: TakedownLists, url: str | None, digest: str | None) -> bool:
    """Whether a list names the image by its URL or by its published digest.

    Entries for ``pair_id`` and the like were applied when the row was read; a handle does not know these.
    """
    row = pa.RecordBatch.from_pylist([{"url": url, "digest": digest}], schema=ROW)
    return not takedown.match(row).keep[0].as_py()


def refuse_taken_down() -> Fetched:
    """The answer for an image that a list names: no request, no link, and not which list."""
    return Fetched(Outcome.TAKEN_DOWN, url="", detail="an active takedown list names the image")


def refuse_withdrawn(release: str) -> Fetched:
    """The answer for every pair of a withdrawn release: no request, and no link to go elsewhere with."""
    return Fetched(
        Outcome.WITHDRAWN,
        url="",
        detail=f"the pair comes from {release}, which was withdrawn, and has not been cleaned against its replacement",
    )
