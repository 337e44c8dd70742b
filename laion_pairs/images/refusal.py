"""The one internal exception of fetching: a step refuses to go on, and says with which outcome.

It never leaves the package: :func:`laion_pairs.images.fetch_image` turns it into a ``Fetched``,
``RemoteImage.open()`` into a ``FetchFailed``.
"""

from __future__ import annotations

from laion_pairs.ledger import Outcome

__all__ = ["Refused"]


class Refused(Exception):
    """This URL, address, answer or body goes no further.

    Attributes:
        outcome: why, as a member of the closed list.
        detail: one sentence; never text that a host sent.
        signal: with ``OPTED_OUT``, what refused, such as ``X-Robots-Tag: noai`` or ``robots.txt``: a word to count by,
            from a closed list, never text that a host sent. None for every other outcome.
        retry_after_s: with ``RATE_LIMITED``, the pause that the host asks for; None where it names none.
    """

    def __init__(
        self, outcome: Outcome, detail: str, *, signal: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
        self.signal = signal
        self.retry_after_s = retry_after_s
