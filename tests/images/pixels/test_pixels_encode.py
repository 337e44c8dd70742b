"""What is written can be read, looks the same, and says nothing more than pixels."""

from __future__ import annotations

import numpy as np
import pytest
import simplejpeg
from pixel_pictures import photograph, psnr_db

from laion_pairs.errors import PolicyError
from laion_pairs.images import DownloadPolicy
from laion_pairs.images.decoding import decode_image
from laion_pairs.images.pixels import ENCODINGS, Resize, encode, render
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

PIXELS = np.asarray(photograph(256, 255))
LEAST_DB = {"jpg": 30, "webp": 30, "png": 99}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_written_is_read_again(encoding):
    body = encode(PIXELS, encoding, 95)
    image = decode_image(body, DownloadPolicy())
    assert psnr_db(np.asarray(image), PIXELS) >= LEAST_DB[encoding]
    assert render(body, Resize(mode="no"), DownloadPolicy()).format == {"jpg": "JPEG"}.get(encoding, encoding.upper())
    assert body == encode(np.asfortranarray(PIXELS), encoding, 95)


def test_a_jpeg_has_halved_colours():
    assert simplejpeg.decode_jpeg_header(encode(PIXELS, "jpg", 95))[3] == "420"


@pytest.mark.parametrize("encoding", ["jpg", "webp"])
def test_quality_is_a_trade(encoding):
    assert len(encode(PIXELS, encoding, 50)) < len(encode(PIXELS, encoding, 95))


@pytest.mark.parametrize(
    ("encoding", "quality", "message"),
    [
        ("gif", 90, "encode must be one of jpg, webp, png, got 'gif'"),
        ("jpg", 0, "quality must be a whole number from 1 to 100, got 0"),
        ("jpg", 101, "quality"),
        ("webp", 90.0, "quality"),
        ("png", True, "quality"),
    ],
)
def test_wrong_options_are_said(encoding, quality, message):
    with pytest.raises(PolicyError, match=message):
        encode(PIXELS, encoding, quality)


@pytest.mark.parametrize(("encoding", "side"), [("jpg", 65_501), ("webp", 16_384)])
def test_a_side_that_no_such_file_holds_is_refused(encoding, side):
    with pytest.raises(Refused, match="holds") as caught:
        encode(np.zeros((1, side, 3), np.uint8), encoding, 90)
    assert caught.value.outcome is Outcome.TOO_MANY_PIXELS
    assert encode(np.zeros((1, side - 1, 3), np.uint8), encoding, 90)
