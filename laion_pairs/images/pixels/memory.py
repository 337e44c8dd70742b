"""How much memory a picture needs while it is decoded and resized, and what becomes of it afterwards."""

from __future__ import annotations

from laion_pairs.images.decoding import ImageHeader
from laion_pairs.images.pixels.resize import Resize

__all__ = ["HEAVY_BYTES", "keep_freed_memory", "pixel_cost"]

HEAVY_BYTES = 64 * 2**20
"""A picture that needs more than this is a heavy one: several at a time could fill a machine. A web picture needs 7."""

_DECODED_BYTES_PER_PX = {"JPEG": 16, "WEBP": 26}
_OTHER_BYTES_PER_PX = 18
_RESULT_BYTES_PER_PX = 12
_FIXED_BYTES = 2**20
_KEPT_BYTES = 8 * 2**20  # a picture of 2.7 megapixels; larger blocks go back to the system at once
"""Measured peaks, rounded up: 13.4 for a JPEG (progressive: its coefficients), 23.7 for a transparent WEBP, 17.1 for
PNGs of every kind, GIF and BMP; of the result, three copies and the filter's scratch memory (tests hold them)."""


def pixel_cost(header: ImageHeader, resize: Resize) -> int:
    """An upper bound of the bytes that ``render`` needs at once for such a picture, its result included."""
    result = resize.geometry(header.width, header.height)
    decoded = _DECODED_BYTES_PER_PX.get(header.format, _OTHER_BYTES_PER_PX) * header.width * header.height
    return _FIXED_BYTES + decoded + _RESULT_BYTES_PER_PX * result.width * result.height


def keep_freed_memory() -> None:
    """Let the process keep the memory of one picture for the next.

    By default glibc gives megabytes back to the system as soon as they are free, and every picture then costs hundreds
    of page faults, a sixth of its CPU time. It learns better from the largest block that a program frees
    (mallopt(3), ``M_MMAP_THRESHOLD``): this one is never touched, so it costs nothing. At most twice its size is kept
    in each thread. On other systems nothing changes.
    """
    bytearray(_KEPT_BYTES)
