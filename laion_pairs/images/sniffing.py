"""What a body is by its first bytes, and what must be known of it before Pillow sees it. Pure; decodes nothing."""

from __future__ import annotations

import re
import struct
from itertools import islice

from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = [
    "MAX_JPEG_SCANNED_PX",
    "MAX_JPEG_SCANS",
    "count_jpeg_scans",
    "gif_size",
    "is_run_length_bmp",
    "sniff_format",
    "webp_size",
]

MAX_JPEG_SCANS = 100
"""A progressive JPEG of a few kilobytes can ask for thousands of passes over all its pixels; encoders write about ten.
The attack is described in libjpeg-turbo's paper "Two Issues with the JPEG Standard", the limit is ours."""

MAX_JPEG_SCANNED_PX = 2**30
"""Scans times pixels: twelve scans of the largest picture that the default policy allows, a second or two of work."""

_MAX_GIF_BLOCKS = 100_000
"""Blocks of comments and the like before a GIF's first frame: a few in practice, and nobody waits for more."""

_SCAN = re.compile(b"\xff\xda")  # several times faster than bytes.count for so short a thing
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # the sizes a DIB header can have
_NOT_READ = (
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"{", "JSON text"),
    (b"ii*\x00", "a TIFF image"),
    (b"mm\x00*", "a TIFF image"),
    (b"8bps", "a Photoshop file"),
    (b"%!ps", "a PostScript file"),
    (b"%pdf", "a PDF file"),
    (b"\x00\x00\x01\x00", "a Windows icon"),
)


def sniff_format(body: bytes) -> str:
    """``"JPEG"``, ``"PNG"``, ``"WEBP"``, ``"GIF"`` or ``"BMP"``; :class:`Refused` with ``NOT_AN_IMAGE`` otherwise."""
    if body.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return "WEBP"
    if body.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if body.startswith(b"BM") and int.from_bytes(body[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    raise Refused(Outcome.NOT_AN_IMAGE, f"the body is {_name(body)}, not a JPEG, PNG, WEBP, GIF or BMP image.")


def webp_size(body: bytes) -> tuple[int, int]:
    """Width and height of the canvas, from the first chunk (WebP container specification, RFC 9649).

    Raises ``ValueError`` or ``struct.error`` where that chunk is none of the three that can come first, or has no size.
    """
    kind, data = body[12:16], body[20:30]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[6:10])
        if width & 0x3FFF and height & 0x3FFF:
            return width & 0x3FFF, height & 0x3FFF
        raise ValueError("the WEBP file's frame has no pixels")
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[1:5])
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    raise ValueError("the first chunk of the WEBP file is not VP8, VP8L or VP8X")


def gif_size(body: bytes) -> tuple[int, int]:
    """Width and height of the canvas, made larger by a first frame that sticks out of it, as Pillow does.

    The blocks are those of the GIF89a specification; bytes between them are passed over. Raises ``IndexError`` or
    ``struct.error`` where the file ends before its first frame.
    """
    width, height, flags = struct.unpack_from("<HHB", body, 6)
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    in_extension = False
    for _ in range(_MAX_GIF_BLOCKS):
        byte = body[at]
        if in_extension:  # the length of a sub-block, 0 for the last one
            at += byte
            in_extension = byte > 0
        elif byte == 0x2C:
            left, top, frame_width, frame_height = struct.unpack_from("<HHHH", body, at + 1)
            return max(width, left + frame_width), max(height, top + frame_height)
        elif byte == 0x3B:
            break
        elif byte == 0x21:
            at += 1  # the kind of extension
            in_extension = True
        at += 1
    return width, height


def is_run_length_bmp(body: bytes) -> bool:
    """Whether a BMP is compressed as RLE8 or RLE4: nobody publishes these, and six bytes can ask for 22 GB of zeros."""
    return body[14:18] != b"\x0c\0\0\0" and body[30:34] in (b"\1\0\0\0", b"\2\0\0\0")


def count_jpeg_scans(body: bytes) -> int:
    """How many start-of-scan markers there are; beyond ``MAX_JPEG_SCANS`` one more, and no further.

    In entropy-coded data they cannot occur, in thumbnails a few may.
    """
    return sum(1 for _ in islice(_SCAN.finditer(body), MAX_JPEG_SCANS + 1))


def _name(body: bytes) -> str:
    """What the body is instead, in our words."""
    start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "empty"
    if body[4:8] == b"ftyp":
        return "an AVIF, HEIC or video file"
    return next((name for magic, name in _NOT_READ if start.startswith(magic)), "something else")
