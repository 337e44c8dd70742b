"""From pixels to the bytes of an image file."""

from __future__ import annotations

from io import BytesIO
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["ENCODINGS", "Encoding", "encode"]

Encoding = Literal["jpg", "webp", "png"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)


def encode(pixels: NDArray[np.uint8], encoding: Encoding, quality: int) -> bytes:
    """The file: ``pixels`` is (height, width, 3) RGB."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, {"jpg": "JPEG", "webp": "WEBP", "png": "PNG"}[encoding], quality=quality)
    return file.getvalue()
