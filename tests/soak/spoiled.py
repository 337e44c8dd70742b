"""Image files spoiled in ways that decoders fear: every format, many mutations, the same for the same number. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO

from PIL import Image

__all__ = ["spoiled"]


@lru_cache(maxsize=1)
def _originals() -> tuple[bytes, ...]:
    """One good file of each kind, of 40 x 30 pixels: all formats that are decoded, in the modes that differ."""
    noise = Image.frombytes("RGB", (40, 30), random.Random(0).randbytes(40 * 30 * 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation
    frames = [noise.rotate(90 * n) for n in range(3)]
    kinds: list[tuple[Image.Image, str, dict[str, object]]] = [
        (noise, "JPEG", {}),
        (noise, "JPEG", {"progressive": True, "exif": exif}),
        (noise, "JPEG", {"subsampling": 0, "restart_marker_rows": 1}),
        (noise.convert("CMYK"), "JPEG", {}),
        (noise.convert("L"), "JPEG", {}),
        (noise, "PNG", {"exif": exif}),
        (noise.quantize(16), "PNG", {"transparency": 3}),
        (noise.convert("RGBA"), "PNG", {}),
        (noise.convert("L").convert("I;16"), "PNG", {}),
        (noise.convert("1"), "PNG", {}),
        (noise, "WEBP", {"quality": 50, "exif": exif}),
        (noise.convert("RGBA"), "WEBP", {"lossless": True}),
        (noise, "WEBP", {"save_all": True, "append_images": frames}),
        (noise.quantize(), "GIF", {"save_all": True, "append_images": [f.quantize() for f in frames]}),
        (noise.quantize(4), "GIF", {"transparency": 1}),
        (noise, "BMP", {}),
        (noise.quantize(), "BMP", {}),
    ]
    files = []
    for picture, format_, options in kinds:
        file = BytesIO()
        picture.save(file, format_, **options)
        files.append(file.getvalue())
    return tuple(files)


def _flip(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 3, 30))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _flip_early(data: bytearray, dice: random.Random) -> None:
    """Where the sizes stand."""
    for _ in range(dice.choice((1, 2, 8))):
        data[dice.randrange(min(64, len(data)))] = dice.choice((0, 1, 0x7F, 0x80, 0xFF))


def _cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def _drop(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    del data[at : at + dice.choice((1, 2, 16, 200))]


def _double(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    data[at:at] = data[at : at + dice.choice((1, 4, 64, 500))] * dice.choice((1, 2, 20))


def _fill(data: bytearray, dice: random.Random) -> None:
    at, n = dice.randrange(len(data)), dice.choice((2, 4, 32))
    data[at : at + n] = bytes([dice.choice((0, 0xFF))]) * n


def _noise(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    data[at : at + 40] = dice.randbytes(40)


def _graft(data: bytearray, dice: random.Random) -> None:
    """The head of one file on the body of another."""
    other = dice.choice(_originals())
    at = dice.randrange(8, 60)
    data[:at] = other[:at]


_WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _flip_early, _cut, _drop, _double, _fill, _noise, _graft,
)  # fmt: skip


def spoiled(number: int) -> bytes:
    """The ``number``-th spoiled file; a few of them are still good."""
    dice = random.Random(number)
    data = bytearray(dice.choice(_originals()))
    for _ in range(dice.choice((1, 1, 2, 4))):
        if data:
            dice.choice(_WAYS)(data, dice)
    return bytes(data)
