"""What is known about one origin: its reservation files, or why there are none to read."""

from __future__ import annotations

from dataclasses import dataclass

from laion_pairs.images.refusal import Refused
from laion_pairs.images.reservations.robots import RobotsFile
from laion_pairs.images.reservations.tdmrep import TdmFile
from laion_pairs.ledger import Outcome

__all__ = ["OriginVerdict"]

_KEEP_READ_S = 86_400.0
"""RFC 9309 section 2.4: a robots.txt should not be used for more than 24 hours."""
_KEEP_UNREADABLE_S = 600.0
"""A host in trouble may be well again soon, and must not be asked for every image until then."""
_KEEP_DEAD_S = 5.0
"""For those that wait for the same answer; shorter than ``DownloadPolicy.retry_delay_s``, so that a retry asks anew."""
_RECORD_BYTES = 600
"""What an origin takes in memory beside its files (measured: key, verdict and cache links)."""


@dataclass(frozen=True, slots=True)
class OriginVerdict:
    """The answers of one origin, of which the policy asks for one or both.

    Attributes:
        robots: its ``robots.txt``, or None where it has none or is not asked for it.
        tdm: its ``tdmrep.json``, likewise.
        unreadable: the file (as :meth:`refuse` words it) that could not be read: everything is refused.
        dead: how a host ended that could not even be reached: what the image's own request would have met.
    """

    robots: RobotsFile | None = None
    tdm: TdmFile | None = None
    unreadable: str | None = None
    dead: Refused | None = None

    @property
    def keep_s(self) -> float:
        """For how long this may be believed."""
        if self.dead is not None:
            return _KEEP_DEAD_S
        return _KEEP_READ_S if self.unreadable is None else _KEEP_UNREADABLE_S

    @property
    def size_bytes(self) -> int:
        """About how much memory this takes."""
        files = (self.robots, self.tdm)
        return _RECORD_BYTES + sum(file.size_bytes for file in files if file is not None)

    def refuse(self, url: str) -> str | None:
        """Raise :class:`Refused` where ``url`` must not be requested.

        What comes back is None, or the signal of a reservation that a ``tdm-reservation: 0`` header of the image's
        own answer still overrides ("supersede", says the protocol), so that it cannot be judged before that.
        """
        if self.dead is not None:
            raise Refused(self.dead.outcome, self.dead.detail)
        if self.unreadable is not None:
            signal = f"{self.unreadable} not readable"
            raise Refused(Outcome.OPTED_OUT, f"{self.unreadable} of the host could not be read.", signal=signal)
        if self.robots is not None and self.robots.refuses(url):
            raise Refused(Outcome.OPTED_OUT, "the host's robots.txt refuses our agent this URL.", signal="robots.txt")
        return "tdmrep.json" if self.tdm is not None and self.tdm.reserves(url) else None
