"""Asking one origin for its reservation files, with the same transfers, guards and limits as for an image.

One file after the other, redirects followed up to the policy's number, each hop's port and address judged. What the
answers mean:

=============================================  =====================================================================
200 (or 203) with a file that can be read       its rules
404, 410                                        no such file, no reservation
no connection: name, address, TLS               the image's own end, as it would have been; nothing is fetched
everything else                                 not readable: a refusal. Time-outs, 5xx, 429, other 4xx (RFC 9309 would
                                                allow a visit after these), broken redirects, too many bytes
=============================================  =====================================================================

Opt-out headers on these answers are about the file (many a robots.txt is sent with ``X-Robots-Tag: noindex``), so they
say nothing here.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from laion_pairs.images.address import Reach
from laion_pairs.images.answer import Redirect
from laion_pairs.images.refusal import Refused
from laion_pairs.images.reservations.origin import Origin
from laion_pairs.images.reservations.reservations import Reservations
from laion_pairs.images.reservations.robots import RobotsFile
from laion_pairs.images.reservations.tdmrep import TdmFile
from laion_pairs.images.reservations.unreadable import Unreadable
from laion_pairs.images.reservations.verdict import OriginVerdict
from laion_pairs.images.transfer import Transfer
from laion_pairs.images.url_check import CheckedUrl, check_redirect
from laion_pairs.ledger import Outcome

__all__ = ["Inquiry"]

_MAX_FILE_BYTES = 500 * 2**10
"""RFC 9309 section 2.5: the least that a parser must read of a robots.txt. A larger one is not readable."""
_UNREACHED = frozenset({Outcome.DNS_FAILED, Outcome.CONNECT_FAILED, Outcome.TLS_FAILED, Outcome.FORBIDDEN_ADDRESS})


class _Question(NamedTuple):
    path: str
    name: str


_ROBOTS = _Question("/robots.txt", "robots.txt")
_TDMREP = _Question("/.well-known/tdmrep.json", "tdmrep.json")


class Inquiry:
    """The requests to one origin: :meth:`first`, then :meth:`after` each finished one until a verdict comes.

    Args:
        target: what will be requested when the origin allows it.
        origin: of ``target``; ``reservations`` has told ``owner`` to ask it.
        reservations: told the verdict. Their policy says which files are asked for (at least one) and the limits.
        end_s: ``time.monotonic()`` at which the whole fetch must be over; asking is a part of it.
        owner: for the transfers.
    """

    def __init__(
        self, target: CheckedUrl, origin: Origin, reservations: Reservations, *, end_s: float, owner: object
    ) -> None:
        self.target = target
        self._origin = origin
        self._reservations = reservations
        self._policy = policy = reservations.policy
        self._end_s = end_s
        self._owner = owner
        asked = ((_ROBOTS, policy.ask_robots_txt), (_TDMREP, policy.ask_tdmrep))
        self._questions = [question for question, wanted in asked if wanted]
        self._robots: RobotsFile | None = None
        self._tdm: TdmFile | None = None

    def first(self) -> Transfer:
        """The request for the next file."""
        self._redirects = 0
        self._public_only = self._origin.public_only
        self._start_s = time.monotonic()
        return self._request(self._origin.url(self._questions[0].path))

    def after(self, done: Transfer) -> Transfer | OriginVerdict | None:
        """What a finished transfer leads to: the next request, or what is known now.

        None when this fetch ran out of time in a way that says nothing about the host: it had too little left.
        """
        step = self._after(done)
        if isinstance(step, OriginVerdict):
            self._reservations.tell(self._origin, self._owner, step)
        elif step is None:
            self.give_up()
        return step

    def give_up(self) -> None:
        """There will be no verdict: another fetch may ask."""
        self._reservations.give_up(self._origin, self._owner)

    def _after(self, done: Transfer) -> Transfer | OriginVerdict | None:
        name = self._questions[0].name
        if done.refused is not None:
            if done.refused.outcome is Outcome.TIMED_OUT and not self._had_time:
                return None
            if done.refused.outcome in _UNREACHED and done.status is None and not self._redirects:
                return OriginVerdict(dead=done.refused)
            if done.status not in (404, 410):
                return OriginVerdict(unreadable=name)
        elif done.redirect is not None:
            try:
                return self._follow(done, done.redirect)
            except Refused:
                return OriginVerdict(unreadable=name)
        else:
            try:
                self._read(done.body)
            except Unreadable:
                return OriginVerdict(unreadable=name)
        del self._questions[0]
        return self.first() if self._questions else OriginVerdict(self._robots, self._tdm)

    @property
    def _had_time(self) -> bool:
        policy = self._policy
        return self._end_s - self._start_s >= min(policy.first_byte_timeout_s, policy.total_timeout_s / 2)

    def _read(self, body: bytes) -> None:
        if self._questions[0] is _ROBOTS:
            self._robots = RobotsFile(body)
        else:
            self._tdm = TdmFile(body)

    def _follow(self, done: Transfer, redirect: Redirect) -> Transfer:
        if self._redirects >= self._policy.max_redirects:
            raise Refused(Outcome.TOO_MANY_REDIRECTS, "a reservation file is redirected too often.")
        if done.reach is not Reach.PRIVATE:
            self._public_only = True
        target = check_redirect(done.url, redirect.location)
        if not self._policy.allow_private and target.port not in self._policy.allowed_ports:
            raise Refused(Outcome.FORBIDDEN_ADDRESS, "a reservation file is redirected to a port that is not allowed.")
        self._redirects += 1
        return self._request(target)

    def _request(self, url: CheckedUrl) -> Transfer:
        return Transfer(
            url,
            self._policy,
            end_s=self._end_s,
            public_only=self._public_only,
            owner=self._owner,
            file_bytes=_MAX_FILE_BYTES,
        )
