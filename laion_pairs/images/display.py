"""A handle in a notebook: its picture, or text that says why there is none; never a traceback.

Boundary: fetches only through `RemoteImage.fetch`. Everything that came from a dataset or a host is escaped.
"""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from laion_pairs.errors import LaionError
from laion_pairs.plain_text import one_line

if TYPE_CHECKING:
    from PIL import Image

    from laion_pairs.images.policy import DownloadPolicy
    from laion_pairs.images.remote_image import RemoteImage

__all__ = ["MAX_SIDE_PX", "Card", "draw_card", "set_notebook_policy"]

MAX_SIDE_PX = 512
"""The largest side of a picture in a notebook; the notebook's file keeps every picture that it shows."""

NOT_SHOWN = (
    "Not shown: the scores of this pair warn about its picture (punsafe of 0.5 or more, or nsfw other than UNLIKELY). "
    "Call .show() on the image to see it."
)

_notebook_policy: DownloadPolicy | None = None


@dataclass(frozen=True)
class Card:
    """What a notebook shows for one handle: exactly one of ``png`` (a file's bytes) and ``html`` is set."""

    png: bytes | None = None
    html: str | None = None


def set_notebook_policy(policy: DownloadPolicy | None) -> None:
    """Set the limits under which this process's notebooks fetch pictures; None goes back to ``DownloadPolicy()``.

    A notebook shows a value without any argument through which a policy could be passed.
    """
    global _notebook_policy
    _notebook_policy = policy


def draw_card(handle: RemoteImage, *, policy: DownloadPolicy | None = None, shown: bool = False) -> Card:
    """Fetch the handle's image once and draw it, at most `MAX_SIDE_PX` wide and high, or say why there is none.

    Args:
        policy: the limits; those of `set_notebook_policy` when None.
        shown: the user asked for this very picture, so its scores do not hide it.
    """
    if handle.unsafe and not shown:
        return Card(html=_text(NOT_SHOWN, handle.url))
    try:
        image = handle.open(policy or _notebook_policy)
    except LaionError as error:
        return Card(html=_text(f"No picture: {error}"))
    return Card(png=_png(image))


def _png(image: Image.Image) -> bytes:
    image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def _text(sentence: str, url: str | None = None) -> str:
    lines = [sentence] if url is None else [sentence, one_line(url, max_chars=200)]
    escaped = "<br>".join(html.escape(one_line(line, max_chars=600)) for line in lines)
    return f'<div style="border:1px solid #999;padding:0.5em;display:inline-block;max-width:40em">{escaped}</div>'
