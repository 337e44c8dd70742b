"""The file that is kept of one image: the host's own bytes where they are what is wanted, else a new encoding."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from laion_pairs.images.bulk import Downloaded
from laion_pairs.images.export.settings import ExportSettings
from laion_pairs.images.pixels import encode
from laion_pairs.images.pixels.encode import Encoding
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = ["Picture", "make_picture"]

_EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp"}
_ENCODINGS: dict[str, Encoding] = {"jpg": "jpg", "png": "png", "webp": "webp", "gif": "png", "bmp": "png"}
"""What an original that had to change is written as."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One image file.

    Attributes:
        body: its bytes.
        extension: without a dot.
        width, height: pixels, as a viewer shows it.
        sha256: hex, of the bytes that the host sent.
    """

    body: bytes
    extension: str
    width: int
    height: int
    sha256: str


def make_picture(done: Downloaded, settings: ExportSettings) -> tuple[Downloaded, Picture | None]:
    """How the row ended, and its file if it has one; the bytes and pixels are let go.

    A picture that is too large for the wanted format is an outcome like any other.
    """
    if done.outcome is not Outcome.OK or done.body is None or done.format is None:
        return replace(done, body=None, pixels=None), None
    sent = _EXTENSIONS[done.format]
    width, height = done.original_width or 0, done.original_height or 0
    if done.pixels is not None:
        height, width = done.pixels.shape[:2]
    body, extension = done.body, sent
    if done.pixels is not None and (done.changed or settings.encode not in (sent, "original")):
        encoding = _ENCODINGS[sent] if settings.encode == "original" else settings.encode
        try:
            body, extension = encode(done.pixels, encoding, settings.quality), encoding
        except Refused as refused:
            return replace(done, outcome=refused.outcome, detail=refused.detail, body=None, pixels=None), None
    sha256 = done.sha256 or hashlib.sha256(done.body).hexdigest()
    return replace(done, body=None, pixels=None), Picture(body, extension, width, height, sha256)
