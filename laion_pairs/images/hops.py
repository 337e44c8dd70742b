"""One fetch as a walk over hops: what has to hold before each request, and what every answer leads to.

Knows no loop: whoever drives it starts the :class:`Transfer` it gives and hands the finished one back, so a single
fetch and hundreds at once use the same rules. Redirects are followed here, never by libcurl; every hop is checked
like the first one.

Where the policy asks origins for reservation files, these come before the first request to each origin::

    first() ──► Transfer ──► after(done) ──► Transfer … ──► bytes
       └──────► Wait ──► resume() ──┘ ▲         └──► Wait ──► resume() …
                                      └── of a reservation file or of the image: the walk knows which

Every step may raise :class:`Refused`, which ends the walk. A walk that is dropped before its end must be told so with
:meth:`Hops.abandon`, or the origin it asks stays asked for ever.
"""

from __future__ import annotations

import hashlib
import time
from typing import Protocol

from laion_pairs.images.address import Reach
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.images.reservations import Reservations, Wait, asks_origins
from laion_pairs.images.reservations.inquiry import Inquiry
from laion_pairs.images.reservations.origin import Origin
from laion_pairs.images.reservations.xmp import find_xmp_reservation
from laion_pairs.images.transfer import Transfer
from laion_pairs.images.url_check import CheckedUrl, check_redirect, check_url
from laion_pairs.ledger import Outcome

__all__ = ["Hops", "Takedowns"]


class Takedowns(Protocol):
    """What a fetch asks of takedown lists; an answer other than None means: do not deliver."""

    def match_url(self, url: str) -> object | None: ...

    def match_bytes(self, md5_hex: str, sha256_hex: str) -> object | None: ...


class Hops:
    """The hops of one URL.

    Args:
        url: as the row has it.
        policy: the limits.
        takedown: lists that are asked for every hop's URL and for the body; None for none.
        reservations: what is known about origins; needed where the policy asks for files, and of the same policy.

    Attributes, which are about requests for the image, not about those for reservation files:
        final_url: the last URL that was requested, or None.
        status: of the last answer, or None.
        redirects: how many were followed.

    Asking an origin, and waiting while another fetch asks it, count into ``policy.total_timeout_s``.
    """

    def __init__(
        self,
        url: str,
        policy: DownloadPolicy,
        takedown: Takedowns | None = None,
        reservations: Reservations | None = None,
    ) -> None:
        self.url = url
        self.final_url: str | None = None
        self.status: int | None = None
        self.redirects = 0
        self._policy = policy
        self._takedown = takedown
        self._reservations = _that_asks(reservations, policy)
        self._inquiry: Inquiry | None = None
        self._awaited: CheckedUrl | None = None
        self._end_s = time.monotonic() + policy.total_timeout_s
        self._public_only = False

    def first(self) -> Transfer | Wait:
        """The first request; :class:`Refused` when there must not be one."""
        if isinstance(self.url, str):
            self._ask_takedown(self.url)
        return self._go_to(check_url(self.url))

    def after(self, done: Transfer) -> Transfer | Wait | bytes:
        """What a finished transfer leads to: the next request, or the body. :class:`Refused` for everything else."""
        if self._inquiry is not None:
            return self._after_inquiry(self._inquiry, done)
        self.status = done.status
        if done.refused is not None:
            raise done.refused
        if done.redirect is None:
            body, done.body = done.body, b""  # libcurl's handle keeps its last transfer, which need not keep the body
            return self.judge_body(body)
        if self.redirects >= self._policy.max_redirects:
            raise Refused(Outcome.TOO_MANY_REDIRECTS, f"the policy allows {self._policy.max_redirects} redirects.")
        if done.reach is not Reach.PRIVATE:  # once out on the web, a fetch does not come back in
            self._public_only = True
        target = check_redirect(done.url, done.redirect.location)
        self.redirects += 1
        return self._go_to(target)

    def resume(self) -> Transfer | Wait:
        """Go on after a :class:`Wait`, once its origin is answered or given up. Early, it is a ``Wait`` again."""
        if self._awaited is None:
            raise RuntimeError("resume() goes on after a Wait, and this walk was not told to wait.")
        return self._go_to(self._awaited)

    def postpone(self, transfer: Transfer, seconds: float) -> None:
        """The driver let ``transfer`` wait for its turn: so long does not count."""
        self._end_s += seconds
        transfer.end_s += seconds

    def abandon(self) -> None:
        """This walk ends here, whatever it was doing: another one may ask the origin. Harmless at any time."""
        if self._inquiry is not None:
            self._inquiry.give_up()
            self._inquiry = None

    def _go_to(self, url: CheckedUrl) -> Transfer | Wait:
        if not self._policy.allow_private and url.port not in self._policy.allowed_ports:
            detail = f"port {url.port} is not one of the policy's allowed_ports."
            raise Refused(Outcome.FORBIDDEN_ADDRESS, detail)
        if url.text != self.url:
            self._ask_takedown(url.text)
        if time.monotonic() >= self._end_s:
            raise self._too_late()
        return self._request(url) if self._reservations is None else self._ask_first(self._reservations, url)

    def _request(self, url: CheckedUrl, reserved: str | None = None) -> Transfer:
        self.final_url = url.text
        policy, end_s, public_only = self._policy, self._end_s, self._public_only
        return Transfer(url, policy, end_s=end_s, public_only=public_only, owner=self, reserved=reserved)

    def _ask_first(self, reservations: Reservations, url: CheckedUrl) -> Transfer | Wait:
        """The request for ``url`` where its origin is known and allows it; else the first of those that come before."""
        origin = Origin.of(url, public_only=self._public_only or not self._policy.allow_private)
        known = reservations.look_up(origin, self)
        if isinstance(known, Wait):
            self._awaited = url
            return known
        if known is not None:
            return self._request(url, known.refuse(url.text))
        self._inquiry = Inquiry(url, origin, reservations, end_s=self._end_s, owner=self)
        return self._inquiry.first()

    def _after_inquiry(self, inquiry: Inquiry, done: Transfer) -> Transfer:
        step = inquiry.after(done)
        if isinstance(step, Transfer):
            return step
        self._inquiry = None
        reserved = None if step is None else step.refuse(inquiry.target.text)
        if step is None or time.monotonic() >= self._end_s:
            raise self._too_late()
        return self._request(inquiry.target, reserved)

    def _too_late(self) -> Refused:
        return Refused(Outcome.TIMED_OUT, f"not complete within {self._policy.total_timeout_s:g} s.")

    def _ask_takedown(self, url: str) -> None:
        if self._takedown is not None and self._takedown.match_url(url) is not None:
            raise _taken_down()

    def judge_body(self, body: bytes) -> bytes:
        """``body``, if it may be delivered: what its own metadata and the takedown lists say. Else :class:`Refused`."""
        if self._policy.read_xmp:
            signal = find_xmp_reservation(body)
            if signal is not None:
                raise Refused(Outcome.OPTED_OUT, f"the image file reserves itself: {signal}.", signal=signal)
        if self._takedown is not None:
            md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
            if self._takedown.match_bytes(md5, hashlib.sha256(body).hexdigest()) is not None:
                raise _taken_down()
        return body


def _that_asks(reservations: Reservations | None, policy: DownloadPolicy) -> Reservations | None:
    """``reservations`` where the policy asks for any; ``ValueError`` where it asks and there are none to ask."""
    if not asks_origins(policy):
        return None
    if reservations is None or reservations.policy != policy:
        raise ValueError("the policy asks hosts for their reservations: pass Reservations(policy) of the same policy.")
    return reservations


def _taken_down() -> Refused:
    return Refused(Outcome.TAKEN_DOWN, "an active takedown list names this image.")
