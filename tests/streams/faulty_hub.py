"""A Hub and a web host on loopback that go wrong on purpose, in every way that a network or a store does.

``Faults(server)`` stands before a running server's answers: what is asked of a shard is counted, and the requests that
``armed`` names are answered as a fault says. ``SignedStore`` is where a Hub sends its readers: a second host whose
addresses are signed and expire.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from laion_pairs.sample import Answer, LoopbackServer, Request
from laion_pairs.sample.hub_protocol import parse_range

Fault = Callable[[Answer], Answer]


def _status(status: int, *headers: tuple[str, str]) -> Fault:
    return lambda answer: Answer(status, (("Content-Type", "text/plain"), *headers), b"in trouble")


def _without(answer: Answer, *names: str) -> tuple[tuple[str, str], ...]:
    return tuple(header for header in answer.headers if header[0] not in names)


def _half(answer: Answer) -> int:
    return answer.start + answer.body_bytes // 2


def _elsewhere(answer: Answer) -> Answer:
    """Another range than was asked for, and its Content-Range says so."""
    total = dict(answer.headers)["Content-Range"].rpartition("/")[2]
    start, stop = answer.start, (answer.stop or 0)
    moved = (start + 1, stop) if stop - start > 1 else (0, 1)
    where = ("Content-Range", f"bytes {moved[0]}-{moved[1] - 1}/{total}")
    return replace(answer, headers=(*_without(answer, "Content-Range"), where), start=moved[0], stop=moved[1])


PASSING: dict[str, Fault] = {
    "dropped at once": lambda answer: replace(answer, cut_at=0),
    "dropped in the middle": lambda answer: replace(answer, cut_at=max(1, answer.body_bytes // 2)),
    "dropped at the last byte": lambda answer: replace(answer, cut_at=max(1, answer.body_bytes - 1)),
    "truncated, and says so": lambda answer: replace(answer, stop=_half(answer)),
    "a length too large": lambda answer: replace(answer, length=answer.body_bytes + 4096),
    "empty": lambda answer: replace(answer, stop=answer.start),
    "stalls before": lambda answer: replace(answer, delay_s=300.0),
    "stalls in the middle": lambda answer: replace(answer, bytes_per_s=1e-6),
    "500": _status(500),
    "502": _status(502),
    "503": _status(503),
    "429": _status(429, ("Retry-After", "1")),
    "503 for a second": _status(503, ("Retry-After", "1")),
    "another range": _elsewhere,
}
"""What another try may mend: after one of these, or some, every row comes."""

LASTING: dict[str, Fault] = {
    "the whole file instead": lambda answer: Answer(200, _without(answer, "Content-Range"), answer.body),
    "a page instead": lambda answer: Answer(200, (("Content-Type", "text/html"),), b"<html>Log in first</html>"),
    "404": _status(404),
    "410": _status(410),
    "416": _status(416),
    "no Content-Range": lambda answer: replace(answer, headers=_without(answer, "Content-Range")),
    "more than was asked": lambda answer: replace(answer, stop=(answer.stop or 0) + 1000),
}
"""What may be an error, or may be read around."""


class Faults:
    """Counts the ranges of shards that are asked of a server, and spoils some of the answers.

    Attributes:
        asked: ranges of shards so far.
        armed: from the number of a request to its fault, or None.
    """

    def __init__(self, server: LoopbackServer, armed: Callable[[int], Fault | None] = lambda number: None) -> None:
        self.server, self.armed = server, armed
        self.asked = 0
        self._true_answer = server.answer
        self._lock = threading.Lock()

    def __enter__(self) -> Faults:
        self.server.answer = self._answer  # type: ignore[method-assign]
        return self

    def __exit__(self, *exception: Any) -> None:
        self.server.answer = self._true_answer  # type: ignore[method-assign]

    def always(self, fault: Fault, after: int = 0) -> None:
        """From ``after`` requests on, every answer is spoiled."""
        self.asked, self.armed = 0, lambda number: fault if number >= after else None

    def once(self, fault: Fault, after: int = 0) -> None:
        """One answer is spoiled."""
        self.asked, self.armed = 0, lambda number: fault if number == after else None

    def never(self) -> None:
        self.armed = lambda number: None

    def _answer(self, request: Request) -> Answer:
        answer = self._true_answer(request)
        if request.method != "GET" or "range" not in request.headers or answer.status != 206:
            return answer
        with self._lock:
            number, self.asked = self.asked, self.asked + 1
        fault = self.armed(number)
        return fault(answer) if fault is not None else answer


class Web(LoopbackServer):
    """A web server of files, in ranges, with an ETag where it is told to."""

    def __init__(self, *, etags: bool = True) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.etags = etags

    def answer(self, request: Request) -> Answer:
        content = self.files.get(request.path)
        if content is None:
            return Answer(404, (("Content-Type", "text/plain"),), b"gone")
        return ranged(content, request, f'"{hash(content)}"' if self.etags else None)


class SignedStore(LoopbackServer):
    """Where shards really lie: on another host, at signed addresses of which each is good for a number of requests.

    Attributes:
        good_for: requests until an address that was signed expires; None: for ever.
        refusal: what is answered then: S3, CloudFront and Azure 403, Google 400.
        signed: addresses handed out.
    """

    def __init__(self, good_for: int | None = None, refusal: int = 403) -> None:
        super().__init__(("127.0.0.2",))
        self.good_for, self.refusal = good_for, refusal
        self.signed = 0
        self._contents: dict[str, bytes] = {}
        self._left: dict[str, int] = {}
        self._tickets = itertools.count(1)
        self._guard = threading.Lock()

    def sign(self, path: str, content: bytes) -> str:
        with self._guard:
            ticket = str(next(self._tickets))
            self.signed += 1
            self._contents[ticket] = content
            self._left[ticket] = self.good_for if self.good_for is not None else 1 << 60
        return f"{self.url_of('127.0.0.2')}{path}?X-Amz-Signature={ticket}&Expires=1"

    def answer(self, request: Request) -> Answer:
        ticket = request.query.get("X-Amz-Signature", [""])[0]
        with self._guard:
            left = self._left.get(ticket, 0)
            self._left[ticket] = left - 1
        if left <= 0:
            return Answer(self.refusal, (("Content-Type", "application/xml"),), b"<Error>Request has expired</Error>")
        return ranged(self._contents[ticket], request, '"store"')


def send_elsewhere(hub: LoopbackServer, store: SignedStore) -> None:
    """The Hub answers for every shard with a redirect to the store, as the real one does."""
    true_answer = hub.answer

    def answer(request: Request) -> Answer:
        found = true_answer(request)
        if "resolve" not in request.segments or not request.path.endswith(".parquet") or found.status not in (200, 206):
            return found
        content = found.body if isinstance(found.body, bytes) else found.body.read_bytes()
        kept = tuple(header for header in found.headers if header[0] in ("X-Repo-Commit", "ETag"))
        linked = (("X-Linked-Size", str(len(content))), ("X-Linked-ETag", dict(found.headers)["ETag"]))
        place = ("Location", store.sign(request.path.rpartition("/")[0] + "/blob", content))
        return Answer(302, (*kept, *linked, place, ("Content-Type", "text/plain")), b"Found")

    hub.answer = answer  # type: ignore[method-assign]


def ranged(content: bytes, request: Request, etag: str | None) -> Answer:
    """The range that was asked for, or the whole."""
    headers: tuple[tuple[str, str], ...] = (("Accept-Ranges", "bytes"), ("Content-Type", "application/octet-stream"))
    headers += (("ETag", etag),) if etag is not None else ()
    part = parse_range(request.headers.get("range", ""), len(content))
    if part is None:
        return Answer(200, headers, content)
    if part[0] >= part[1]:
        return Answer(416, (*headers, ("Content-Range", f"bytes */{len(content)}")))
    where = ("Content-Range", f"bytes {part[0]}-{part[1] - 1}/{len(content)}")
    return Answer(206, (*headers, where), content, start=part[0], stop=part[1])
