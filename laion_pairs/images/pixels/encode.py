"""From pixels to the bytes of an image file, without metadata.

JPEGs are written by ``simplejpeg`` (libjpeg-turbo), always with colours at half the resolution (4:2:0): it is what the
web's own pictures have, what img2dataset writes at its quality of 95, and a fifth to a third smaller. Who wants every
pixel kept asks for PNG.
"""

from __future__ import annotations

from io import BytesIO
from typing import Literal, get_args

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from laion_pairs.errors import PolicyError
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = ["ENCODINGS", "Encoding", "encode"]

Encoding = Literal["jpg", "webp", "png"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

_LARGEST_SIDE_PX = {"jpg": 65_500, "webp": 16_383, "png": 65_535}
"""What libjpeg (``JPEG_MAX_DIMENSION``) and libwebp (``WEBP_MAX_DIMENSION``) write; of PNG, what we read."""


def encode(pixels: NDArray[np.uint8], encoding: Encoding, quality: int) -> bytes:
    """The file of a picture: uint8, (height, width, 3), RGB.

    ``quality`` is 1 to 100; PNG is without loss, and it plays no part there. :class:`PolicyError` for wrong options,
    :class:`Refused` with ``TOO_MANY_PIXELS`` for a side that the format cannot hold.
    """
    if encoding not in ENCODINGS:
        raise PolicyError(f"encode must be one of {', '.join(ENCODINGS)}, got {encoding!r}")
    if not isinstance(quality, int) or isinstance(quality, bool) or not 1 <= quality <= 100:
        raise PolicyError(f"quality must be a whole number from 1 to 100, got {quality!r}")
    height, width, _ = pixels.shape
    if max(width, height) > _LARGEST_SIDE_PX[encoding]:
        raise Refused(
            Outcome.TOO_MANY_PIXELS,
            f"the picture has {width} x {height} pixels; a {encoding} file holds {_LARGEST_SIDE_PX[encoding]} a side.",
        )
    if encoding == "jpg":
        return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, "RGB", "420"))
    file = BytesIO()
    if encoding == "png":  # level 1: a quarter of the time of Pillow's own 6, for files a tenth larger
        Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    else:
        Image.fromarray(pixels).save(file, "WEBP", quality=quality)
    return file.getvalue()
