"""One hop of one fetch: its state while libcurl works on it, and the limits that libcurl does not have.

The callbacks stop a transfer as early as it can be judged: at the address it would dial, at the end of the header,
at the first byte over a limit. A :class:`Transfer` knows no loop; :mod:`laion_pairs.images.transport` drives it.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from typing import Any

import pycurl

from laion_pairs.images.address import Reach, address_reach
from laion_pairs.images.answer import (
    Headers,
    Redirect,
    content_encodings,
    judge_answer,
    judge_opt_out,
    judge_status,
    read_headers,
)
from laion_pairs.images.curl_errors import refusal_of
from laion_pairs.images.inflating import inflate
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.images.request import ask_for
from laion_pairs.images.url_check import CheckedUrl
from laion_pairs.ledger import Outcome

__all__ = ["Transfer"]

_STATUS_LINE = re.compile(rb"HTTP/[0-9.]+ +([0-9]{3})(?![0-9])")


class Transfer:
    """One request and its answer.

    Args:
        url: what to request.
        policy: the limits.
        end_s: ``time.monotonic()`` at which the whole fetch, not only this hop, must be over.
        public_only: dial public addresses only, whatever ``policy.allow_private`` says.
        owner: whatever the caller wants to find again on a finished transfer.
        reserved: a file of the host that reserves this image unless the answer's header overrides it; or None.
        file_bytes: this asks for a reservation file of at most so many bytes, not for an image. Opt-out headers of its
            answer are about that file, so they are not judged.

    Attributes that the driver may set before it starts the transfer:
        end_s: later, where the transfer had to wait for its turn.
        address: to dial instead of looking the host up; judged like every other.
        may_hold: asked before a piece of the body is kept; False pauses the transfer, and its clock, until it is
            resumed. None where there is room for everything.

    Attributes, all set once the transfer is finished:
        refused: why it goes no further; None when there is a redirect or a body.
        redirect: where the host points to, or None.
        body: what was read, a ``Content-Encoding`` undone.
        received_bytes: of the body, also where it came to nothing.
        status: of the last answer, or None.
        reach: of the address that was talked to, or None.
    """

    def __init__(
        self,
        url: CheckedUrl,
        policy: DownloadPolicy,
        *,
        end_s: float,
        public_only: bool = False,
        owner: Any = None,
        reserved: str | None = None,
        file_bytes: int | None = None,
    ) -> None:
        self.url = url
        self.policy = policy
        self.owner = owner
        self.refused: Refused | None = None
        self.redirect: Redirect | None = None
        self.body = b""
        self.status: int | None = None
        self.reach: Reach | None = None
        self.end_s = end_s
        self.address: str | None = None  # to dial, looked up by the driver; None leaves that to libcurl
        self.may_hold: Callable[[Transfer, int], bool] | None = None
        self.paused_s: float | None = None  # since when
        self._pieces: list[bytes] = []
        self.received_bytes = 0
        self._reserved = reserved
        self._is_image = file_bytes is None
        self._max_body_bytes = policy.max_body_bytes if file_bytes is None else file_bytes
        self._public_only = public_only or not policy.allow_private
        self._forbidden: Refused | None = None
        self._lines: list[bytes] = []  # of the block that is being read
        self._encodings: list[str] = []
        self._in_block = False  # whether it began with a status
        self._trailers: list[bytes] = []
        self._header_bytes = 0
        self._window_start_s: float | None = None  # of the rate; None before the first line
        self._window_bytes = 0

    # Driven by the loop

    def begin(self, curl: pycurl.Curl, now_s: float, opened: list[socket.SocketType]) -> float:
        """Set the handle up; the time at which :meth:`check` wants to be called first.

        Args:
            opened: takes the sockets that are made for libcurl, which works on duplicates: the loop closes them.
        """
        policy = self.policy
        fresh = policy.allow_private and self._public_only
        ask_for(curl, self.url, connect_s=min(policy.connect_timeout_s, self.end_s - now_s), fresh=fresh)
        curl.setopt(pycurl.CONNECT_TO, [self._dialled])  # an empty list would leave the last one in force
        self._opened = opened
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        self._first_line_end_s = now_s + policy.first_byte_timeout_s
        return min(self.end_s, self._first_line_end_s, now_s + policy.min_rate_window_s)

    def check(self, now_s: float) -> float | None:
        """Judge the clock: the time of the next check, or None to stop now (``refused`` says why)."""
        policy = self.policy
        if self.paused_s is not None:
            return now_s + policy.min_rate_window_s
        if now_s >= self.end_s:
            self._stop(Outcome.TIMED_OUT, f"not complete within {policy.total_timeout_s:g} s.")
            return None
        if self._window_start_s is None:
            if now_s >= self._first_line_end_s:
                self._stop(Outcome.TIMED_OUT, f"no answer within {policy.first_byte_timeout_s:g} s.")
                return None
            return min(self.end_s, self._first_line_end_s)
        passed_s = now_s - self._window_start_s
        if passed_s >= policy.min_rate_window_s:
            if self._window_bytes < policy.min_bytes_per_s * passed_s:
                self._stop(Outcome.TOO_SLOW, f"the answer came below {policy.min_bytes_per_s} bytes/s.")
                return None
            self._window_start_s, self._window_bytes = now_s, 0
        return min(self.end_s, self._window_start_s + policy.min_rate_window_s)

    def resume(self, now_s: float) -> None:
        """There is room again: what was paused goes on, and its clock with it."""
        if self.paused_s is not None:
            paused_s, self.paused_s = now_s - self.paused_s, None
            self.end_s += paused_s
            self._window_start_s, self._window_bytes = now_s, 0

    def again(self) -> Transfer:
        """The same request once more, for another address."""
        return Transfer(
            self.url,
            self.policy,
            end_s=self.end_s,
            public_only=self._public_only,
            owner=self.owner,
            reserved=self._reserved,
            file_bytes=None if self._is_image else self._max_body_bytes,
        )

    def finish(self, code: int, address: str) -> None:
        """libcurl is done: ``code`` is its error, 0 for none; ``address`` the one talked to, ``""`` for none."""
        self.body = b"".join(self._pieces)
        self._pieces.clear()
        self.reach = address_reach(address) if address else None
        if self.refused is not None or self.redirect is not None:
            return
        if code != 0:
            self.refused = self._forbidden or refusal_of(code)
        elif self._in_block or self.status is None or self.status < 200:
            self.refused = Refused(Outcome.HTTP_SERVER_ERROR, "the host's answer has no complete header.")
        else:
            try:
                self._judge_more_headers(read_headers(self._trailers + self._lines))
                if self._encodings:
                    self.body = inflate(self.body, self._encodings, self._max_body_bytes)
            except Refused as refused:
                self.refused = refused

    def _stop(self, outcome: Outcome, detail: str) -> None:
        self.refused = Refused(outcome, detail)
        self._pieces.clear()

    @property
    def _dialled(self) -> str:
        """In libcurl's words: whatever the host and port, dial this host, at the same port."""
        host = self.address or self.url.host
        return f"::[{host}]:" if ":" in host else f"::{host}:"

    # Called by libcurl. A callback that answers 0 for a piece that is not empty stops the transfer.

    def _open_socket(self, _purpose: int, address: Any) -> socket.SocketType | int:
        """A socket for the address that is about to be dialled, or libcurl's word for none."""
        reason = self._why_not(address)
        if reason is not None:
            self._forbidden = Refused(Outcome.FORBIDDEN_ADDRESS, reason)
            return pycurl.SOCKET_BAD  # type: ignore[no-any-return]
        try:
            opened = socket.SocketType(address.family, address.socktype, address.protocol)
        except OSError:  # no file descriptor left: this request cannot be made now
            return pycurl.SOCKET_BAD  # type: ignore[no-any-return]
        self._opened.append(opened)
        return opened

    def _why_not(self, address: Any) -> str | None:
        if address.family not in (socket.AF_INET, socket.AF_INET6):
            return "the host's address is not an internet address."
        host, port = address.addr[:2]
        reach = address_reach(host)
        if reach is Reach.PRIVATE and not self._public_only:
            return None
        if reach is not Reach.PUBLIC:
            return "the host's address is not a public one."
        return None if port in self.policy.allowed_ports else f"port {port} is not one of the policy's allowed_ports."

    def _on_header(self, line: bytes) -> int | None:
        if self._window_start_s is None:
            self._window_start_s = time.monotonic()
        self._window_bytes += len(line)
        self._header_bytes += len(line)
        if self._header_bytes > self.policy.max_header_bytes:
            self._stop(Outcome.TOO_LARGE, f"the header is larger than {self.policy.max_header_bytes} bytes.")
            return 0
        if not line.strip(b"\r\n"):
            return self._end_of_block()
        if not self._lines:
            status = _STATUS_LINE.match(line)
            self._in_block = status is not None
            self.status = self.status if status is None else int(status[1])
        self._lines.append(line)
        return None

    def _end_of_block(self) -> int | None:
        """Judge a complete header; an informational one (1xx) only for opt-outs. 0 where no body is wanted."""
        lines, self._lines = self._lines, []
        if not self._in_block or self.status is None:
            self._trailers += lines
            return None
        self._in_block = False
        headers = read_headers(lines)
        self._encodings = content_encodings(headers)
        try:
            if self.status < 200:
                self._judge_more_headers(headers)
            elif self._is_image:
                self.redirect = judge_answer(self.status, headers, self._max_body_bytes, reserved=self._reserved)
            else:
                self.redirect = judge_status(self.status, headers, self._max_body_bytes)
        except Refused as refused:
            self.refused = refused
            return 0
        return None if self.redirect is None else 0

    def _judge_more_headers(self, headers: Headers) -> None:
        """Judge what comes before or after the one header: an informational block, or trailers."""
        if self._is_image:
            judge_opt_out(headers)

    def _on_body(self, piece: bytes) -> int | None:
        n = len(piece)
        if self.received_bytes + n > self._max_body_bytes:
            self._stop(Outcome.TOO_LARGE, f"the body is larger than {self._max_body_bytes} bytes.")
            return 0
        if self.may_hold is not None and not self.may_hold(self, n):
            self.paused_s = time.monotonic()
            return pycurl.WRITEFUNC_PAUSE  # type: ignore[no-any-return]
        self._window_bytes += n
        self.received_bytes += n
        self._pieces.append(piece)
        return None
