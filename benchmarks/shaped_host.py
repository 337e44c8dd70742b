"""A loopback host of one file, in a process of its own, behind a line with a delay and a rate; it counts what it sends.

    python benchmarks/shaped_host.py FILE [--delay-s 0.05] [--mbit-s 100] [--tls PEM]     # serves until stdin closes

The file is at ``hf://datasets/bench/pairs/shard.parquet`` (with ``HF_ENDPOINT`` set to the host, through the real
client: the protocol is :class:`laion_pairs.sample.LoopbackHub`'s), and, to a client that knows no Hub, the same file
at ``/datasets/bench/pairs/resolve/main/shard.parquet`` over http, or https with ``--tls``. It prints its port.

How it is shaped, in this process, no traffic control of the system's: the first byte of every answer waits ``delay_s``
from when its request was read (so the delay of a round trip is there once a request; connecting costs none), and every
body goes in pieces of 16 KiB through one :class:`line.Line` of that rate, whatever the connection. Sockets hold back at
most about 64 KiB. Without either it sends as fast as the kernel takes it.

``GET /-/counts`` and ``POST /-/forget`` are not delayed, not shaped and not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from exchanges import Exchange, bursts, sequential_round_trips
from line import Line

from laion_pairs.sample import Answer, LoopbackHub, Request

__all__ = ["HUB_PATH", "SHAPED", "UNSHAPED", "Counts", "RunningHost", "Shape", "serve_file"]

REPOSITORY, FILE = "bench/pairs", "shard.parquet"
HUB_PATH = f"hf://datasets/{REPOSITORY}/{FILE}"
_SHAPED_PIECE_BYTES, _SOCKET_BYTES = 1 << 14, 1 << 15  # Linux doubles what a socket is given
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Shape:
    """How long a first byte waits, and what the line carries; None: as much as the machine can."""

    delay_s: float = 0.0
    mbit_s: float | None = None

    def __str__(self) -> str:
        return "unshaped" if self == UNSHAPED else f"{self.delay_s * 1000:g} ms, {self.mbit_s:g} Mbit/s"


UNSHAPED = Shape()
SHAPED = Shape(0.05, 100.0)


@dataclass(frozen=True)
class Counts:
    """Of everything asked since the host began or was told to forget; bytes are of bodies, handed to the socket."""

    requests: int
    sent_bytes: int
    round_trips: int
    bursts: int
    asked: list[str]
    """A line a request: what, when it came and when its answer had gone (s, from the first one), its bytes."""


class ShapedHost(ThreadingHTTPServer):
    """Answers as the Hub does, through the line."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, hub: LoopbackHub, shape: Shape, tls: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub, self.shape = hub, shape
        self.line = Line(None if shape.mbit_s is None else shape.mbit_s * 1e6 / 8)
        self._exchanges: list[Exchange] = []
        self._lock = threading.Lock()
        hub.port = self.server_address[1]
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def begin(self, what: str) -> Exchange:
        exchange = Exchange(what, time.monotonic())
        with self._lock:
            self._exchanges.append(exchange)
        return exchange

    def counts(self) -> Counts:
        with self._lock:
            seen = list(self._exchanges)
        first_at = seen[0].came_at if seen else 0.0
        asked = [each.told(first_at) for each in seen]
        sent_bytes = sum(each.sent_bytes for each in seen)
        return Counts(len(seen), sent_bytes, sequential_round_trips(seen), bursts(seen), asked)

    def forget(self) -> None:
        with self._lock:
            self._exchanges.clear()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client that hung up is no error
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: ShapedHost
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        if self.server.shape.mbit_s is not None:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        super().setup()

    def _serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if url.path.startswith("/-/"):
            self._control(url.path)
            return
        exchange = self.server.begin(f"{self.command} {self.path} {self.headers.get('Range', '')}")
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = self.server.hub.answer(Request(self.command, url.path, parse_qs(url.query), headers, body))
            time.sleep(max(0.0, exchange.came_at + self.server.shape.delay_s - time.monotonic()))
            self._send(answer, exchange)
        except OSError:
            self.close_connection = True
        finally:
            exchange.ended_at = time.monotonic()

    def _control(self, path: str) -> None:
        if path == "/-/forget":
            self.server.forget()
        self._send(Answer(body=json.dumps(asdict(self.server.counts())).encode()), None)

    def _send(self, answer: Answer, exchange: Exchange | None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(answer.content_length))
        self.end_headers()
        if self.command == "HEAD":
            return
        ready_at = time.monotonic()
        for piece in self._pieces(answer):
            if exchange is not None:
                ready_at = self.server.line.carry(len(piece), ready_at)
                exchange.sent_bytes += len(piece)
            began = time.monotonic()
            self.wfile.write(piece)
            ready_at += time.monotonic() - began  # a client that does not read leaves the line to others

    def _pieces(self, answer: Answer) -> Iterator[bytes]:
        piece_bytes = _PIECE_BYTES if self.server.shape.mbit_s is None else _SHAPED_PIECE_BYTES
        at, stop = answer.start, answer.start + answer.body_bytes
        if isinstance(answer.body, bytes):
            yield from (answer.body[i : min(i + piece_bytes, stop)] for i in range(at, stop, piece_bytes))
            return
        with answer.body.open("rb") as file:
            while at < stop:
                piece = os.pread(file.fileno(), min(piece_bytes, stop - at), at)
                at += len(piece)
                yield piece

    do_GET = do_HEAD = do_POST = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what matters is counted."""


@dataclass(frozen=True)
class RunningHost:
    """A host in another process, and where its file is."""

    port: int
    tls: Path | None

    @property
    def web_url(self) -> str:
        """The file for a client that knows no Hub."""
        return f"{self._origin}/datasets/{REPOSITORY}/resolve/main/{FILE}"

    @property
    def environment(self) -> dict[str, str]:
        """With which clients take this host for the Hub; or, with TLS, trust it, and take it for any web server."""
        own = {"LAION_BENCHMARK_HOST": self._origin}
        hub = LoopbackHub(port=self.port).environment
        if self.tls is None:
            return {**hub, **own}
        return {**hub, **own, "HF_ENDPOINT": "http://127.0.0.1:9", "SSL_CERT_FILE": str(self.tls)}

    @property
    def _origin(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}"

    def counts(self) -> Counts:
        """What it has sent so far."""
        return Counts(**json.loads(self._control("counts")))

    def forget(self) -> None:
        """Begin to count anew."""
        self._control("forget")

    def _control(self, what: str) -> bytes:
        trust = ssl.create_default_context(cafile=str(self.tls)) if self.tls else None
        with urllib.request.urlopen(f"{self._origin}/-/{what}", context=trust, timeout=10) as answer:
            return bytes(answer.read())


@contextmanager
def serve_file(path: Path, shape: Shape = UNSHAPED, tls: Path | None = None) -> Iterator[RunningHost]:
    """A host of the file, running until the block ends, however it ends: it goes when its standard input is closed."""
    command = [sys.executable, str(Path(__file__)), str(path), "--delay-s", str(shape.delay_s)]
    command += ["--mbit-s", str(shape.mbit_s)] if shape.mbit_s is not None else []
    command += ["--tls", str(tls)] if tls is not None else []
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdin
    assert process.stdout
    try:
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"the host of {path} did not start; what it printed is above")
        yield RunningHost(int(port), tls)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--delay-s", type=float, default=0.0)
    parser.add_argument("--mbit-s", type=float)
    parser.add_argument("--tls", type=Path)
    options = parser.parse_args()
    hub = LoopbackHub()
    hub.add_repository(REPOSITORY, {FILE: options.file})
    host = ShapedHost(hub, Shape(options.delay_s, options.mbit_s), options.tls)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    print(host.server_address[1], flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
