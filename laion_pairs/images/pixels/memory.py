"""How much memory a picture needs while it is decoded and resized. Pure."""

from __future__ import annotations

from laion_pairs.images.decoding import ImageHeader
from laion_pairs.images.pixels.resize import Resize

__all__ = ["pixel_cost"]

_DECODED_BYTES_PER_PX = {"JPEG": 16, "WEBP": 26}
_OTHER_BYTES_PER_PX = 18
_RESULT_BYTES_PER_PX = 12
_FIXED_BYTES = 2**20
"""Measured peaks, rounded up: 13.4 for a JPEG (progressive: its coefficients), 23.7 for a transparent WEBP, 17.1 for
PNGs of every kind, GIF and BMP; of the result, three copies and the filter's scratch memory (tests hold them)."""


def pixel_cost(header: ImageHeader, resize: Resize) -> int:
    """An upper bound of the bytes that ``render`` needs at once for such a picture, its result included."""
    result = resize.geometry(header.width, header.height)
    decoded = _DECODED_BYTES_PER_PX.get(header.format, _OTHER_BYTES_PER_PX) * header.width * header.height
    return _FIXED_BYTES + decoded + _RESULT_BYTES_PER_PX * result.width * result.height
