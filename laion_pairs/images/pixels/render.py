"""From a body's bytes to upright RGB pixels of the wanted size; judged by the header before anything is decoded.

Plain JPEGs, which is nearly all of the web's pictures, are decoded by libjpeg-turbo directly, and only as finely as the
size asks for. All else, and every JPEG that it has anything to say against, goes through
:mod:`laion_pairs.images.decoding`, whose outcomes are therefore ours.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laion_pairs.images.decoding import ImageHeader, decode_upright
from laion_pairs.images.orientation import UPRIGHT
from laion_pairs.images.pixels.geometry import Geometry
from laion_pairs.images.pixels.header import judge_header
from laion_pairs.images.pixels.jpeg import decode_plain_jpeg
from laion_pairs.images.pixels.memory import HEAVY_BYTES, pixel_cost
from laion_pairs.images.pixels.plain_jpeg import PlainJpeg, read_plain_jpeg
from laion_pairs.images.pixels.raster import Raster
from laion_pairs.images.pixels.resampling import resample
from laion_pairs.images.pixels.resize import Resize
from laion_pairs.images.policy import DownloadPolicy

__all__ = ["Rendered", "render"]


@dataclass(slots=True)
class Rendered:
    """One picture, decoded and resized.

    Attributes:
        pixels: uint8, (height, width, 3), RGB, upright, C-contiguous.
        format: of the file: ``"JPEG"``, ``"PNG"``, ``"WEBP"``, ``"GIF"`` or ``"BMP"``.
        original_width, original_height: as the file's header says, before EXIF rotation.
        changed: whether the pixels were turned, scaled, cut or bordered; if not, the original file shows the same.
    """

    pixels: NDArray[np.uint8]
    format: str
    original_width: int
    original_height: int
    changed: bool


def render(
    body: bytes, resize: Resize, policy: DownloadPolicy, heavy: AbstractContextManager[object] | None = None
) -> Rendered:
    """The picture; :class:`Refused` when it is none (as ``decode_image`` does) or not a wanted one (as ``check``).

    Args:
        heavy: entered while a picture that needs more than ``HEAVY_BYTES`` is decoded; a lock, so that threads do
            this one at a time.
    """
    jpeg = read_plain_jpeg(body)
    header = judge_header(body, jpeg, resize, policy)
    if heavy is not None and pixel_cost(header, resize) > HEAVY_BYTES:
        with heavy:
            return _render(body, jpeg, header, resize, policy)
    return _render(body, jpeg, header, resize, policy)


def _render(
    body: bytes, jpeg: PlainJpeg | None, header: ImageHeader, resize: Resize, policy: DownloadPolicy
) -> Rendered:
    source = None if jpeg is None else _decode_fast(body, jpeg, resize)
    if source is None:
        source = _decode_safe(body, resize, policy)
    pixels = resample(source.raster, source.geometry)
    changed = source.turned or source.geometry != Geometry.untouched(header.width, header.height)
    return Rendered(pixels, header.format, header.width, header.height, changed)


@dataclass(frozen=True, slots=True)
class _Source:
    raster: Raster
    geometry: Geometry
    turned: bool


def _decode_fast(body: bytes, jpeg: PlainJpeg, resize: Resize) -> _Source | None:
    """None where libjpeg-turbo has anything to say against the file: whether it is an image is not judged here."""
    geometry = resize.geometry(*jpeg.upright_size)
    try:
        return _Source(decode_plain_jpeg(body, jpeg, geometry), geometry, jpeg.orientation != UPRIGHT)
    except ValueError:
        return None


def _decode_safe(body: bytes, resize: Resize, policy: DownloadPolicy) -> _Source:
    upright = decode_upright(body, policy)
    pixels = np.asarray(upright.image)
    return _Source(Raster(pixels, *upright.image.size), resize.geometry(*upright.image.size), upright.turned)
