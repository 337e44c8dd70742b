"""A real server on a loopback address that misbehaves on demand, and counts everything that reaches it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from io import BytesIO
from types import TracebackType

from PIL import Image

Answer = bytes | Callable[[socket.socket], None]


def picture(format_: str = "PNG", size: tuple[int, int] = (8, 6), mode: str = "RGB", **options: object) -> bytes:
    """A small valid image file."""
    file = BytesIO()
    Image.new(mode, size, 90).save(file, format_, **options)
    return file.getvalue()


def answer(status: int = 200, body: bytes = b"", *headers: str, length: bool = True) -> bytes:
    """The bytes of a whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} Whatever", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: close")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def redirect(target: str, status: int = 302, *headers: str) -> bytes:
    """An answer that points to ``target``."""
    return answer(status, b"", f"Location: {target}", *headers)


class HostileHost:
    """``with HostileHost({"/a": answer(...)}) as host: host.url("/a")``.

    Attributes:
        connections: how many were accepted.
        received: every byte that came in, over all connections.
        requests: the request lines, in order.
    """

    def __init__(
        self,
        routes: dict[str, Answer] | None = None,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.routes: dict[str, Answer] = routes or {}
        self.connections = 0
        self.received = b""
        self.requests: list[str] = []
        self._tls = tls
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family, backlog=1024)
        self.address = address
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._closed = threading.Event()

    def url(self, path: str = "/") -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def wait_closed(self, seconds: float) -> bool:
        """Sleep inside an answer; True once the host is being shut down."""
        return self._closed.wait(seconds)

    def __enter__(self) -> HostileHost:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closed.set()
        with contextlib.suppress(OSError):  # wakes accept() on Linux
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while True:
                request = b""
                while b"\r\n\r\n" not in request:
                    piece = connection.recv(65_536)
                    if not piece:
                        return
                    self.received += piece
                    request += piece
                    if request.startswith(b"\x16"):  # TLS, which this host does not speak
                        connection.sendall(answer(400))
                        connection.shutdown(socket.SHUT_RDWR)
                        return
                line = request.split(b"\r\n", 1)[0].decode("latin-1")
                self.requests.append(line)
                path = line.split(" ")[1]
                given = self.routes.get(path, answer(404))
                if callable(given):
                    given(connection)
                    connection.close()
                    return
                connection.sendall(given)
                if b"Connection: keep-alive" not in given:
                    connection.shutdown(socket.SHUT_WR)
                    connection.close()
                    return


def in_pieces(
    host_closed: Callable[[float], bool], pieces: list[bytes], pause_s: float
) -> Callable[[socket.socket], None]:
    """An answer that sends ``pieces`` with pauses between them."""

    def send(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
                if host_closed(pause_s):
                    return

    return send
