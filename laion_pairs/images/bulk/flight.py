"""One job on its way through the engine: what is known about it between two steps."""

from __future__ import annotations

from dataclasses import dataclass

from laion_pairs.images.bulk.hosts import Host
from laion_pairs.images.bulk.job import Job
from laion_pairs.images.bulk.lane import Lane
from laion_pairs.images.hops import Hops
from laion_pairs.images.transfer import Transfer

__all__ = ["Flight"]


@dataclass(slots=True, eq=False)
class Flight:
    """A job, where it is delivered, and how far it has come.

    Attributes:
        number: of the job in its lane.
        tries: how many have begun.
        begun: whether its lane counts it as begun.
        hops: the walk of this try.
        transfer: the hop that waits for its turn or is in flight.
        since_s: ``time.monotonic()`` at which that began to wait.
        host: where it counts as in flight; None while it does not.
        addresses: of the host, that were not dialled yet.
        held: bytes of the budget that its body takes.
    """

    job: Job
    lane: Lane
    number: int
    tries: int = 0
    begun: bool = False
    hops: Hops | None = None
    transfer: Transfer | None = None
    since_s: float = 0.0
    host: Host[Flight] | None = None
    addresses: tuple[str, ...] = ()
    held: int = 0

    def begin(self) -> None:
        """Tell the lane that this one no longer waits for a free slot."""
        if not self.begun:
            self.begun = True
            self.lane.begun += 1

    @property
    def under_way(self) -> tuple[Hops, Transfer]:
        """The walk and its transfer, of a flight that has a turn at a host."""
        if self.hops is None or self.transfer is None:
            raise RuntimeError("this flight has not come to a host yet.")
        return self.hops, self.transfer

    def leave_host(self) -> Host[Flight]:
        """The host where it counted as in flight until now."""
        if self.host is None:
            raise RuntimeError("this flight is not in flight.")
        host, self.host = self.host, None
        return host

    @property
    def host_name(self) -> str | None:
        """The host that was asked last, or would have been."""
        return None if self.transfer is None else self.transfer.url.host
