"""The contact sheet: nothing in a row can become markup, a link, a style, a script or a request."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from laion_pairs.images.contact_sheet import SheetEntry, make_thumbnail, render_contact_sheet
from laion_pairs.ledger import Outcome

THUMBNAIL = make_thumbnail(Image.new("RGB", (60, 40), "teal"))
HOSTILE = [
    "<script>document.title = 'owned'</script>",
    '"><img src=x onerror="document.title = \'owned\'">',
    "' onmouseover='alert(1)",
    "</style><script>document.title = 'owned'</script>",
    "</title><script>document.title = 'owned'</script>",
    "<!-- --><svg onload=\"document.title='owned'\">",
    "javascript:document.title='owned'",
    "{title} {0} %s %(style)s",
    "&lt;b&gt; &#x3C;script&#x3E;",
    "a\u202eb\u0000c\u2028d\x1b[31me",
]
ALLOWED_TAGS = frozenset(
    "html head meta title style body header main footer section h1 h2 p ul li b span figure img div figcaption".split()  # noqa: SIM905
)
ALLOWED_ATTRIBUTES = frozenset(
    "lang charset http-equiv content name class aria-label title src alt dir".split()  # noqa: SIM905
)


class Reader(HTMLParser):
    """Collects tags, attributes and text as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def pages(text: str) -> str:
    """One page with the text everywhere that a row can put it."""
    entries = [
        SheetEntry(text, text, Outcome.OK, THUMBNAIL, (text, text)),
        SheetEntry(text, text, Outcome.NOT_AN_IMAGE, detail=text),
        SheetEntry(text, text, Outcome.OK, THUMBNAIL, (text,), unsafe=True),
        SheetEntry(None, None),
    ]
    return render_contact_sheet(entries, title=text, introduction=text, footer=text)


def assert_harmless(text: str) -> None:
    reader, plain = read(pages(text)), read(pages("plain"))
    assert reader.tags == plain.tags
    assert [name for name, _ in reader.attributes] == [name for name, _ in plain.attributes]
    assert set(reader.tags) <= ALLOWED_TAGS
    assert {name for name, _ in reader.attributes} <= ALLOWED_ATTRIBUTES
    for name, value in reader.attributes:
        assert name != "src" or (value or "").startswith("data:image/webp;base64,")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_rows_stay_text(text: str) -> None:
    assert_harmless(text)


@given(st.text(min_size=1, max_size=60) | st.text("<>&\"'/=!-; abScript\u202e\x00", min_size=1, max_size=60))
def test_any_row_stays_text(text: str) -> None:
    assert_harmless(text)


def test_text_is_shown_as_it_is() -> None:
    caption = 'Fish & "chips" <today> 魚 🐟'
    assert caption in read(pages(caption)).text


def test_characters_that_mislead_a_reader_are_escaped() -> None:
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\x00-\x08\x1b]", pages("a\u202eb\u2066c\u2028d\x00e\x1bf"))


def test_unsafe_and_failed_pairs_show_no_picture() -> None:
    entries = [
        SheetEntry("hidden", "http://x/", Outcome.OK, THUMBNAIL, unsafe=True),
        SheetEntry("gone", None, Outcome.TIMED_OUT),
    ]
    page = render_contact_sheet(entries, title="t")
    assert "<img" not in page
    assert base64.b64encode(THUMBNAIL).decode() not in page
    assert {"hidden", "gone", "timed out"} <= set(read(page).text)


def test_every_row_is_on_the_page_once_and_in_order() -> None:
    entries = [
        SheetEntry(f"row {n}", None, Outcome.OK if n % 3 else Outcome.TOO_SLOW, THUMBNAIL if n % 3 else None)
        for n in range(30)
    ]
    text = [part for part in read(render_contact_sheet(entries, title="t")).text if part.startswith("row ")]
    assert sorted(text, key=lambda part: int(part[4:])) == [f"row {n}" for n in range(30)]
    assert text == [f"row {n}" for n in range(30) if not n % 3] + [f"row {n}" for n in range(30) if n % 3]


def test_the_policy_forbids_everything_but_this_style_and_inline_pictures() -> None:
    page = pages("x")
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    style = re.search("<style>(.*?)</style>", page, re.S)
    assert policy
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    rules = [rule.strip() for rule in policy[1].split(";")]
    assert rules == [
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert page.index("Content-Security-Policy") < page.index("<title>")
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_a_thumbnail_is_small_and_carries_nothing_of_the_file() -> None:
    import io

    picture = Image.new("RGBA", (2000, 1000), (1, 2, 3, 255))
    picture.info["exif"] = b"Exif\0\0secret"
    thumbnail = make_thumbnail(picture)
    with Image.open(io.BytesIO(thumbnail)) as image:
        assert (image.format, image.size) == ("WEBP", (256, 128))
    assert b"secret" not in thumbnail


@pytest.mark.ci
def test_a_browser_runs_nothing_and_applies_the_style(tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium is installed")
    planted = pages(" ".join(HOSTILE)).replace(
        "</header>", "</header><script>document.title='owned'</script><p id=p style='color:red'>x</p>", 1
    )
    for name, page in (("sheet", pages(" ".join(HOSTILE))), ("planted", planted)):
        path = tmp_path / f"{name}.html"
        path.write_text(page, encoding="utf-8")
        flags = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
        command = [
            chromium,
            *flags.split(),
            "--disable-sync",
            "--no-first-run",
            f"--user-data-dir={tmp_path / 'profile'}",
        ]
        done = subprocess.run([*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=60)
        title = re.search("<title>(.*?)</title>", done.stdout, re.S)
        assert title, done.stderr[-2000:]
        assert title[1] != "owned"  # even a script that got into the page is stopped by its policy
        assert len(done.stdout) > len(THUMBNAIL)
