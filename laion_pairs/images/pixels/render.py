"""From a body's bytes to upright RGB pixels of the wanted size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from laion_pairs.images.decoding import ImageHeader, decode_image, read_image_header
from laion_pairs.images.pixels.geometry import Geometry
from laion_pairs.images.pixels.resize import Resize
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = ["Rendered", "check", "pixel_cost", "render"]


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


def check(body: bytes, resize: Resize, policy: DownloadPolicy) -> ImageHeader:
    """The header of a wanted picture; decodes nothing. :class:`Refused` otherwise."""
    header = read_image_header(body, policy)
    _judge(header, resize)
    return header


def render(body: bytes, resize: Resize, policy: DownloadPolicy) -> Rendered:
    """The picture, decoded, upright, resized; :class:`Refused` as :func:`decode_image` and :func:`check` do."""
    header = check(body, resize, policy)
    image = decode_image(body, policy)
    geometry = resize.geometry(*image.size)
    untouched = geometry == Geometry.untouched(*image.size)
    changed = not untouched or image.size != (header.width, header.height)
    scaled = image.resize((geometry.scaled_width, geometry.scaled_height), Image.Resampling.LANCZOS)
    box = (geometry.left, geometry.top, geometry.left + geometry.width, geometry.top + geometry.height)
    canvas = Image.new("RGB", (geometry.width, geometry.height), "white")
    canvas.paste(
        scaled.crop((max(0, box[0]), max(0, box[1]), min(scaled.width, box[2]), min(scaled.height, box[3]))),
        (max(0, -geometry.left), max(0, -geometry.top)),
    )
    return Rendered(np.array(canvas), header.format, header.width, header.height, changed)


def pixel_cost(header: ImageHeader, resize: Resize) -> int:
    """An upper bound of the bytes that :func:`render` needs at once for such a picture."""
    geometry = resize.geometry(header.width, header.height)
    return (
        8 * header.width * header.height
        + 8 * geometry.scaled_width * geometry.scaled_height
        + 8 * geometry.width * geometry.height
    )


def _judge(header: ImageHeader, resize: Resize) -> None:
    smaller, larger = sorted((header.width, header.height))
    says = f"the image's header says {header.width} x {header.height} pixels"
    if smaller < max(1, resize.min_side_px):
        raise Refused(Outcome.TOO_SMALL, f"{says}; the smaller side must have at least {max(1, resize.min_side_px)}.")
    if resize.max_area_px is not None and smaller * larger > resize.max_area_px:
        raise Refused(Outcome.TOO_MANY_PIXELS, f"{says}; at most {resize.max_area_px} are wanted.")
    if resize.max_aspect_ratio is not None and larger > resize.max_aspect_ratio * smaller:
        raise Refused(
            Outcome.BAD_ASPECT_RATIO, f"{says}; one side may be at most {resize.max_aspect_ratio:g} times the other."
        )
