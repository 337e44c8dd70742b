"""What a picture looks like in 64 bits: the DCT hash that the ``imagehash`` library calls ``phash``. Pure.

As imagehash 4.3 computes it with its defaults (after Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions", 2010, and Krawetz' "Looks Like It"): the luma (ITU-R 601) of the picture at 32 x 32 pixels (Lanczos, the
shape is not kept), its two-dimensional DCT-II, of that the 8 x 8 lowest frequencies; a bit is 1 where the frequency is
above their median; rows first, the highest bit first.

It is taken of the *file*, scaled down so that the smaller side has 64 pixels, never of what a run delivers: runs that
resize to other sizes, or crop, share one lock. Small decodes of large JPEGs are cheap, and move it by a bit or two.
Plain areas of any colour are one picture to it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from laion_pairs.images.pixels import Rendered, Resize, render
from laion_pairs.images.policy import DownloadPolicy

__all__ = ["EDITED_BITS", "SAME_BITS", "bits_apart", "phash", "render_small"]

SAME_BITS, EDITED_BITS = 8, 14
"""Bits that two hashes may be apart for one picture saved twice, and for one picture edited (reference: web.md,
"Integrity"). Unrelated pictures are 32 bits apart, give or take 4."""

_SMALL = Resize(mode="keep_ratio", size=64, only_if_bigger=True)
_SIDE, _LOW = 32, 8

_WAVES: npt.NDArray[np.float64] = np.cos(np.pi * np.outer(np.arange(_LOW), 2 * np.arange(_SIDE) + 1) / (2 * _SIDE))
"""The 8 lowest waves of the DCT-II over 32 samples, not normalised, as in scipy."""

_NOISE = 1e-6
"""Frequencies of whole-numbered lumas are this exact, no more: without rounding, a plain area would hash to noise."""


def render_small(body: bytes, policy: DownloadPolicy) -> Rendered:
    """The picture with a smaller side of at most 64 pixels; :class:`~laion_pairs.images.refusal.Refused` as render."""
    return render(body, _SMALL, policy)


def phash(pixels: npt.NDArray[np.uint8]) -> int:
    """The unsigned 64-bit hash of RGB pixels, (height, width, 3)."""
    luma = Image.fromarray(pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    low = _WAVES @ np.asarray(luma, np.float64) @ _WAVES.T
    low = np.round(low / _NOISE) * _NOISE
    bits = low > np.median(low)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def bits_apart(one: int, other: int) -> int:
    """In how many of 64 bits two hashes differ."""
    return (one ^ other).bit_count()
