"""Recognises an ordinary JPEG by its header, in microseconds: what the fast path may decode. Pure; decodes nothing.

The header is a row of segments, ``FF marker length(2) data``, from ``FF D8`` to the start of the first scan (``FF DA``)
(ITU-T T.81, annex B). *Plain* is: only the segments named below, each of them whole; one frame, sequential or
progressive, 8 bits, grey or three colours; tables and metadata as Pillow reads them. Whatever is plain, Pillow opens
too, and sees the same size. Whatever is not (CMYK, 12 bits, arithmetic, lossless, padding, junk, damage) is not judged
here: :mod:`laion_pairs.images.decoding` does that.
"""

from __future__ import annotations

from dataclasses import dataclass

from laion_pairs.images.orientation import read_orientation

__all__ = ["PlainJpeg", "read_plain_jpeg"]

_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended sequential, progressive; all with Huffman codes
_PROGRESSIVE = 0xC2
_SCAN, _QUANTISATION = 0xDA, 0xDB
_TABLES = (0xC4, 0xDD, 0xFE)  # Huffman codes, restart interval, comment
_METADATA = range(0xE0, 0xF0)  # APP0 to APP15
_EXIF = b"Exif\x00\x00"

_MOST_SEGMENTS = 2_000
"""A header of more is not plain: with full segments it would have 128 MiB."""


@dataclass(frozen=True, slots=True)
class PlainJpeg:
    """``width`` and ``height`` in pixels before EXIF rotation; ``orientation`` as EXIF says, 1 to 8.

    ``one_scan``: the first scan holds the whole picture, so that whatever follows is not decoded.
    """

    width: int
    height: int
    orientation: int
    one_scan: bool

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after EXIF rotation; 5 to 8 lie on their side."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def read_plain_jpeg(body: bytes) -> PlainJpeg | None:
    """What a plain JPEG's header says; None for every other body."""
    if body[:2] != b"\xff\xd8":
        return None
    at, width, height, components, frame_marker = 2, 0, 0, 0, 0
    exif: list[bytes] = []
    for _ in range(_MOST_SEGMENTS):
        if len(body) < at + 4 or body[at] != 0xFF:
            return None
        marker = body[at + 1]
        end = at + 2 + (body[at + 2] << 8 | body[at + 3])
        if end < at + 4 or end > len(body):
            return None
        if marker == _SCAN:
            one_scan = frame_marker != _PROGRESSIVE and body[at + 4 : at + 5] == bytes((components,))
            return PlainJpeg(width, height, read_orientation(b"".join(exif)), one_scan) if width else None
        if marker in _METADATA:
            data = body[at + 4 : end]
            if not _is_plain_metadata(data):
                return None
            if marker == 0xE1 and data.startswith(_EXIF):
                exif.append(data[len(_EXIF) :] if exif else data)
        elif marker in _FRAMES:
            frame = body[at + 4 : end]
            components = frame[5] if len(frame) > 5 else 0
            if width or components not in (1, 3) or len(frame) != 6 + 3 * components or frame[0] != 8:
                return None
            frame_marker = marker
            height, width = frame[1] << 8 | frame[2], frame[3] << 8 | frame[4]
            if not height or not width:
                return None
        elif marker == _QUANTISATION:
            if not _is_whole_quantisation(body[at + 4 : end]):
                return None
        elif marker not in _TABLES:
            return None
        at = end
    return None


def _is_plain_metadata(data: bytes) -> bool:
    """False for the blocks that Pillow takes for damage: a cut JFIF, Adobe, ICC or Photoshop block."""
    if data.startswith((b"JFIF", b"Adobe")):
        return len(data) >= 7
    if data.startswith(b"ICC_PROFILE\x00"):
        return len(data) >= 14
    return not (data.startswith(b"Photoshop 3.0\x00") and data[-6:-2] == b"8BIM")


def _is_whole_quantisation(data: bytes) -> bool:
    """Whether the segment is a row of whole tables: a byte, then 64 values of one byte or, by its upper half, two."""
    while data:
        length = 65 if data[0] < 16 else 129
        if len(data) < length:
            return False
        data = data[length:]
    return True
