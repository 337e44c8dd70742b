"""Two ways from a file to pixels that Python libraries offer: the quickest, and one that keeps to a good filter."""

from __future__ import annotations

import cv2
import numpy as np
import simplejpeg

__all__ = ["to_careful_pixels", "to_quick_pixels"]

cv2.setNumThreads(1)  # images are parallel already


def to_quick_pixels(body: bytes, mode: str, side: int) -> np.ndarray | None:
    """RGB of the wanted size, or None for what is no picture: JPEGs scaled while decoding, then a cubic resize.

    Fine detail suffers (a third of the corpus is below 35 dB): a floor of speed, not of the same pictures.
    """
    pixels = _decode(body, side)
    # a scaled decode leaves little to take away; PNG and WEBP come whole
    return None if pixels is None else _fit(pixels, mode, side, area_below=0.75)


def to_careful_pixels(body: bytes, mode: str, side: int) -> np.ndarray | None:
    """RGB of the wanted size, or None for what is no picture: decoded whole, made smaller by pixel area."""
    pixels = _decode(body, 0)
    return None if pixels is None else _fit(pixels, mode, side, area_below=1.0)


def _decode(body: bytes, side: int) -> np.ndarray | None:
    """RGB; JPEGs at the smallest scale whose short side is at least ``side``, whole for 0."""
    try:
        if body[:2] == b"\xff\xd8":
            return simplejpeg.decode_jpeg(body, "RGB", min_height=side, min_width=side)
        pixels = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    except (ValueError, cv2.error):
        return None
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _fit(pixels: np.ndarray, mode: str, side: int, area_below: float) -> np.ndarray:
    """The short side becomes ``side``; ``center_crop`` cuts the rest away."""
    height, width = pixels.shape[:2]
    scale = side / min(height, width)
    size = max(side, round(width * scale)), max(side, round(height * scale))
    if size != (width, height):
        kernel = cv2.INTER_AREA if scale < area_below else cv2.INTER_CUBIC
        pixels = cv2.resize(pixels, size, interpolation=kernel)
    if mode == "center_crop":
        left, top = (size[0] - side) // 2, (size[1] - side) // 2
        pixels = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    return pixels
