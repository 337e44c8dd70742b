"""What an engine does with fetches that may have to wait for one another, in a few lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.hops import Hops
from laion_pairs.images.refusal import Refused
from laion_pairs.images.reservations import Reservations, Wait
from laion_pairs.images.transfer import Transfer
from laion_pairs.images.transport import Transfers
from laion_pairs.ledger import Outcome


@dataclass(frozen=True)
class End:
    """How one walk ended."""

    outcome: Outcome
    signal: str | None = None
    detail: str = ""
    body: bytes = b""


def walk_all(
    urls: Sequence[str], policy: DownloadPolicy, *, in_flight: int = 50, reservations: Reservations | None = None
) -> list[End]:
    """The end of each URL's walk, in order; one thread, and nothing left in flight or parked."""
    reservations = reservations or Reservations(policy)
    waiting = [(index, Hops(url, policy, None, reservations)) for index, url in enumerate(urls)][::-1]
    indices: dict[Hops, int] = {}
    parked: dict[object, list[Hops]] = {}
    ends: dict[int, End] = {}

    def go(hops: Hops, step: Callable[[], Transfer | Wait | bytes]) -> None:
        try:
            reached = step()
        except Refused as refused:
            ends[indices[hops]] = End(refused.outcome, refused.signal, refused.detail)
        else:
            if isinstance(reached, Transfer):
                assert reached.owner is hops
                transfers.start(reached)
            elif isinstance(reached, Wait):
                parked.setdefault(reached.origin, []).append(hops)
            else:
                ends[indices[hops]] = End(Outcome.OK, body=reached)

    with Transfers() as transfers:
        while len(ends) < len(urls):
            while waiting and len(transfers) < in_flight:
                index, hops = waiting.pop()
                indices[hops] = index
                go(hops, hops.first)
            for done in transfers.wait(1.0):
                go(done.owner, lambda done=done: done.owner.after(done))
            for origin in reservations.take_answered():
                for hops in parked.pop(origin, []):
                    go(hops, hops.resume)
            assert len(transfers) or waiting or len(ends) == len(urls), "parked fetches are never woken"
        assert len(transfers) == 0
    assert not any(parked.values())
    return [ends[index] for index in range(len(urls))]
