"""A web server for pictures on loopback that counts every request and misbehaves on demand, path by path.

A picture is put at a path with :meth:`ImageHost.serve`; what goes wrong on the web has a method each::

    with ImageHost() as host:
        host.serve("/cat.jpg", picture_bytes)
        host.gone("/old.jpg", status=410)
        host.drip("/slow.jpg", picture_bytes, bytes_per_s=20)
        ...
        assert host.count("/cat.jpg") == 1
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from laion_pairs.sample.loopback import Answer, LoopbackServer, Request

__all__ = ["ImageHost"]

MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"RIFF", "image/webp"),
)
HTML = b"<!doctype html><title>This picture has moved</title><p>The picture is not here any more.</p>"
NOT_FOUND = Answer(404, (("Content-Type", "text/html"),), b"<!doctype html><title>Not found</title>")


class ImageHost(LoopbackServer):
    """Serves pictures on one or several loopback addresses and counts requests; other paths answer 404."""

    def __init__(self, addresses: Iterable[str] = ("127.0.0.1",), port: int = 0) -> None:
        super().__init__(addresses, port)
        self.pages: dict[str, Answer] = {}

    @property
    def base_url(self) -> str:
        """The base URL on the first address, without a slash at its end."""
        return self.url_of(self.addresses[0])

    def url(self, path: str, address: str | None = None) -> str:
        """The URL of a path."""
        return self.url_of(address or self.addresses[0]) + path

    def count(self, path: str | None = None) -> int:
        """How many requests came for a path, or for all."""
        return len(self.requests(path))

    def answer(self, request: Request) -> Answer:
        """What was put at the path."""
        return self.pages.get(request.path, NOT_FOUND)

    def put(self, path: str, answer: Answer) -> str:
        """Put any answer at a path, and return its URL; every other method is this one with a name."""
        self.pages[path] = answer
        return self.url(path)

    def serve(
        self,
        path: str,
        body: bytes | Path,
        content_type: str | None = None,
        *,
        status: int = 200,
        headers: Iterable[tuple[str, str]] = (),
        delay_s: float = 0.0,
    ) -> str:
        """A picture that behaves; its type is read off its first bytes unless given."""
        if content_type is None:
            content_type = _type_of(body if isinstance(body, bytes) else body.open("rb").read(16))
        return self.put(path, Answer(status, (("Content-Type", content_type), *headers), body, delay_s=delay_s))

    def gone(self, path: str, status: int = 410) -> str:
        """Not there any more: 410, or 404."""
        return self.put(path, replace(NOT_FOUND, status=status))

    def failing(self, path: str, status: int = 500, retry_after_s: int | None = None) -> str:
        """A host in trouble: 5xx, or 429, with or without Retry-After."""
        headers = (("Retry-After", str(retry_after_s)),) if retry_after_s is not None else ()
        return self.put(path, Answer(status, headers, b"later"))

    def silent(self, path: str, seconds: float = 3600.0) -> str:
        """Takes the request and says nothing."""
        return self.put(path, Answer(delay_s=seconds))

    def drip(self, path: str, body: bytes | Path, bytes_per_s: float = 10.0) -> str:
        """Sends the picture, but a few bytes a second."""
        return self.put(path, Answer(200, (("Content-Type", "image/jpeg"),), body, bytes_per_s=bytes_per_s))

    def not_an_image(self, path: str, body: bytes = HTML, content_type: str = "image/jpeg") -> str:
        """A web page that says it is a picture."""
        return self.put(path, Answer(200, (("Content-Type", content_type),), body))

    def opted_out(self, path: str, body: bytes | Path, directive: str = "noai", header: str = "X-Robots-Tag") -> str:
        """A good picture whose host reserves it against data mining."""
        return self.serve(path, body, headers=[(header, directive)])

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        """Sends the client to another URL."""
        return self.put(path, Answer(status, (("Location", to),)))

    def truncated(self, path: str, body: bytes, kept: float = 0.5) -> str:
        """Closes the connection in the middle of the picture, against its Content-Length."""
        return self.put(path, Answer(200, (("Content-Type", _type_of(body)),), body, cut_at=int(len(body) * kept)))

    def corrupt(self, path: str, body: bytes, kept: float = 0.5) -> str:
        """A whole answer whose picture ends too early."""
        return self.serve(path, body[: int(len(body) * kept)])

    def huge(self, path: str, size_bytes: int = 1 << 32, *, says_so: bool = True) -> str:
        """More bytes than anybody wants; ``says_so`` is whether Content-Length admits it."""
        block = b"\xff\xd8\xff" + b"\0" * 65533
        repeat = max(1, size_bytes // len(block))
        return self.put(path, Answer(200, (("Content-Type", "image/jpeg"),), block, repeat=repeat, says_length=says_so))


def _type_of(head: bytes) -> str:
    return next((name for magic, name in MAGIC if head.startswith(magic)), "application/octet-stream")
