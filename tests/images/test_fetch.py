"""One fetch against a real server that misbehaves: every way it can end, with its outcome and within its limits."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import pickle
import socket
import ssl
import threading
import time
import zlib
from pathlib import Path

import pytest
from hostile_host import HostileHost, answer, in_pieces, picture, redirect

from laion_pairs.images import DownloadPolicy, Fetched, fetch_image
from laion_pairs.images.transfer import Transfer
from laion_pairs.images.url_check import check_url
from laion_pairs.ledger import Outcome

PNG = picture()
QUICK = DownloadPolicy(
    allow_private=True,
    connect_timeout_s=1.0,
    first_byte_timeout_s=0.4,
    total_timeout_s=1.5,
    min_bytes_per_s=200,
    min_rate_window_s=0.3,
    max_body_bytes=50_000,
    max_header_bytes=8_000,
    max_redirects=3,
)
WHOLE_BOMB = zlib.compress(b"\0" * 2_000_000)


def chunked(*pieces: bytes, trailer: bytes = b"", headers: bytes = b"") -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
    return start + headers + b"\r\n" + body + b"0\r\n" + trailer + b"\r\n"


ANSWERS = {
    # a name: (what the host sends, the outcome, the status)
    "image": (answer(200, PNG), Outcome.OK, 200),
    "wrong content type": (answer(200, PNG, "Content-Type: text/html"), Outcome.OK, 200),
    "no length": (answer(200, PNG, length=False), Outcome.OK, 200),
    "chunked": (chunked(PNG[:20], PNG[20:]), Outcome.OK, 200),
    "after hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(200, PNG), Outcome.OK, 200),
    "203": (answer(203, PNG), Outcome.OK, 203),
    "gzip": (answer(200, gzip.compress(PNG), "Content-Encoding: gzip"), Outcome.OK, 200),
    "deflate": (answer(200, zlib.compress(PNG), "Content-Encoding: deflate"), Outcome.OK, 200),
    "204": (answer(204, length=False), Outcome.NOT_AN_IMAGE, 204),
    "206": (answer(206, PNG), Outcome.NOT_AN_IMAGE, 206),
    "304": (answer(304, length=False), Outcome.NOT_AN_IMAGE, 304),
    "302 without location": (answer(302, PNG), Outcome.NOT_AN_IMAGE, 302),
    "two locations": (redirect("/image", 302, "Location: /chunked"), Outcome.HTTP_SERVER_ERROR, 302),
    "401": (answer(401, PNG, 'WWW-Authenticate: Basic realm="x"'), Outcome.HTTP_CLIENT_ERROR, 401),
    "403": (answer(403, PNG), Outcome.HTTP_CLIENT_ERROR, 403),
    "404": (answer(404, PNG), Outcome.HTTP_CLIENT_ERROR, 404),
    "404 large": (answer(404, b"", "Content-Length: 99999999999", length=False), Outcome.HTTP_CLIENT_ERROR, 404),
    "410": (answer(410), Outcome.HTTP_CLIENT_ERROR, 410),
    "429": (answer(429), Outcome.RATE_LIMITED, 429),
    "500": (answer(500, PNG), Outcome.HTTP_SERVER_ERROR, 500),
    "503": (answer(503), Outcome.HTTP_SERVER_ERROR, 503),
    "503 later": (answer(503, b"", "Retry-After: 60"), Outcome.RATE_LIMITED, 503),
    "999": (answer(999, PNG), Outcome.HTTP_SERVER_ERROR, 999),
    "empty body": (answer(200), Outcome.NOT_AN_IMAGE, 200),
    "html": (answer(200, b"<!DOCTYPE html><p>gone"), Outcome.NOT_AN_IMAGE, 200),
    "cut png": (answer(200, PNG[:-30]), Outcome.CORRUPT_IMAGE, 200),
    "truncated": (answer(200, PNG, f"Content-Length: {len(PNG) + 9}", length=False), Outcome.CONNECT_FAILED, 200),
    "truncated chunks": (chunked(PNG)[:-40], Outcome.CONNECT_FAILED, 200),
    "announced too large": (answer(200, b"", "Content-Length: 50001", length=False), Outcome.TOO_LARGE, 200),
    "announced absurd": (answer(200, b"", "Content-Length: " + "9" * 18, length=False), Outcome.TOO_LARGE, 200),
    "too large": (answer(200, b"\x89PNG\r\n\x1a\n" + b"x" * 50_000, length=False), Outcome.TOO_LARGE, 200),
    "too large in chunks": (chunked(*[b"x" * 10_000] * 6), Outcome.TOO_LARGE, 200),
    "gzip bomb": (answer(200, gzip.compress(b"\0" * 2_000_000), "Content-Encoding: gzip"), Outcome.TOO_LARGE, 200),
    "bomb in a bomb": (
        answer(200, gzip.compress(WHOLE_BOMB), "Content-Encoding: deflate, gzip"),
        Outcome.TOO_LARGE,
        200,
    ),
    "unknown encoding": (answer(200, PNG, "Content-Encoding: compress"), Outcome.CORRUPT_IMAGE, 200),
    "not gzip": (answer(200, PNG, "Content-Encoding: gzip"), Outcome.CORRUPT_IMAGE, 200),
    "large header": (answer(200, PNG, "X: " + "y" * 9_000), Outcome.TOO_LARGE, 200),
    "many headers": (answer(200, PNG, *["X: y"] * 2_000), Outcome.TOO_LARGE, 200),
    "many hints": (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500 + answer(200, PNG), Outcome.TOO_LARGE, 103),
    "not http": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n", Outcome.HTTP_SERVER_ERROR, None),
    "http 0.9": (PNG, Outcome.HTTP_SERVER_ERROR, None),
    "nothing": (b"", Outcome.CONNECT_FAILED, None),
    "half a status line": (b"HTTP/1.1 2", Outcome.CONNECT_FAILED, None),
    "header cut": (b"HTTP/1.1 200 OK\r\nContent-Le", Outcome.HTTP_SERVER_ERROR, 200),
    "header without colon": (b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n" + PNG, Outcome.HTTP_SERVER_ERROR, 200),
    "NUL in header": (b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n" + PNG, Outcome.HTTP_SERVER_ERROR, 200),
    "two lengths": (
        answer(200, PNG, f"Content-Length: {len(PNG)}", "Content-Length: 5", length=False),
        Outcome.HTTP_SERVER_ERROR,
        200,
    ),
    "negative length": (answer(200, PNG, "Content-Length: -1", length=False), Outcome.HTTP_SERVER_ERROR, 200),
    "bad chunks": (chunked(PNG).replace(b"\r\n\r\n", b"\r\n\r\nzz\r\n", 1), Outcome.CONNECT_FAILED, 200),
    "upgrade": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + PNG, Outcome.HTTP_SERVER_ERROR, 101),
    "redirect": (redirect("/image"), Outcome.OK, 200),
    "redirect 301": (redirect("/image", 301), Outcome.OK, 200),
    "redirect 303": (redirect("/image", 303), Outcome.OK, 200),
    "redirect 307": (redirect("/image", 307), Outcome.OK, 200),
    "redirect 308": (redirect("image", 308), Outcome.OK, 200),
    "redirect to UTF-8": (redirect("/").replace(b"/\r", "/à\r".encode()), Outcome.OK, 200),
    "redirect with endless body": (
        answer(302, b"", "Location: /image", "Content-Length: 99999999999", length=False),
        Outcome.OK,
        200,
    ),
    "redirect loop": (redirect("/redirect%20loop"), Outcome.TOO_MANY_REDIRECTS, 302),
    "redirect to file": (redirect("file:///etc/hostname"), Outcome.BAD_URL, 302),
    "redirect to data": (redirect("data:image/png;base64,iVBORw0KGgo="), Outcome.BAD_URL, 302),
    "redirect to ftp": (redirect("ftp://127.0.0.1/image"), Outcome.BAD_URL, 302),
    "redirect with password": (redirect("http://user:hunter2@127.0.0.1/image"), Outcome.BAD_URL, 302),
    "redirect with control": (redirect("/image\x01"), Outcome.BAD_URL, 302),
    "redirect with tab": (redirect("/im\tage"), Outcome.BAD_URL, 302),
    "redirect with space": (redirect("/im age"), Outcome.BAD_URL, 302),
    "opted out": (answer(200, PNG, "X-Robots-Tag: noai"), Outcome.OPTED_OUT, 200),
    "opted out by the second": (
        answer(200, PNG, "X-Robots-Tag: nofollow", "x-robots-tag: bot: NoImageAI"),
        Outcome.OPTED_OUT,
        200,
    ),
    "opted out by tdm": (answer(200, PNG, "TDM-Reservation: yes"), Outcome.OPTED_OUT, 200),
    "opted out by usage": (answer(200, PNG, "Content-Usage: train-ai=n"), Outcome.OPTED_OUT, 200),
    "opted out on a redirect": (redirect("/image", 302, "X-Robots-Tag: noai"), Outcome.OPTED_OUT, 302),
    "opted out after a redirect": (redirect("/opted%20out"), Outcome.OPTED_OUT, 200),
    "opted out by an error": (answer(503, b"", "X-Robots-Tag: noindex"), Outcome.OPTED_OUT, 503),
    "opted out by folding": (answer(200, PNG, "X-Robots-Tag: nofollow,\r\n noai"), Outcome.OPTED_OUT, 200),
    "opted out by a hint": (
        b"HTTP/1.1 103 Early Hints\r\nX-Robots-Tag: noai\r\n\r\n" + answer(200, PNG),
        Outcome.OPTED_OUT,
        103,
    ),
    "opted out by a trailer": (chunked(PNG, trailer=b"X-Robots-Tag: noai\r\n"), Outcome.OPTED_OUT, 200),
    "not opted out": (answer(200, PNG, "X-Robots-Tag: max-image-preview: none", "TDM-Reservation: 0"), Outcome.OK, 200),
    "status in a header": (answer(404, PNG, "HTTP/1.1 200: OK"), Outcome.HTTP_CLIENT_ERROR, 404),
}


@pytest.fixture(scope="module")
def host():
    routes = {"/" + name.replace(" ", "%20"): sent for name, (sent, _, _) in ANSWERS.items()}
    routes["/%C3%A0"] = routes["/image"]
    with HostileHost(routes) as host:
        yield host


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_has_its_outcome(host, name):
    _, outcome, status = ANSWERS[name]
    fetched = fetch_image(host.url("/" + name.replace(" ", "%20")), QUICK)
    assert (fetched.outcome, fetched.status) == (outcome, status)
    assert (fetched.body is not None) == fetched.ok == (outcome is Outcome.OK)
    assert fetched.detail.endswith(".")
    assert fetched.detail.isprintable()
    assert "hunter2" not in repr(fetched)
    assert pickle.loads(pickle.dumps(fetched)) == fetched


def test_what_ok_carries(host):
    fetched = fetch_image(host.url("/redirect"), QUICK)
    assert fetched == Fetched(
        Outcome.OK,
        host.url("/redirect"),
        final_url=host.url("/image"),
        status=200,
        body=PNG,
        format="PNG",
        width=8,
        height=6,
        detail=fetched.detail,
        redirects=1,
        elapsed_s=fetched.elapsed_s,
    )
    assert repr(PNG)[:20] not in repr(fetched)
    assert 0 < fetched.elapsed_s < 1


def test_a_folded_header_is_one_header():
    """Newer libcurl unfolds by itself, older does not: feed the lines as the older one does."""
    transfer = Transfer(check_url("http://example.org/"), QUICK, end_s=time.monotonic() + 1)
    lines = [b"HTTP/1.1 200 OK\r\n", b"X-Robots-Tag: nofollow,\r\n", b"\t noai\r\n", b"\r\n"]
    assert [transfer._on_header(line) for line in lines] == [None, None, None, 0]
    assert transfer.refused.outcome is Outcome.OPTED_OUT


def test_redirects_are_counted(host):
    before = len(host.requests)
    assert fetch_image(host.url("/redirect%20loop"), QUICK).redirects == QUICK.max_redirects
    assert len(host.requests) - before == QUICK.max_redirects + 1


def test_an_error_page_is_not_read():
    """The body of a refusal is not waited for."""
    with HostileHost() as host:
        host.routes["/"] = in_pieces(host.wait_closed, [answer(404, b"", "Content-Length: 9999", length=False)], 5)
        fetched = fetch_image(host.url(), QUICK)
        assert fetched.outcome is Outcome.HTTP_CLIENT_ERROR
        assert fetched.elapsed_s < 0.3


SLOW = {
    "silent": ([b""], 3.0, Outcome.TIMED_OUT, QUICK.first_byte_timeout_s),
    "half a line, then silent": ([b"HTTP/1.1 2"], 3.0, Outcome.TIMED_OUT, QUICK.first_byte_timeout_s),
    "header drip": ([b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n"] * 99, 0.1, Outcome.TOO_SLOW, QUICK.min_rate_window_s),
    "body drip": ([answer(200, length=False)] + [b"\x89"] * 99, 0.05, Outcome.TOO_SLOW, QUICK.min_rate_window_s),
    "stall": ([answer(200, b"x" * 9_000, length=False), b""], 3.0, Outcome.TOO_SLOW, 2 * QUICK.min_rate_window_s),
    "fast enough, never done": ([answer(200, length=False)] + [b"x" * 50] * 99, 0.05, Outcome.TIMED_OUT, 1.5),
    "redirects in slow motion": (None, 0.39, Outcome.TIMED_OUT, 1.5),
}


@pytest.mark.parametrize("name", SLOW)
def test_slow_hosts_end_in_time(name):
    pieces, pause_s, outcome, at_most_s = SLOW[name]
    policy = QUICK
    with HostileHost() as host:
        if pieces is None:
            policy = DownloadPolicy(allow_private=True, total_timeout_s=1.5, max_redirects=99)
            host.routes["/"] = in_pieces(host.wait_closed, [b"", redirect("/")], pause_s)
        else:
            host.routes["/"] = in_pieces(host.wait_closed, pieces, pause_s)
        start_s = time.monotonic()
        fetched = fetch_image(host.url(), policy)
        took_s = time.monotonic() - start_s
        assert fetched.outcome is outcome
        assert at_most_s * 0.9 < took_s < at_most_s + 0.4


def test_the_connection_has_its_limit():
    """A host whose queue is full answers no SYN."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        policy = DownloadPolicy(allow_private=True, connect_timeout_s=0.3)
        fetched = fetch_image(f"http://127.0.0.1:{port}/", policy)
        for filler in fillers:
            filler.close()
    assert fetched.outcome is Outcome.TIMED_OUT
    assert 0.25 < fetched.elapsed_s < 0.8


def test_a_handshake_that_never_answers():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        fetched = fetch_image(url, DownloadPolicy(allow_private=True, connect_timeout_s=0.3))
    assert fetched.outcome is Outcome.TIMED_OUT
    assert 0.25 < fetched.elapsed_s < 0.8


def test_nobody_listens():
    with HostileHost() as host:
        port = host.port
    assert fetch_image(f"http://127.0.0.1:{port}/", QUICK).outcome is Outcome.CONNECT_FAILED


def test_a_name_without_address():
    assert fetch_image("http://nowhere.invalid/", QUICK).outcome in (Outcome.DNS_FAILED, Outcome.TIMED_OUT)


def test_certificates_are_verified():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("self_signed.pem"))
    with HostileHost({"/": answer(200, PNG)}, tls=context) as host:
        fetched = fetch_image(host.url(), QUICK)
        assert fetched.outcome is Outcome.TLS_FAILED
        assert host.requests == []


def test_tls_against_a_plain_host(host):
    assert fetch_image(host.url("/image").replace("http:", "https:"), QUICK).outcome is Outcome.TLS_FAILED


def test_pixels_are_judged_before_decoding():
    large = picture("PNG", (2_000, 2_000), "1")
    with HostileHost({"/": answer(200, large)}) as host:
        fetched = fetch_image(host.url(), DownloadPolicy(allow_private=True, max_pixels=2_000 * 2_000 - 1))
        assert fetched.outcome is Outcome.TOO_MANY_PIXELS
        assert fetch_image(host.url(), DownloadPolicy(allow_private=True, max_pixels=2_000 * 2_000)).ok


class ListOf:
    """Stands for takedown lists: the two questions that a fetch asks."""

    def __init__(self, urls=(), md5s=(), sha256s=()):
        self.urls, self.md5s, self.sha256s, self.asked = set(urls), set(md5s), set(sha256s), []

    def match_url(self, url):
        self.asked.append(url)
        return "entry" if url in self.urls else None

    def match_bytes(self, md5_hex, sha256_hex):
        return "entry" if md5_hex in self.md5s or sha256_hex in self.sha256s else None


def test_takedown_lists_are_asked_for_every_url_and_for_the_bytes(host):
    image, pointer = host.url("/image"), host.url("/redirect")
    before = len(host.requests)
    assert fetch_image(image, QUICK, takedown=ListOf()).ok
    assert len(host.requests) == before + 1

    lists = [
        (ListOf(urls=[image]), image, 0),  # before any request
        (ListOf(urls=[image]), pointer, 1),  # after a redirect, before the second request
        (ListOf(urls=[image]), image.replace("http", "HTTP") + "#x", 0),  # as it would be requested
        (ListOf(md5s=[hashlib.md5(PNG).hexdigest()]), image, 1),
        (ListOf(sha256s=[hashlib.sha256(PNG).hexdigest()]), image, 1),
    ]
    for takedown, url, requests in lists:
        before = len(host.requests)
        fetched = fetch_image(url, QUICK, takedown=takedown)
        assert fetched.outcome is Outcome.TAKEN_DOWN
        assert (fetched.url, fetched.final_url, fetched.body) == ("", None, None)
        assert host.url() not in repr(fetched)
        assert len(host.requests) - before == requests


def test_inside_a_running_event_loop(host):
    async def cell():
        return fetch_image(host.url("/image"), QUICK)

    assert asyncio.run(cell()).ok


def test_in_many_threads(host):
    results = []
    threads = [
        threading.Thread(target=lambda: results.extend(fetch_image(host.url("/redirect"), QUICK) for _ in range(10)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [fetched.outcome for fetched in results] == [Outcome.OK] * 80


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork(host):
    url = host.url("/image")
    assert fetch_image(url, QUICK).ok
    child = os.fork()
    if child == 0:
        os._exit(0 if fetch_image(url, QUICK).ok else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert fetch_image(url, QUICK).ok


def test_no_file_stays_open(host):
    fetch_image(host.url("/image"), QUICK)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for name in ("image", "redirect", "404", "too%20large", "truncated") * 4:
        fetch_image(host.url("/" + name), QUICK)
    fetch_image(host.url("/image"), DownloadPolicy(allowed_ports=(host.port,)))  # refused where it dials
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after <= before + 3  # the host's own sockets come and go in its threads
