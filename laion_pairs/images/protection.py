"""What a handle asks before it fetches, and how it answers without a request. Opens no connection."""

from __future__ import annotations

from collections.abc import Iterable

from laion_pairs.images.fetched import Fetched
from laion_pairs.ledger import Outcome
from laion_pairs.takedown import TakedownLists, configured_lists, open_lists

__all__ = ["lists_in_force", "refuse_withdrawn"]


def lists_in_force(named: Iterable[str]) -> TakedownLists | None:
    """Open the lists that a dataset names and those that the user and the machine have configured; None without any.

    Raises:
        TakedownError: one of them is missing or unreadable.
    """
    paths = tuple(dict.fromkeys((*named, *configured_lists())))
    return open_lists(paths) if paths else None


def refuse_withdrawn(release: str) -> Fetched:
    """The answer for every pair of a withdrawn release: no request, and no link to go elsewhere with."""
    return Fetched(
        Outcome.WITHDRAWN,
        url="",
        detail=f"the pair comes from {release}, which was withdrawn, and `laion clean` has not been run on its file",
    )
