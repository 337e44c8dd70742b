"""A handle in a notebook: the picture, or text that says why not; never a traceback, never two fetches."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from PIL import Image

from laion_pairs.images import DownloadPolicy, RemoteImage, set_notebook_policy
from laion_pairs.images.display import MAX_SIDE_PX
from laion_pairs.sample.image_host import ImageHost


@pytest.fixture(autouse=True)
def notebook_policy(loopback: DownloadPolicy) -> Iterator[None]:
    set_notebook_policy(loopback)
    yield
    set_notebook_policy(None)


def shown(image: RemoteImage) -> tuple[str | None, bytes | None]:
    """What a notebook asks for, in its order."""
    return image._repr_html_(), image._repr_png_()


def test_the_picture_is_fetched_once(picture_host: ImageHost) -> None:
    html, png = shown(RemoteImage(picture_host.url("/0.jpg")))
    assert html is None
    assert png is not None
    assert Image.open(io.BytesIO(png)).size == (64, 48)
    assert picture_host.count() == 1


def test_the_picture_alone(picture_host: ImageHost) -> None:
    image = RemoteImage(picture_host.url("/0.jpg"))
    assert image._repr_png_() == image._repr_png_()
    assert picture_host.count() == 2


def test_a_large_picture_becomes_small() -> None:
    file = io.BytesIO()
    Image.new("RGB", (3000, 1000)).save(file, "PNG")
    png = RemoteImage({"bytes": file.getvalue()})._repr_png_()
    assert png is not None
    assert Image.open(io.BytesIO(png)).size == (MAX_SIDE_PX, 171)


def test_a_dead_link_is_text(picture_host: ImageHost) -> None:
    html, png = shown(RemoteImage(picture_host.url("/gone.jpg")))
    assert png is None
    assert html is not None
    assert "No picture: asked for http://127.0.0.1" in html
    assert "http_client_error" in html
    assert picture_host.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "http://127.0.0.1:1/a.jpg?<script>alert(1)</script>"},
        {"path": "<img src=x onerror=alert(1)>\x1b[31m\u202e"},
        {"path": "https://a/", "unsafe": True},
        {"path": "https://a/", "withdrawn": "<b>\x1b[31m"},
        {"path": "https://a/", "takedown": ["/missing/<b>.parquet"]},
        {},
    ],
)
def test_every_failure_is_escaped_text(fields: dict[str, object]) -> None:
    html, png = shown(RemoteImage(fields))
    assert png is None
    assert html is not None
    text = html.removeprefix(html[: html.index(">") + 1]).removesuffix("</div>").replace("<br>", "")
    assert "<" not in text
    assert text.isprintable()


def test_an_unsafe_picture_waits_for_show(picture_host: ImageHost) -> None:
    image = RemoteImage(picture_host.url("/0.jpg"), unsafe=True)
    html, png = shown(image)
    assert (png, picture_host.count()) == (None, 0)
    assert html is not None
    assert "Not shown" in html
    assert ".show()" in html
    assert image.show() is image
    html, png = shown(image)
    assert html is None
    assert png is not None
    assert shown(image.copy())[1] is None  # another handle of the same picture was not asked for


def test_show_takes_a_policy(picture_host: ImageHost) -> None:
    set_notebook_policy(None)
    image = RemoteImage(picture_host.url("/0.jpg"))
    assert "forbidden_address" in str(shown(image)[0])
    assert shown(image.show(DownloadPolicy(allow_private=True)))[1] is not None


def test_a_withdrawn_picture_is_not_shown_at_all(picture_host: ImageHost) -> None:
    image = RemoteImage({"path": picture_host.url("/0.jpg"), "withdrawn": "laion2B-en"})
    html, png = shown(image.show())
    assert (png, picture_host.count()) == (None, 0)
    assert "laion2B-en" in str(html)
    assert picture_host.base_url not in str(html)


@pytest.mark.ci
def test_in_a_real_display_formatter(picture_host: ImageHost) -> None:
    formatters = pytest.importorskip("IPython.core.formatters", reason="needs IPython, which .ci/run installs")
    formatter = formatters.DisplayFormatter()
    data, _ = formatter.format(RemoteImage(picture_host.url("/0.jpg")))
    assert set(data) == {"text/plain", "image/png"}
    data, _ = formatter.format(RemoteImage(picture_host.url("/gone.jpg")))
    assert set(data) == {"text/plain", "text/html"}
    assert picture_host.count() == 2
    formatter.active_types = ["text/plain"]  # as in a terminal
    data, _ = formatter.format(RemoteImage(picture_host.url("/0.jpg")))
    assert set(data) == {"text/plain"}
    assert picture_host.count() == 2
