"""Judges a picture by its header: an image, within the policy's limits, of a wanted size. Decodes nothing."""

from __future__ import annotations

from laion_pairs.images.decoding import (
    ImageHeader,
    judge_pixels,
    judge_scanned_pixels,
    judge_scans,
    read_image_header,
)
from laion_pairs.images.pixels.plain_jpeg import PlainJpeg, read_plain_jpeg
from laion_pairs.images.pixels.resize import Resize
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.images.sniffing import count_jpeg_scans
from laion_pairs.ledger import Outcome

__all__ = ["check", "judge_header"]


def check(body: bytes, resize: Resize, policy: DownloadPolicy) -> ImageHeader:
    """The header of a picture that is wanted; :class:`Refused` otherwise."""
    return judge_header(body, read_plain_jpeg(body), resize, policy)


def judge_header(body: bytes, jpeg: PlainJpeg | None, resize: Resize, policy: DownloadPolicy) -> ImageHeader:
    """As :func:`check`, for a body that has been looked at already: ``jpeg`` is ``read_plain_jpeg(body)``."""
    header = _judge_jpeg(body, jpeg, policy) if jpeg is not None else read_image_header(body, policy)
    _judge_wanted(header, resize)
    result = resize.geometry(header.width, header.height)
    if result.width * result.height > policy.max_pixels:
        raise Refused(
            Outcome.TOO_MANY_PIXELS,
            f"{_says(header)}, which would become {result.width} x {result.height}; "
            f"the policy allows {policy.max_pixels}.",
        )
    return header


def _judge_jpeg(body: bytes, jpeg: PlainJpeg, policy: DownloadPolicy) -> ImageHeader:
    """The limits of ``read_image_header``, in its order."""
    size, scans = (jpeg.width, jpeg.height), 1 if jpeg.one_scan else count_jpeg_scans(body)
    judge_scans(scans)
    judge_pixels(size, policy)
    judge_scanned_pixels(scans, size)
    return ImageHeader("JPEG", *size)


def _judge_wanted(header: ImageHeader, resize: Resize) -> None:
    smaller, larger = sorted((header.width, header.height))
    if smaller < resize.min_side_px:
        raise Refused(Outcome.TOO_SMALL, f"{_says(header)}; the smaller side must have at least {resize.min_side_px}.")
    if resize.max_area_px is not None and smaller * larger > resize.max_area_px:
        raise Refused(Outcome.TOO_MANY_PIXELS, f"{_says(header)}; at most {resize.max_area_px} are wanted.")
    if resize.max_aspect_ratio is not None and larger > resize.max_aspect_ratio * smaller:
        raise Refused(
            Outcome.BAD_ASPECT_RATIO,
            f"{_says(header)}; one side may be at most {resize.max_aspect_ratio:g} times the other.",
        )


def _says(header: ImageHeader) -> str:
    return f"the image's header says {header.width} x {header.height} pixels"
