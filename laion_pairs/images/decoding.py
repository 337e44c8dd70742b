"""From an image file's bytes to RGB pixels: the format is sniffed, the size judged before anything is decoded.

Five formats are read, each by its own Pillow plug-in and by no other: JPEG, PNG, WEBP, GIF and BMP, of an animation
the first frame. Never SVG, EPS, TIFF, PSD or whatever else Pillow may know; what the body calls itself
(``Content-Type``, file name) is not asked. Pillow's registry and its global pixel limit play no part.

Every failure is one :class:`Refused`: ``NOT_AN_IMAGE``, ``TOO_MANY_PIXELS`` or ``CORRUPT_IMAGE``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from laion_pairs.images.orientation import read_orientation
from laion_pairs.images.patience import PatientFile
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.images.sniffing import (
    MAX_JPEG_SCANNED_PX,
    MAX_JPEG_SCANS,
    count_jpeg_scans,
    gif_size,
    is_run_length_bmp,
    sniff_format,
    webp_size,
)
from laion_pairs.ledger import Outcome

__all__ = [
    "MAX_SIDE_PX",
    "ImageHeader",
    "Upright",
    "decode_image",
    "decode_upright",
    "judge_pixels",
    "judge_scanned_pixels",
    "judge_scans",
    "read_image_header",
]

MAX_SIDE_PX = 65_535
"""The most that JPEG and GIF can say, and WEBP a quarter of it. Pillow keeps an address for every line of a picture, so
one that is a pixel wide and all of ``max_pixels`` high would cost gigabytes."""

_STRIP_PX = 2**22
"""Transparency is laid over white so many pixels at a time: whole copies would triple what a large picture costs."""


class _Jpeg(JpegImageFile):
    def getexif(self) -> Image.Exif:
        """Nothing: opening a JPEG asks for its resolution by reading the whole EXIF block, which can be a bomb."""
        return Image.Exif()


_READERS: dict[str, Callable[[BytesIO], ImageFile]] = {
    "JPEG": _Jpeg,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class ImageHeader:
    """What a file says it is: ``format`` (Pillow's name), ``width`` and ``height`` in pixels before EXIF rotation."""

    format: str
    width: int
    height: int


def read_image_header(body: bytes, policy: DownloadPolicy) -> ImageHeader:
    """The header, with its pixels within ``policy.max_pixels``; decodes nothing. :class:`Refused` otherwise."""
    if sniff_format(body) == "WEBP":  # its plug-in decodes on opening
        size = _judged_webp_size(body, policy)
        return ImageHeader("WEBP", *size)
    format_, image = _open(body, policy)
    with image:
        return ImageHeader(format_, image.width, image.height)


@dataclass(frozen=True)
class Upright:
    """A decoded picture: RGB, 8 bits a channel, upright; and whether its EXIF block said to turn it."""

    image: Image.Image
    turned: bool


def decode_image(body: bytes, policy: DownloadPolicy) -> Image.Image:
    """The picture as RGB, 8 bits a channel, upright; :class:`Refused` when it is none.

    EXIF orientation is applied (an unreadable EXIF block turns nothing); transparency is laid over white; CMYK and
    palettes are converted; 16-bit greys keep their upper 8 bits. ICC profiles are dropped, not applied.
    """
    return decode_upright(body, policy).image


def decode_upright(body: bytes, policy: DownloadPolicy) -> Upright:
    """As :func:`decode_image`, and whether the picture was turned."""
    _, image = _open(body, policy)
    try:
        with image:
            image.load()
            turn = _TURNS.get(read_orientation(image.info.get("exif")))
            rgb = _to_rgb(image)
            upright = rgb if turn is None else rgb.transpose(turn)
    except Exception:  # whatever a decoder makes of hostile bytes is one outcome
        raise Refused(Outcome.CORRUPT_IMAGE, "the file starts like an image but does not decode.") from None
    upright.info = {}
    return Upright(upright, turned=turn is not None)


def _open(body: bytes, policy: DownloadPolicy) -> tuple[str, ImageFile]:
    """The opened, undecoded file, its size judged."""
    format_ = sniff_format(body)
    try:
        if format_ == "WEBP":  # its plug-in reserves memory for the canvas on opening
            _judged_webp_size(body, policy)
        if format_ == "JPEG":
            judge_scans(scans := count_jpeg_scans(body))
        if format_ == "GIF":  # its plug-in warns of a frame that is larger than Pillow's limit
            judge_pixels(gif_size(body), policy)
        if format_ == "BMP" and is_run_length_bmp(body):
            raise Refused(Outcome.CORRUPT_IMAGE, "the BMP is run-length encoded, which is not read.")
        image = _READERS[format_](PatientFile(body))
        judge_pixels(image.size, policy)
        if format_ == "JPEG":
            judge_scanned_pixels(scans, image.size)
    except Refused:
        raise
    except Exception:  # as above
        raise Refused(Outcome.CORRUPT_IMAGE, "the file starts like an image but its header cannot be read.") from None
    return format_, image


def _judged_webp_size(body: bytes, policy: DownloadPolicy) -> tuple[int, int]:
    try:
        size = webp_size(body)
    except (ValueError, struct.error):
        raise Refused(Outcome.CORRUPT_IMAGE, "the file starts like an image but its header cannot be read.") from None
    judge_pixels(size, policy)
    return size


def judge_scans(scans: int) -> None:
    """:class:`Refused` for a JPEG with more scans than any encoder writes; judged before anything else is read."""
    if scans > MAX_JPEG_SCANS:
        raise Refused(Outcome.CORRUPT_IMAGE, f"the JPEG has more than {MAX_JPEG_SCANS} scans.")


def judge_scanned_pixels(scans: int, size: tuple[int, int]) -> None:
    """:class:`Refused` for a JPEG whose scans would go over its pixels more often than is worth it."""
    width, height = size
    if scans * width * height > MAX_JPEG_SCANNED_PX:
        raise Refused(Outcome.CORRUPT_IMAGE, "the JPEG has more scans than a picture of its size needs.")


def judge_pixels(size: tuple[int, int], policy: DownloadPolicy) -> None:
    """:class:`Refused` when ``size`` (width, height) has more pixels than the policy allows, or too long a side."""
    width, height = size
    says = f"the image's header says {width} x {height} pixels"
    if width * height > policy.max_pixels:
        raise Refused(Outcome.TOO_MANY_PIXELS, f"{says}; the policy allows {policy.max_pixels}.")
    if max(size) > MAX_SIDE_PX:
        raise Refused(Outcome.TOO_MANY_PIXELS, f"{says}; a side has at most {MAX_SIDE_PX}.")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit PNG greys; convert() would clip them to white
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if image.has_transparency_data:
        return _over_white(image)
    return image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    flat = Image.new("RGB", image.size, "white")
    lines = max(1, _STRIP_PX // image.width)
    for top in range(0, image.height, lines):
        strip = image.crop((0, top, image.width, min(top + lines, image.height))).convert("RGBA")
        flat.paste(strip, (0, top), strip)
    return flat
