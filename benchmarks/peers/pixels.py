"""The quickest honest way from a file to pixels that Python libraries offer: simplejpeg scaled, OpenCV for the rest."""

from __future__ import annotations

import cv2
import numpy as np
import simplejpeg

__all__ = ["decode", "fit", "to_pixels"]

cv2.setNumThreads(1)  # images are parallel already


def to_pixels(body: bytes, mode: str, side: int) -> np.ndarray | None:
    """RGB pixels of the wanted size, or None for what is no picture."""
    try:
        pixels = decode(body, side)
    except (ValueError, cv2.error):
        return None
    return None if pixels is None else fit(pixels, mode, side)


def decode(body: bytes, side: int) -> np.ndarray | None:
    """RGB at a scale whose short side is at least ``side`` (if the picture's is)."""
    if body[:2] == b"\xff\xd8":
        return simplejpeg.decode_jpeg(body, "RGB", min_height=side, min_width=side)
    pixels = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def fit(pixels: np.ndarray, mode: str, side: int) -> np.ndarray:
    """The short side becomes ``side``; ``center_crop`` cuts the rest away."""
    height, width = pixels.shape[:2]
    scale = side / min(height, width)
    size = max(side, round(width * scale)), max(side, round(height * scale))
    if size != (width, height):
        # a scaled decode leaves at most an eighth to take away, which needs no area filter
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 0.75 else cv2.INTER_CUBIC)
    if mode == "center_crop":
        left, top = (size[0] - side) // 2, (size[1] - side) // 2
        pixels = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    return pixels
