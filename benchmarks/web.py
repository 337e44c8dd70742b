"""Two loopback webs over the corpus: a clean one, and one that is as broken as LAION's links are.

    python benchmarks/web.py [--cache DIR] [--port 8600]      # serves until Ctrl-C; URL lists beside the corpus

Every URL has its own host, a numeric address in 127.0.0.0/8, and no connection is kept: what a client of a million
small sites sees. nginx answers whatever an honest server can; `misbehaving.py` what it cannot (silence, drips, cuts).
Nothing here dials or looks up anything outside the loopback; unresolvable names end in `.invalid`.

The mix is that of earlier measurements, in exact shares (see `MIX`), shuffled with a seed.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from corpus import Corpus, default_cache, make_corpus

__all__ = ["MIX", "Link", "clean_links", "mixed_links", "serve"]

SEED = 400
PORT = 8600
#: Kind of link → share. The rest are photos. Good as bytes and as a picture: photo, redirected. Judged differently by
#: different tools: page (HTML, a good answer but no picture), truncated (half a picture). Bad for all: the others.
MIX = {
    "gone": 0.10,  # 404
    "forbidden": 0.015,  # 403
    "refused": 0.03,  # nothing listens
    "unresolvable": 0.04,
    "silent": 0.02,  # accepts, never answers
    "dripping": 0.005,  # a byte each half second
    "page": 0.03,
    "cut": 0.005,  # the connection closes before Content-Length
    "truncated": 0.005,  # a whole answer with half a picture
    "redirected": 0.04,
}
PAGE = "<!doctype html><title>Sold</title>" + "<p>This domain may be for sale.</p>" * 100
GOOD = frozenset({"photo", "redirected"})
JUDGED = frozenset({"page", "truncated"})


@dataclass(frozen=True)
class Link:
    """One URL of the web and what lies behind it; ``file`` is the corpus file that it should end at, if any."""

    url: str
    kind: str
    file: str


@dataclass(frozen=True)
class Web:
    """The ports of a running web: nginx, the misbehaving server, and one where nothing listens."""

    port: int

    @property
    def misbehaving(self) -> int:
        return self.port + 1

    @property
    def closed(self) -> int:
        return self.port + 2


def clean_links(corpus: Corpus, rows: int, port: int = PORT) -> list[Link]:
    """``rows`` photos, every one on its own host; the corpus is repeated when it is shorter."""
    names = corpus.names
    return [
        Link(f"http://{_host(row)}:{port}/p/{names[row % len(names)]}", "photo", names[row % len(names)])
        for row in range(rows)
    ]


def mixed_links(corpus: Corpus, rows: int, port: int = PORT) -> list[Link]:
    """``rows`` links in the shares of ``MIX``, in seeded order."""
    kinds = [kind for kind, share in MIX.items() for _ in range(round(rows * share))]
    kinds += ["photo"] * (rows - len(kinds))
    random.Random(SEED).shuffle(kinds)
    web = Web(port)
    links = []
    for row, kind in enumerate(kinds):
        name = corpus.names[row % len(corpus.names)]
        host, path = f"{_host(row)}:{port}", f"{kind}/{name}"
        if kind == "photo":
            path = f"p/{name}"
        elif kind == "unresolvable":
            host = f"host-{row}.invalid:{port}"
        elif kind == "refused":
            host = f"{_host(row)}:{web.closed}"
        elif kind in ("silent", "dripping", "cut"):
            host = f"{_host(row)}:{web.misbehaving}"
        links.append(Link(f"http://{host}/{path}", kind, name if kind in GOOD | JUDGED else ""))
    return links


def _host(row: int) -> str:
    """The row's own address: 127.1.0.1 onwards, 250 × 250 × 250 of them."""
    return f"127.{1 + row // 62_500 % 250}.{row // 250 % 250}.{1 + row % 250}"


@contextmanager
def serve(corpus: Corpus, port: int = PORT) -> Iterator[Web]:
    """Both servers, running until the block ends, however it ends. Raises RuntimeError if one cannot start."""
    _raise_open_files()
    web = Web(port)
    _make_truncated(corpus)
    for taken in (web.port, web.misbehaving, web.closed):
        _check_free(taken)
    scratch = Path(tempfile.mkdtemp(prefix="laion-benchmark-nginx-"))
    (scratch / "nginx.conf").write_text(_nginx_conf(corpus.directory, scratch, web))
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    processes = []
    try:
        for command in (
            [nginx, "-e", str(scratch / "error.log"), "-c", str(scratch / "nginx.conf")],
            [sys.executable, str(Path(__file__).with_name("misbehaving.py")), str(web.misbehaving)],
        ):
            processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True))
        for listening in (web.port, web.misbehaving):
            _wait_for(listening)
        yield web
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(scratch, ignore_errors=True)


def _nginx_conf(root: Path, scratch: Path, web: Web) -> str:
    return rf"""
daemon off; pid {scratch}/nginx.pid; error_log {scratch}/error.log; {"user root;" if os.geteuid() == 0 else ""}
worker_processes 2; worker_rlimit_nofile 20000;
events {{ worker_connections 8192; multi_accept on; }}
http {{
  types {{ image/jpeg jpg; image/png png; image/webp webp; text/html html; }}
  access_log off; keepalive_timeout 0; sendfile on; tcp_nopush on; server_tokens off;
  open_file_cache max=10000 inactive=1h; open_file_cache_valid 1h;
  client_body_temp_path {scratch}/body; proxy_temp_path {scratch}/proxy; fastcgi_temp_path {scratch}/fastcgi;
  uwsgi_temp_path {scratch}/uwsgi; scgi_temp_path {scratch}/scgi;
  map $server_addr $another {{ ~^127\.\d+\.(?<rest>.*)$ 127.254.$rest; }}
  server {{
    listen 0.0.0.0:{web.port} backlog=8192; root {root};
    location /p/ {{ }}
    location /truncated/ {{ }}
    location /gone/ {{ return 404; }}
    location /forbidden/ {{ return 403; }}
    location ~ ^/redirected/(?<photo>.+)$ {{ return 302 http://$another:{web.port}/p/$photo; }}
    location /page/ {{ types {{ }} default_type text/html; return 200 "{PAGE}"; }}
  }}
}}
"""


def _make_truncated(corpus: Corpus) -> None:
    """Half of every file under ``truncated/``, once."""
    halves = corpus.directory / "truncated"
    if not halves.exists():
        unfinished = corpus.directory / "truncated.unfinished"
        unfinished.mkdir(exist_ok=True)
        for name in corpus.names:
            content = (corpus.directory / "p" / name).read_bytes()
            (unfinished / name).write_bytes(content[: len(content) // 2])
        unfinished.rename(halves)


def _raise_open_files(least: int = 20_000) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = least if hard == resource.RLIM_INFINITY else min(least, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            raise RuntimeError(f"port {port} is taken ({error}); choose another with --port") from error


def _wait_for(port: int, deadline_s: float = 10.0) -> None:
    until = time.monotonic() + deadline_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise RuntimeError(f"nothing listens on port {port} after {deadline_s} s") from None
            time.sleep(0.05)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=default_cache())
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--rows", type=int, default=6_000)
    options = parser.parse_args()
    corpus = make_corpus(options.cache)
    print(corpus.describe())
    for name, links in (("clean", clean_links), ("mix", mixed_links)):
        path = corpus.directory / f"{name}-{options.rows}.tsv"
        lines = [f"{link.url}\t{link.kind}\t{link.file}\n" for link in links(corpus, options.rows, options.port)]
        path.write_text("".join(lines))
        print(f"{name} web: {path} (url, kind, file)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with serve(corpus, options.port):
        print("serving; Ctrl-C ends it", flush=True)
        signal.pause()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
