"""The lazy handle: what it knows, what it fetches and when, and that it travels."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import multiprocessing
import pickle
from pathlib import Path

import pytest
from PIL import Image

from laion_pairs.errors import FetchFailed, TakedownError
from laion_pairs.images import DownloadPolicy, RemoteImage
from laion_pairs.ledger import Outcome
from laion_pairs.sample.image_host import ImageHost
from laion_pairs.takedown import Entry, write_list

URL = "https://example.org/a.jpg"


def test_made_by_hand() -> None:
    image = RemoteImage(URL, width=640, height=480, digest="md5:00", unsafe=True)
    assert (image.url, image.width, image.height, image.size) == (URL, 640, 480, (640, 480))
    assert (image.digest, image.unsafe, image.takedown, image.withdrawn) == ("md5:00", True, (), None)
    assert RemoteImage(URL, width=640).size is None


def test_made_of_a_mapping() -> None:
    plain = {"path": URL, "width": 640, "takedown": ["/lists/a.parquet"], "withdrawn": "laion2B-en", "mood": "blue"}
    image = RemoteImage(plain, height=480)
    assert (image.url, image.size) == (URL, (640, 480))
    assert (image.takedown, image.withdrawn) == (("/lists/a.parquet",), "laion2B-en")
    assert RemoteImage(dict(image)) == image


@pytest.mark.parametrize("source", [None, 7, [URL], b"bytes"])
def test_made_of_nothing_else(source: object) -> None:
    with pytest.raises(TypeError, match="a URL or of a mapping"):
        RemoteImage(source)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (RemoteImage(URL, width=640, height=480), f"<RemoteImage 640x480 {URL}>"),
        (RemoteImage(URL), f"<RemoteImage {URL}>"),
        (RemoteImage({"bytes": b"12345"}), "<RemoteImage 5 bytes>"),
        (RemoteImage({}), "<RemoteImage 0 bytes>"),
        (RemoteImage("https://a/\x1b[31m\u202e\n"), "<RemoteImage https://a/\\x1b[31m\\u202e\\n>"),
        (RemoteImage("https://a/" + "x" * 10_000), f"<RemoteImage https://a/{'x' * 189}…>"),
    ],
)
def test_shown_as_text(image: RemoteImage, text: str) -> None:
    assert repr(image) == str(image) == f"{image}" == text


def test_never_equal_to_a_plain_dict() -> None:
    image = RemoteImage(URL)
    assert image == RemoteImage(URL)
    assert image != RemoteImage(URL, width=1)
    assert image != dict(image)
    assert dict(image) != image
    assert not image == dict(image)  # noqa: SIM201 (the operator is what is tested)
    with pytest.raises(TypeError, match="unhashable"):
        hash(image)


def test_has_no_array() -> None:
    """With ``__array__``, `datasets` would download in silence."""
    assert not hasattr(RemoteImage(URL), "__array__")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol: int) -> None:
    image = RemoteImage({"path": URL, "bytes": b"1", "withdrawn": "laion2B-en"}).show()
    travelled = pickle.loads(pickle.dumps(image, protocol))
    assert type(travelled) is RemoteImage
    assert travelled == image
    assert not travelled._shown  # what one notebook allowed is not another's


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, RemoteImage.copy])
def test_copies(copied: object) -> None:
    image = RemoteImage(URL, width=1)
    twin = copied(image)  # type: ignore[operator]
    assert type(twin) is RemoteImage
    assert twin == image
    assert twin is not image


def test_opens(picture_host: ImageHost, loopback: DownloadPolicy, jpeg: bytes) -> None:
    image = RemoteImage(picture_host.url("/0.jpg"))
    assert picture_host.count() == 0
    assert image.bytes(loopback) == jpeg
    fetched = image.fetch(loopback)
    assert (fetched.outcome, fetched.width, fetched.height) == (Outcome.OK, 64, 48)
    picture = image.open(loopback)
    assert isinstance(picture, Image.Image)
    assert (picture.mode, picture.size) == ("RGB", (64, 48))
    assert picture.getpixel((0, 0))[0] > 200  # type: ignore[index]
    assert picture_host.count("/0.jpg") == 3


def test_opens_inside_a_running_event_loop(picture_host: ImageHost, loopback: DownloadPolicy) -> None:
    async def cell() -> tuple[int, int]:
        return RemoteImage(picture_host.url("/0.jpg")).open(loopback).size

    assert asyncio.run(cell()) == (64, 48)


@pytest.mark.parametrize(
    ("path", "outcome"),
    [("/gone.jpg", Outcome.HTTP_CLIENT_ERROR), ("/never.jpg", Outcome.HTTP_CLIENT_ERROR)],
)
def test_a_dead_link_is_an_outcome(
    picture_host: ImageHost, loopback: DownloadPolicy, path: str, outcome: Outcome
) -> None:
    image = RemoteImage(picture_host.url(path))
    assert image.fetch(loopback).outcome is outcome
    for ask in (image.bytes, image.open):
        with pytest.raises(FetchFailed, match=rf"asked for .*{path}, got {outcome}: .*; leave the pair out") as failed:
            ask(loopback)
        assert failed.value.outcome is outcome


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ({}, Outcome.BAD_URL),
        ("", Outcome.BAD_URL),
        ("/etc/hostname", Outcome.BAD_URL),
        ("file:///etc/hostname", Outcome.BAD_URL),
        ("http://127.0.0.1:9/a.jpg", Outcome.FORBIDDEN_ADDRESS),
    ],
)
def test_what_is_not_a_link_to_an_image(source: object, outcome: Outcome) -> None:
    assert RemoteImage(source).fetch().outcome is outcome  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"<svg/>", Outcome.NOT_AN_IMAGE),
        (b"", Outcome.NOT_AN_IMAGE),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, Outcome.CORRUPT_IMAGE),
    ],
)
def test_stored_bytes_are_decoded_as_safely(body: bytes, outcome: Outcome) -> None:
    image = RemoteImage({"bytes": body})
    assert image.fetch().outcome is outcome
    with pytest.raises(FetchFailed):
        image.open()


def test_stored_bytes_need_no_request(picture_host: ImageHost, jpeg: bytes) -> None:
    image = RemoteImage({"bytes": jpeg, "path": picture_host.url("/0.jpg")})
    fetched = image.fetch()
    assert (fetched.outcome, fetched.format, fetched.width, fetched.height) == (Outcome.OK, "JPEG", 64, 48)
    assert image.bytes() == jpeg
    assert image.open().size == (64, 48)
    assert image.fetch(DownloadPolicy(max_pixels=100)).outcome is Outcome.TOO_MANY_PIXELS
    assert picture_host.count() == 0


def test_a_withdrawn_pair_is_not_fetched(picture_host: ImageHost, loopback: DownloadPolicy, jpeg: bytes) -> None:
    url = picture_host.url("/0.jpg")
    for fields in ({"path": url}, {"path": url, "bytes": jpeg}):
        image = RemoteImage({**fields, "withdrawn": "laion2B-en"})
        fetched = image.fetch(loopback)
        assert (fetched.outcome, fetched.body) == (Outcome.WITHDRAWN, None)
        with pytest.raises(FetchFailed, match=r"laion2B-en, which was withdrawn.*cleaned") as failed:
            image.open(loopback)
        assert failed.value.outcome is Outcome.WITHDRAWN
        assert url not in str(failed.value)
    assert picture_host.count() == 0


def test_a_missing_takedown_list_fails_closed(
    picture_host: ImageHost, loopback: DownloadPolicy, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    url = picture_host.url("/0.jpg")
    missing = f"{tmp_path}/missing.parquet"
    with pytest.raises(TakedownError, match=r"missing\.parquet"):
        RemoteImage({"path": url, "takedown": [missing]}).fetch(loopback)
    monkeypatch.setenv("LAION_TAKEDOWN", missing)
    with pytest.raises(TakedownError, match=r"missing\.parquet"):
        RemoteImage(url).fetch(loopback)
    assert picture_host.count() == 0


def _entry(kind: str, host: ImageHost, jpeg: bytes) -> Entry:
    values = {
        "url": host.url("/0.jpg"),
        "domain": "127.0.0.1",
        "md5": hashlib.md5(jpeg).hexdigest(),
        "sha256": hashlib.sha256(jpeg).hexdigest(),
    }
    return Entry(kind, values[kind], "asked for")


@pytest.mark.parametrize(
    ("kind", "requests"),
    [("url", 0), ("domain", 0), ("md5", 1), ("sha256", 0)],  # the row publishes its sha256, not its md5
)
def test_takedown_lists_rule_handles(
    picture_host: ImageHost, loopback: DownloadPolicy, jpeg: bytes, kind: str, requests: int, tmp_path: Path
) -> None:
    url, mine = picture_host.url("/0.jpg"), tmp_path / "mine.parquet"
    write_list(mine, [_entry(kind, picture_host, jpeg)], version="1")
    row = {"path": url, "digest": f"sha256:{hashlib.sha256(jpeg).hexdigest()}", "takedown": [str(mine)]}
    for image in (RemoteImage(row), RemoteImage({**row, "bytes": jpeg})):
        fetched = image.fetch(loopback)
        assert (fetched.outcome, fetched.body, fetched.url) == (Outcome.TAKEN_DOWN, None, "")
        with pytest.raises(FetchFailed) as failed:
            image.open(loopback)
        assert failed.value.outcome is Outcome.TAKEN_DOWN
        assert url not in str(failed.value)
        assert url not in str(image.show(loopback)._repr_html_())
    assert picture_host.count() == requests * 3


def test_a_configured_list_rules_handles_made_by_hand(
    picture_host: ImageHost, loopback: DownloadPolicy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_list(tmp_path / "mine.parquet", [Entry("domain", "127.0.0.1", "asked for")], version="1")
    image = RemoteImage(picture_host.url("/0.jpg"))
    assert image.fetch(loopback).ok
    monkeypatch.setenv("LAION_TAKEDOWN", str(tmp_path / "mine.parquet"))
    assert image.fetch(loopback).outcome is Outcome.TAKEN_DOWN
    assert picture_host.count() == 1


def _size(image: RemoteImage) -> tuple[int, int]:
    return image.open(DownloadPolicy(allow_private=True)).size


def test_travels_to_a_spawned_process(picture_host: ImageHost) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_size, (RemoteImage(picture_host.url("/1.jpg")),)) == (64, 48)
    assert picture_host.count() == 1
