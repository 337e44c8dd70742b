"""Decodes plain JPEGs, at a half, a quarter or an eighth where fewer pixels are wanted; others may run meanwhile.

By ``simplejpeg``, a thin wrapper of libjpeg-turbo. A scaled decode makes 4 x 4, 2 x 2 or 1 pixel of a block of 8 x 8.
The other eighths are left out: libjpeg-turbo has no vector code for them, and five eighths take longer than all.
"""

from __future__ import annotations

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from laion_pairs.images.orientation import UPRIGHT
from laion_pairs.images.pixels.geometry import Geometry
from laion_pairs.images.pixels.plain_jpeg import PlainJpeg
from laion_pairs.images.pixels.raster import Raster

__all__ = ["COARSE_OVERSAMPLING", "OVERSAMPLING", "decode_plain_jpeg"]

OVERSAMPLING = {1: 2.0, 2: 2.0, 4: 1.1}
"""At how many eighths a JPEG may be decoded when the result has so many pixels a side for each one wanted. Against a
full decode with the same filter, photographs of web sizes keep 36 dB (PSNR; 47 in the median), hard-edged drawings 32;
with 1.0 instead of 1.1 some photographs fall to 34."""

COARSE_OVERSAMPLING = 1.3
"""From here on the colours of a full decode are repeated rather than smoothed: a tenth faster, in the same bound."""


def decode_plain_jpeg(body: bytes, jpeg: PlainJpeg, geometry: Geometry) -> Raster:
    """The picture, upright, with all the pixels that ``geometry`` needs; ``geometry`` is that of the upright picture.

    Raises ``ValueError`` for whatever libjpeg-turbo would only warn about, a cut file first of all.
    """
    if jpeg.orientation != UPRIGHT:
        pixels = simplejpeg.decode_jpeg(body, "RGB")
        turned = _turned(pixels, jpeg.orientation)
        return Raster(turned, turned.shape[1], turned.shape[0])
    scale = max(geometry.scaled_width / jpeg.width, geometry.scaled_height / jpeg.height)
    eighths = next((part for part, least in OVERSAMPLING.items() if part / 8 >= least * scale), 8)
    pixels = simplejpeg.decode_jpeg(
        body,
        "RGB",
        min_width=-(-jpeg.width * eighths // 8),
        min_height=-(-jpeg.height * eighths // 8),
        fastupsample=COARSE_OVERSAMPLING * scale <= 1,
    )
    return Raster(pixels, jpeg.width * eighths / 8, jpeg.height * eighths / 8)


def _turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """A view that stands upright: EXIF 2.32, tag 0x0112."""
    if orientation >= 5:  # rows and columns are swapped first
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
