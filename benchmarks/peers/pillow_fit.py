"""What people write around Pillow: RGB, the short side to the size with the default filter, the crop."""

from __future__ import annotations

from PIL import Image

__all__ = ["fit"]


def fit(picture: Image.Image, mode: str, side: int) -> Image.Image:
    """RGB; ``center_crop``: side x side; ``keep_ratio``: the short side is ``side``."""
    picture = picture.convert("RGB")
    scale = side / min(picture.size)
    picture = picture.resize((max(side, round(picture.width * scale)), max(side, round(picture.height * scale))))
    if mode == "center_crop":
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        picture = picture.crop((left, top, left + side, top + side))
    return picture
