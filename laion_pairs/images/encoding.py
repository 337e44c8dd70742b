"""A picture in memory to the bytes of an image file. Opens no connection."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["encode_picture"]

KEPT_FORMATS = ("JPEG", "PNG", "WEBP")
"""Written again in the format in which the picture was opened; everything else becomes PNG, which loses nothing."""

PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


def encode_picture(picture: Any) -> dict[str, Any]:
    """Encode a `PIL.Image.Image` to ``{"bytes", "width", "height"}``.

    Raises:
        TypeError: it is something else.
    """
    from PIL import Image

    if not isinstance(picture, Image.Image):
        raise TypeError(
            f"an image column was given {type(picture).__name__}: "
            "give it a RemoteImage, a URL, a mapping with 'path' or 'bytes', bytes, a PIL image, or None"
        )
    chosen = picture.format if picture.format in KEPT_FORMATS else "PNG"
    if chosen != "JPEG" and picture.mode not in PNG_MODES:
        picture = picture.convert("RGB")
    file = io.BytesIO()
    picture.save(file, format=chosen)
    return {"bytes": file.getvalue(), "width": picture.width, "height": picture.height}
