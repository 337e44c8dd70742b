"""Pictures to judge: real ones of the sample, saved again and edited as the web does, and a URL for each."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib.resources import files

import pytest
from PIL import Image

NAMES = ("alien.jpg", "bison.jpg", "tiger.jpg", "lasagna.jpg", "volley-ball.jpg", "natural-gas-pump-well.jpg")

Edit = Callable[[Image.Image], Image.Image]


@pytest.fixture(scope="session")
def pictures() -> dict[str, bytes]:
    """Six JPEGs of the sample, by name."""
    return {name: files("laion_pairs.sample").joinpath("pictures", name).read_bytes() for name in NAMES}


@pytest.fixture(scope="session")
def save_again() -> Callable[..., bytes]:
    """``save_again(body, format="JPEG", quality=75, edit=None)``: the same picture in another file."""

    def save(body: bytes, kind: str = "JPEG", quality: int = 75, edit: Edit | None = None) -> bytes:
        with Image.open(io.BytesIO(body)) as opened:
            picture = opened.convert("RGB")
        file = io.BytesIO()
        (edit(picture) if edit else picture).save(file, kind, quality=quality)
        return file.getvalue()

    return save


@pytest.fixture(scope="session")
def noise() -> Callable[[int], bytes]:
    """``noise(3)``: the third of any number of PNG files that look like nothing else."""

    def make(number: int) -> bytes:
        import numpy as np

        file = io.BytesIO()
        blocks = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(blocks).resize((64, 64), Image.Resampling.BICUBIC).save(file, "PNG")
        return file.getvalue()

    return make
