"""One fetch as a walk over hops: what has to hold before each request, and what every answer leads to.

Knows no loop: whoever drives it starts the :class:`Transfer` it gives and hands the finished one back, so a single
fetch and hundreds at once use the same rules. Redirects are followed here, never by libcurl; every hop is checked
like the first one.
"""

from __future__ import annotations

import hashlib
import time
from typing import Protocol

from laion_pairs.images.address import Reach
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
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

    Attributes:
        final_url: the last URL that was requested, or None.
        status: of the last answer, or None.
        redirects: how many were followed.
    """

    def __init__(self, url: str, policy: DownloadPolicy, takedown: Takedowns | None = None) -> None:
        self.url = url
        self.final_url: str | None = None
        self.status: int | None = None
        self.redirects = 0
        self._policy = policy
        self._takedown = takedown
        self._end_s = time.monotonic() + policy.total_timeout_s
        self._public_only = False

    def first(self) -> Transfer:
        """The first request; :class:`Refused` when there must not be one."""
        if isinstance(self.url, str):
            self._ask_takedown(self.url)
        return self._request(check_url(self.url))

    def after(self, done: Transfer) -> Transfer | bytes:
        """What a finished transfer leads to: the next request, or the body. :class:`Refused` for everything else."""
        self.status = done.status
        if done.refused is not None:
            raise done.refused
        if done.redirect is None:
            return self._checked_body(bytes(done.body))
        if self.redirects >= self._policy.max_redirects:
            raise Refused(Outcome.TOO_MANY_REDIRECTS, f"the policy allows {self._policy.max_redirects} redirects.")
        if done.reach is not Reach.PRIVATE:  # once out on the web, a fetch does not come back in
            self._public_only = True
        target = check_redirect(done.url, done.redirect.location)
        self.redirects += 1
        return self._request(target)

    def _request(self, url: CheckedUrl) -> Transfer:
        if not self._policy.allow_private and url.port not in self._policy.allowed_ports:
            detail = f"port {url.port} is not one of the policy's allowed_ports."
            raise Refused(Outcome.FORBIDDEN_ADDRESS, detail)
        if url.text != self.url:
            self._ask_takedown(url.text)
        if time.monotonic() >= self._end_s:
            raise Refused(Outcome.TIMED_OUT, f"not complete within {self._policy.total_timeout_s:g} s.")
        self.final_url = url.text
        return Transfer(url, self._policy, end_s=self._end_s, public_only=self._public_only, owner=self)

    def _ask_takedown(self, url: str) -> None:
        if self._takedown is not None and self._takedown.match_url(url) is not None:
            raise _taken_down()

    def _checked_body(self, body: bytes) -> bytes:
        if self._takedown is not None:
            md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
            if self._takedown.match_bytes(md5, hashlib.sha256(body).hexdigest()) is not None:
                raise _taken_down()
        return body


def _taken_down() -> Refused:
    return Refused(Outcome.TAKEN_DOWN, "an active takedown list names this image.")
