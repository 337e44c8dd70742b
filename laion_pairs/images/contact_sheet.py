"""A page of pictures and their captions: rows in, one self-contained HTML file out. Pure; never opens a connection.

Captions, URLs and details are hostile text: they are escaped and stand in text only, never in a link, an attribute that
runs or a style. Pictures are ``data:`` URIs made here from decoded pixels. The page has no script, and its
Content-Security-Policy forbids any, and every request. A picture that must not be shown unasked stays text.
"""

from __future__ import annotations

import hashlib
import html
import io
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from laion_pairs.images.contact_sheet_style import STYLE
from laion_pairs.ledger import Outcome
from laion_pairs.plain_text import one_line

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["SheetEntry", "make_thumbnail", "render_contact_sheet"]

THUMBNAIL_SIDE_PX = 256
MAX_CAPTION_CHARS = 400


@dataclass(frozen=True)
class SheetEntry:
    """One pair on the sheet.

    Attributes:
        caption, url: as the row says; hostile.
        outcome: how the fetch ended; None when nobody asked for the picture.
        thumbnail: a WEBP file by :func:`make_thumbnail`, or None.
        facts: what is known of the picture, in a few words, such as ``"JPEG"``, ``"640 × 480"``.
        detail: one sentence on what went wrong.
        unsafe: the row's scores warn; the picture is not shown, whatever ``thumbnail`` holds.
    """

    caption: str | None
    url: str | None
    outcome: Outcome | None = None
    thumbnail: bytes | None = None
    facts: tuple[str, ...] = ()
    detail: str = ""
    unsafe: bool = False


def make_thumbnail(image: Image.Image, max_side_px: int = THUMBNAIL_SIDE_PX) -> bytes:
    """The decoded picture as a small WEBP file; nothing of the original file (metadata, colour profile) is in it."""
    small = image.convert("RGB")
    small.thumbnail((max_side_px, max_side_px))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=76, method=2)
    return out.getvalue()


def render_contact_sheet(entries: Sequence[SheetEntry], *, title: str, introduction: str = "", footer: str = "") -> str:
    """The page: title, what arrived by outcome, the pairs without a picture and why, then the pictures.

    Args:
        entries: in the order of the rows, which each section keeps.
        title, introduction, footer: plain text.
    """
    shown = [entry for entry in entries if _is_shown(entry)]
    others = [entry for entry in entries if not _is_shown(entry)]
    parts = [f"<header><h1>{_text(title)}</h1>"]
    if introduction:
        parts.append(f"<p>{_text(introduction, 1000)}</p>")
    parts.append(f"{_tally(entries)}</header>\n<main>")
    if others:
        parts.append(f'<section><h2>No picture <span class="count">{len(others):,}</span></h2>\n<ul class="notes">')
        parts += [_note(entry) for entry in others]
        parts.append("</ul></section>")
    if shown:
        parts.append(f'<section><h2>Pictures <span class="count">{len(shown):,}</span></h2>\n<ul class="grid">')
        parts += [_card(entry) for entry in shown]
        parts.append("</ul></section>")
    parts.append("</main>")
    if footer:
        parts.append(f"<footer><p>{_text(footer, 1000)}</p></footer>")
    return _HEAD.format(policy=_policy(), title=_text(title), style=STYLE) + "\n".join(parts) + "\n</body>\n</html>\n"


_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""


def _policy() -> str:
    digest = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _is_shown(entry: SheetEntry) -> bool:
    return entry.thumbnail is not None and not entry.unsafe


def _tally(entries: Sequence[SheetEntry]) -> str:
    counts = Counter(entry.outcome for entry in entries if entry.outcome is not None)
    chips = [
        f'<li class="{"good" if outcome is Outcome.OK else "bad"}" title="{_text(outcome.meaning)}">'
        f"<b>{count:,}</b> {_words(outcome)}</li>"
        for outcome, count in sorted(counts.items(), key=lambda item: (item[0] is not Outcome.OK, -item[1], item[0]))
    ]
    return f'<ul class="tally" aria-label="Outcomes">{"".join(chips)}</ul>' if chips else ""


def _card(entry: SheetEntry) -> str:
    data = b64encode(entry.thumbnail or b"").decode()
    facts = "".join(f"<span>{_text(fact)}</span>" for fact in entry.facts)
    return (
        f'<li><figure><div class="mat"><img src="data:image/webp;base64,{data}" alt="{_caption(entry)}"></div>'
        f'<figcaption><p class="caption" dir="auto">{_caption(entry)}</p><p class="facts">{facts}</p></figcaption>'
        f"</figure></li>"
    )


def _note(entry: SheetEntry) -> str:
    if entry.unsafe:
        label, why = "not shown", "The scores of this pair warn about its picture."
    elif entry.outcome is None:
        label, why = "not asked", "Nobody asked for this picture."
    else:
        label, why = _words(entry.outcome), entry.detail or entry.outcome.meaning
    place = f'<p class="url">{_text(entry.url)}</p>' if entry.url else ""
    return (
        f'<li><p class="label">{_text(label)}</p><p class="caption" dir="auto">{_caption(entry)}</p>'
        f'<p class="why">{_text(why)}</p>{place}</li>'
    )


def _caption(entry: SheetEntry) -> str:
    return "(no caption)" if entry.caption is None else _text(entry.caption, MAX_CAPTION_CHARS)


def _words(outcome: Outcome) -> str:
    return str(outcome).replace("_", " ")


def _text(text: str, max_chars: int = 200) -> str:
    return html.escape(one_line(text, max_chars=max_chars))
