"""A threaded HTTP/1.1 server on loopback addresses: a request goes in, an :class:`Answer` comes out, both are logged.

What :class:`~laion_pairs.sample.LoopbackHub` and :class:`~laion_pairs.sample.ImageHost` share. Standard library only,
keep-alive, and able to misbehave: an answer may wait, drip, break off early or lie about its length. It binds to
loopback only and never opens a connection itself.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["Answer", "LoggedRequest", "LoopbackServer", "Request"]

CHUNK_BYTES = 1 << 16
Server = TypeVar("Server", bound="LoopbackServer")


@dataclass(frozen=True)
class Request:
    """One request as it came in. ``path`` is as sent (still percent-encoded) and without the query."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def segments(self) -> list[str]:
        """The path's parts, split at "/" first and decoded after, so that an encoded "/" stays inside its part."""
        return [unquote(part) for part in self.path.split("/") if part]

    @property
    def bearer_token(self) -> str | None:
        """The token of an ``Authorization: Bearer …`` header, or None."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None


@dataclass(frozen=True)
class Answer:
    """What the server sends back, and how well it behaves while it does.

    ``body`` is bytes or a file; ``start`` and ``stop`` choose a part of it; ``repeat`` sends it that many times (an
    endless picture costs no memory). ``length`` is what Content-Length says where that is not the truth; without
    ``says_length`` there is none, and the connection closes at the end. ``cut_at`` closes it after that many bytes.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Path = b""
    start: int = 0
    stop: int | None = None
    length: int | None = None
    says_length: bool = True
    delay_s: float = 0.0
    bytes_per_s: float | None = None
    cut_at: int | None = None
    repeat: int = 1

    @property
    def body_bytes(self) -> int:
        """How many bytes the body has, once."""
        whole = len(self.body) if isinstance(self.body, bytes) else self.body.stat().st_size
        return (whole if self.stop is None else min(self.stop, whole)) - self.start

    @property
    def content_length(self) -> int:
        """What Content-Length says."""
        return self.body_bytes * self.repeat if self.length is None else self.length


@dataclass
class LoggedRequest:
    """One line of a server's log: what was asked, with which headers (lower-case names), and what was sent.

    The line is there before the first byte of the answer leaves, and ``bytes_sent`` (of the body) runs ahead of the
    socket by at most one chunk: a client that has its answer finds it in the log.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    status: int
    host: str
    bytes_sent: int = 0

    @property
    def authorization(self) -> str | None:
        """The ``Authorization`` header, or None."""
        return self.headers.get("authorization")


class LoopbackServer:
    """Serves what :meth:`answer` returns on one or several loopback addresses, all on one port. A context manager.

    Args:
        addresses: where to listen. Linux answers on all of 127.0.0.0/8; other systems only on 127.0.0.1.
        port: 0 lets the system choose.
    """

    def __init__(self, addresses: Iterable[str] = ("127.0.0.1",), port: int = 0) -> None:
        self.addresses = tuple(addresses)
        for address in self.addresses:
            if not address.startswith("127."):
                raise ValueError(f"{address} is not a loopback address; this server listens on 127.x.y.z only")
        self.port = port
        self.log: list[LoggedRequest] = []
        self.errors: list[BaseException] = []
        self.stopping = threading.Event()
        self._listeners: list[_Listener] = []
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Answer:
        """The answer to a request; subclasses say what it is. Called from many threads."""
        raise NotImplementedError

    def start(self: Server) -> Server:
        """Listen, and return itself. Starting twice changes nothing."""
        if not self._listeners:
            self.stopping.clear()
            for address in self.addresses:
                listener = _Listener((address, self.port), self)
                self.port = listener.server_address[1]
                self._listeners.append(listener)
                threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening, and break what is still being sent. Stopping twice changes nothing."""
        self.stopping.set()
        while self._listeners:
            listener = self._listeners.pop()
            listener.shutdown()
            listener.server_close()

    def __enter__(self: Server) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url_of(self, address: str) -> str:
        """The base URL on one of the addresses, without a slash at its end."""
        return f"http://{address}:{self.port}"

    def record(self, line: LoggedRequest) -> None:
        """Add one line to the log."""
        with self._lock:
            self.log.append(line)

    def requests(self, path: str | None = None, method: str | None = None) -> list[LoggedRequest]:
        """The log's lines, those of one path or method only where given."""
        with self._lock:
            lines = list(self.log)
        return [line for line in lines if path in (None, line.path) and method in (None, line.method)]

    def forget(self) -> None:
        """Empty the log."""
        with self._lock:
            self.log.clear()


class _Listener(ThreadingHTTPServer):
    """One listening socket; each connection has its own thread and serves any number of requests."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], owner: LoopbackServer) -> None:
        self.owner = owner
        self.open_sockets: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open_sockets.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open_sockets.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, (OSError, ValueError)):  # a client that hung up is no error
            self.owner.errors.append(error)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self.open_sockets):  # wake the threads that wait for a next request
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the owner, sends the answer as the answer says."""

    server: _Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = parse_qs(parts.query, keep_blank_values=True)
        request = Request(self.command, parts.path, query, headers, self.rfile.read(size))
        owner = self.server.owner
        try:
            answer = owner.answer(request)
        except Exception as error:  # a server with a bug answers 500 and remembers why, for the test to find
            owner.errors.append(error)
            answer = Answer(500, (("Content-Type", "text/plain"),), repr(error).encode())
        line = LoggedRequest(self.command, parts.path, query, headers, answer.status, headers.get("host", ""))
        owner.record(line)
        try:
            self._send(answer, line)
        except OSError:
            self.close_connection = True

    def _send(self, answer: Answer, line: LoggedRequest) -> None:
        """Send head and body, as well as the answer behaves."""
        self._wait(answer.delay_s)
        head = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}".rstrip()]
        head += [f"{name}: {value}" for name, value in answer.headers]
        head.append(f"Content-Length: {answer.content_length}" if answer.says_length else "Connection: close")
        pending = "\r\n".join([*head, "", ""]).encode("latin-1", "replace")
        chunk_bytes = max(1, int(answer.bytes_per_s / 10)) if answer.bytes_per_s else CHUNK_BYTES
        for chunk in _chunks(answer, chunk_bytes) if self.command != "HEAD" else ():
            part = chunk if answer.cut_at is None else chunk[: answer.cut_at - line.bytes_sent]
            line.bytes_sent += len(part)
            self.wfile.write(pending + part)  # head and first part in one packet
            pending = b""
            if line.bytes_sent == answer.cut_at:
                break
            self._wait(len(part) / answer.bytes_per_s if answer.bytes_per_s else 0)
        if pending:
            self.wfile.write(pending)
        promised = 0 if self.command == "HEAD" else answer.content_length
        self.close_connection = self.close_connection or line.bytes_sent != promised or not answer.says_length

    def _wait(self, seconds: float) -> None:
        if seconds and self.server.owner.stopping.wait(seconds):
            raise ConnectionAbortedError("the server is stopping")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """The log is a list, not stderr."""


def _chunks(answer: Answer, chunk_bytes: int) -> Iterable[bytes]:
    for _ in range(answer.repeat):
        if isinstance(answer.body, bytes):
            part = memoryview(answer.body)[answer.start : answer.stop]
            for at in range(0, len(part), chunk_bytes):
                yield bytes(part[at : at + chunk_bytes])
        else:
            with answer.body.open("rb") as file:
                yield from _file_chunks(file, answer.start, answer.body_bytes, chunk_bytes)


def _file_chunks(file: BinaryIO, start: int, length: int, chunk_bytes: int) -> Iterable[bytes]:
    file.seek(start)
    while length > 0 and (chunk := file.read(min(chunk_bytes, length))):
        length -= len(chunk)
        yield chunk
