"""The image host behaves, and misbehaves, as its methods say; a plain HTTP client sees it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from laion_pairs.sample import ImageHost, sample_pictures

PICTURE = sample_pictures()[0].path.read_bytes()


@pytest.fixture
def host() -> Iterator[ImageHost]:
    with ImageHost() as host:
        yield host
    assert not host.errors, host.errors


def get(url: str, **options: object) -> requests.Response:
    return requests.get(url, timeout=5, **options)  # type: ignore[arg-type]


def test_a_picture_arrives_and_every_request_is_counted(host: ImageHost) -> None:
    url = host.serve("/a.png", PICTURE)
    assert get(url).content == PICTURE
    assert requests.head(url, timeout=5).headers["Content-Length"] == str(len(PICTURE))
    assert (host.count("/a.png"), host.count("/b.png"), host.count()) == (2, 0, 2)
    assert [(line.method, line.bytes_sent) for line in host.requests()] == [("GET", len(PICTURE)), ("HEAD", 0)]


@pytest.mark.parametrize(
    ("status", "put"),
    [
        (404, lambda host: host.url("/nothing.jpg")),
        (410, lambda host: host.gone("/x.jpg")),
        (404, lambda host: host.gone("/x.jpg", status=404)),
        (500, lambda host: host.failing("/x.jpg")),
        (429, lambda host: host.failing("/x.jpg", 429, retry_after_s=7)),
        (302, lambda host: host.redirect("/x.jpg", "http://127.0.0.1/elsewhere")),
        (308, lambda host: host.redirect("/x.jpg", "file:///etc/hostname", 308)),
        (200, lambda host: host.not_an_image("/x.jpg")),
        (200, lambda host: host.opted_out("/x.jpg", PICTURE)),
    ],
)
def test_statuses(host: ImageHost, status: int, put: Callable[[ImageHost], str]) -> None:
    assert get(put(host), allow_redirects=False).status_code == status


def test_an_opted_out_picture_is_whole_and_says_so(host: ImageHost) -> None:
    answer = get(host.opted_out("/x.jpg", PICTURE, directive="1", header="tdm-reservation"))
    assert (answer.headers["tdm-reservation"], answer.content) == ("1", PICTURE)


def test_a_silent_host_says_nothing(host: ImageHost) -> None:
    with pytest.raises(requests.ReadTimeout):
        requests.get(host.silent("/x.jpg"), timeout=0.2)


def test_a_dripping_host_sends_at_the_rate_asked_for(host: ImageHost) -> None:
    began = time.monotonic()
    answer = get(host.drip("/x.jpg", b"x" * 60, bytes_per_s=100))
    assert len(answer.content) == 60
    assert time.monotonic() - began > 0.4


def test_a_truncated_picture_breaks_its_promise(host: ImageHost) -> None:
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        get(host.truncated("/x.png", PICTURE))
    assert host.requests("/x.png")[0].bytes_sent == len(PICTURE) // 2


@pytest.mark.parametrize("says_so", [True, False])
def test_a_huge_picture_stops_when_the_client_does(host: ImageHost, says_so: bool) -> None:
    with get(host.huge("/x.jpg", 1 << 30, says_so=says_so), stream=True) as answer:
        assert ("Content-Length" in answer.headers) is says_so
        assert len(next(answer.iter_content(1 << 20))) == 1 << 20
    while not host.requests("/x.jpg"):
        time.sleep(0.01)
    assert host.requests("/x.jpg")[0].bytes_sent < 1 << 28


def test_stopping_ends_what_is_still_being_sent() -> None:
    with ImageHost() as host:
        host.drip("/x.jpg", PICTURE, bytes_per_s=10)
        answer = requests.get(host.url("/x.jpg"), timeout=5, stream=True)
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        _ = answer.content
    with pytest.raises(requests.ConnectionError):
        get(host.url("/x.jpg"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")
def test_several_addresses_share_one_port() -> None:
    with ImageHost(["127.0.0.1", "127.0.0.2"]) as host:
        host.serve("/a.png", PICTURE)
        for address in host.addresses:
            assert get(host.url("/a.png", address)).ok
        assert {line.host for line in host.requests()} == {f"{address}:{host.port}" for address in host.addresses}


def test_only_loopback_is_served() -> None:
    with pytest.raises(ValueError, match="not a loopback address"):
        ImageHost(["0.0.0.0"])
