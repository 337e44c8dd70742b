"""Scales, cuts and borders pixels: a bicubic filter (Catmull-Rom) that widens as it scales down, so nothing flickers.

By ``cykooz-resizer`` (fast_image_resize in Rust; a wheel of 2 MB): several times faster than Pillow with the same
filter (apart, they differ in what they clip between the two passes); truer than OpenCV, whose fast filters do not widen
and whose wheel has 60 MB (``benchmarks/pixels.py``). Where it has no wheel, Pillow does the work. With both, other
threads run meanwhile.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from laion_pairs.images.pixels.geometry import Geometry
from laion_pairs.images.pixels.raster import Raster

try:
    import cykooz_resizer
except ImportError:  # no wheel for this machine, for one Linux on ARM
    cykooz_resizer = None

__all__ = ["resample", "scale_with_pillow"]

_Box = tuple[float, float, float, float]
_Pixels = NDArray[np.uint8]

_REACH_PX = 2  # of Catmull-Rom's kernel, to each side, in pixels of the coarser grid
_WHITE = 255


def resample(raster: Raster, geometry: Geometry) -> _Pixels:
    """The result of ``geometry``: uint8, (height, width, 3), C-contiguous, memory of its own."""
    left, top = max(0, geometry.left), max(0, geometry.top)
    width = min(geometry.width, geometry.scaled_width - left)
    height = min(geometry.height, geometry.scaled_height - top)
    part = _scaled_part(raster, geometry, left, top, width, height)
    if (width, height) == (geometry.width, geometry.height):
        return np.ascontiguousarray(part) if part.flags.writeable else part.copy()
    square = np.full((geometry.height, geometry.width, 3), _WHITE, np.uint8)
    down, right = max(0, -geometry.top), max(0, -geometry.left)
    square[down : down + height, right : right + width] = part
    return square


def _scaled_part(raster: Raster, geometry: Geometry, left: int, top: int, width: int, height: int) -> _Pixels:
    """``width`` x ``height`` pixels of the scaled picture from ``left`` and ``top`` on; the rest is never computed."""
    if (raster.width, raster.height) == (geometry.scaled_width, geometry.scaled_height):
        return raster.pixels[top : top + height, left : left + width]
    across, down = raster.width / geometry.scaled_width, raster.height / geometry.scaled_height
    columns, x, columns_taken = _span(left * across, width * across, across, raster.pixels.shape[1])
    rows, y, rows_taken = _span(top * down, height * down, down, raster.pixels.shape[0])
    scale = scale_with_pillow if cykooz_resizer is None else _scale_with_cykooz
    return scale(raster.pixels[rows, columns], (x, y, columns_taken, rows_taken), width, height)


def _span(start: float, length: float, step: float, limit: int) -> tuple[slice, float, float]:
    """Of one axis: the pixels that the filter can see; where in them the wanted ones start, and how long they are."""
    reach = math.ceil(_REACH_PX * max(step, 1)) + 1
    first, last = max(0, math.floor(start) - reach), min(limit, math.ceil(start + length) + reach)
    inside = start - first
    return slice(first, last), inside, min(length, last - first - inside)


def _scale_with_cykooz(pixels: _Pixels, box: _Box, width: int, height: int) -> _Pixels:
    rgb = cykooz_resizer.PixelType.U8x3
    source = cykooz_resizer.ImageData(pixels.shape[1], pixels.shape[0], rgb, pixels.tobytes())
    target = cykooz_resizer.ImageData(width, height, rgb)
    options = cykooz_resizer.ResizeOptions(
        resize_alg=cykooz_resizer.ResizeAlg.convolution(cykooz_resizer.FilterType.catmull_rom),
        use_alpha=False,
        crop_box=cykooz_resizer.CropBox(*box),
    )
    cykooz_resizer.Resizer().resize(source, target, options)  # a resizer keeps its scratch memory, so none is kept
    return np.frombuffer(target.get_buffer(), np.uint8).reshape(height, width, 3)


def scale_with_pillow(pixels: _Pixels, box: _Box, width: int, height: int) -> _Pixels:
    """``box`` (x, y, columns, rows; fractions of pixels) of ``pixels``, scaled to ``width`` x ``height``."""
    x, y, columns, rows = box
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=(x, y, x + columns, y + rows)))
