"""What a picture looks like: the values of the imagehash library, what an edit moves, and another picture."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from laion_pairs.images.decoding import decode_image
from laion_pairs.images.integrity.phash import EDITED_BITS, SAME_BITS, bits_apart, phash, render_small
from laion_pairs.images.policy import DownloadPolicy

POLICY = DownloadPolicy()

IMAGEHASH = {  # str(imagehash.phash(Image.open(file).convert("RGB"))), imagehash 4.3.2, scipy 1.17, Pillow 12
    "alien.jpg": 0xB43CCDCBC33230CB,
    "bison.jpg": 0xA9F691A1878EDA1A,
    "tiger.jpg": 0xBB2BD2308D948797,
    "lasagna.jpg": 0xFA34B898CDE0594E,
    "volley-ball.jpg": 0xEA909469DAB66D98,
    "natural-gas-pump-well.jpg": 0xB0CBC8B49734F165,
}

SAME: dict[str, tuple] = {
    "JPEG at quality 30": ("JPEG", 30),
    "WEBP": ("WEBP", 80),
    "PNG": ("PNG", 0),
    "half the size": ("JPEG", 75, lambda p: p.resize((p.width // 2, p.height // 2))),
    "twice the size": ("JPEG", 75, lambda p: p.resize((p.width * 2, p.height * 2))),
    "squeezed into a square": ("JPEG", 75, lambda p: p.resize((200, 200))),
    "brighter": ("JPEG", 75, lambda p: ImageEnhance.Brightness(p).enhance(1.1)),
    "grey": ("JPEG", 75, lambda p: p.convert("L")),
}


def looks(body: bytes) -> int:
    return phash(render_small(body, POLICY).pixels)


@pytest.mark.parametrize(("name", "expected"), IMAGEHASH.items())
def test_values_are_those_of_imagehash(pictures: dict[str, bytes], name: str, expected: int) -> None:
    whole = np.asarray(decode_image(pictures[name], POLICY))
    assert bits_apart(phash(whole), expected) == 0
    assert bits_apart(looks(pictures[name]), expected) <= 2  # of a small decode


@pytest.mark.parametrize("how", SAME.values(), ids=SAME.keys())
def test_a_picture_saved_again_looks_the_same(pictures: dict[str, bytes], save_again: Callable, how: tuple) -> None:
    for body in pictures.values():
        assert bits_apart(looks(body), looks(save_again(body, *how))) <= SAME_BITS


def test_other_pictures_look_other(pictures: dict[str, bytes], noise: Callable[[int], bytes]) -> None:
    hashes = [looks(body) for body in (*pictures.values(), *map(noise, range(20)))]
    apart = [bits_apart(one, other) for one, other in combinations(hashes, 2)]
    assert min(apart) > EDITED_BITS


def test_a_mirrored_picture_is_another_one(pictures: dict[str, bytes], save_again: Callable) -> None:
    turned = save_again(pictures["tiger.jpg"], "PNG", 0, lambda p: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert bits_apart(looks(pictures["tiger.jpg"]), looks(turned)) > EDITED_BITS


@pytest.mark.parametrize("level", [0, 1, 127, 255])
def test_a_plain_area_does_not_hash_to_rounding_noise(level: int) -> None:
    assert phash(np.full((50, 40, 3), level, np.uint8)) == (0 if level == 0 else 1 << 63)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 5000, 3), (3000, 2, 3)])
def test_every_shape_has_a_hash(shape: tuple[int, int, int]) -> None:
    assert 0 <= phash(np.random.default_rng(0).integers(0, 256, shape, np.uint8)) < 1 << 64


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_bits_apart_is_a_distance(a: int, b: int, c: int) -> None:
    assert bits_apart(a, b) == bits_apart(b, a) == bin(a ^ b).count("1")
    assert (bits_apart(a, b) == 0) is (a == b)
    assert bits_apart(a, c) <= bits_apart(a, b) + bits_apart(b, c)
