"""Real photographs and small files of every kind, and how alike two pictures are."""

from __future__ import annotations

import io
import math
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

import laion_pairs.sample

_PICTURES = Path(laion_pairs.sample.__file__).parent / "pictures"


def saved(image: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


@cache
def photographs() -> tuple[Image.Image, ...]:
    """The sample's photographs with at least 300 pixels a side, the most detailed first."""
    images = [Image.open(path).convert("RGB") for path in sorted(_PICTURES.glob("*.jpg"))]
    large = [image for image in images if min(image.size) >= 300]
    return tuple(sorted(large, key=lambda image: -len(saved(image, "JPEG")) / (image.width * image.height)))


@cache
def photograph(width: int, height: int) -> Image.Image:
    """One of them, of any size."""
    return photographs()[0].resize((width, height), Image.Resampling.LANCZOS)


def turned_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def psnr_db(got: np.ndarray, wanted: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures, in decibels; the same pictures have 99."""
    assert got.shape == wanted.shape
    error = float(((got.astype(np.float64) - wanted) ** 2).mean())
    return 99.0 if error == 0 else 10 * math.log10(255**2 / error)


def every_kind(size: tuple[int, int] = (90, 61)) -> dict[str, bytes]:
    """A file of every format and of every mode that matters."""
    image = photograph(*size)
    clear = image.copy()
    clear.putalpha(128)
    grey16 = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 256)
    return {
        "baseline": saved(image, "JPEG", quality=85),
        "baseline 4:4:4": saved(image, "JPEG", subsampling=0),
        "progressive": saved(image, "JPEG", progressive=True),
        "restarts": saved(image, "JPEG", restart_marker_blocks=3),
        "grey JPEG": saved(image.convert("L"), "JPEG"),
        "CMYK JPEG": saved(image.convert("CMYK"), "JPEG"),
        "RGB JPEG": saved(image, "JPEG", keep_rgb=True),
        "turned JPEG": saved(image, "JPEG", exif=turned_exif(6), comment="x", icc_profile=b"icc" * 30),
        "turned PNG": saved(image, "PNG", exif=turned_exif(3)),
        "PNG": saved(image, "PNG"),
        "clear PNG": saved(clear, "PNG"),
        "grey clear PNG": saved(clear.convert("LA"), "PNG"),
        "palette PNG": saved(image.quantize(64), "PNG", transparency=3),
        "16-bit PNG": saved(grey16, "PNG"),
        "WEBP": saved(image, "WEBP"),
        "clear WEBP": saved(clear, "WEBP", lossless=True),
        "GIF": saved(image, "GIF"),
        "moving GIF": saved(image.quantize(64), "GIF", save_all=True, append_images=[image.rotate(9).quantize(64)]),
        "BMP": saved(image, "BMP"),
    }
