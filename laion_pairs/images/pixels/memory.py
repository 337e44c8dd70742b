"""How much memory a picture needs while it is decoded and resized. Pure."""

from __future__ import annotations

from laion_pairs.images.decoding import ImageHeader
from laion_pairs.images.pixels.resize import Resize

__all__ = ["pixel_cost"]

_JPEG_BYTES_PER_PX = 12
_OTHER_BYTES_PER_PX = 20
_RESULT_BYTES_PER_PX = 12


def pixel_cost(header: ImageHeader, resize: Resize) -> int:
    """An upper bound of the bytes that ``render`` needs at once for such a picture, its result included."""
    result = resize.geometry(header.width, header.height)
    decoded = _JPEG_BYTES_PER_PX if header.format == "JPEG" else _OTHER_BYTES_PER_PX
    return decoded * header.width * header.height + _RESULT_BYTES_PER_PX * result.width * result.height
