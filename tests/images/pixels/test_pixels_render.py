"""The pixels that come out: those of a full decode and a good filter, upright; and which pictures are not wanted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from pixel_pictures import every_kind, photograph, photographs, psnr_db, saved, turned_exif

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.decoding import decode_image, read_image_header
from laion_pairs.images.pixels import RESIZE_MODES, Resize, check, render
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

POLICY = DownloadPolicy()
KINDS = every_kind()
JPEGS = {"quality": 85}, {"quality": 92, "progressive": True}, {"quality": 90, "subsampling": 0}


def reference(body: bytes, resize: Resize, filter_: Image.Resampling) -> np.ndarray:
    """Everything decoded, the whole picture scaled by Pillow, then cut."""
    image = decode_image(body, POLICY)
    result = resize.geometry(*image.size)
    scaled = image.resize((result.scaled_width, result.scaled_height), filter_)
    part = scaled.crop((result.left, result.top, result.left + result.width, result.top + result.height))
    pixels = np.array(part)
    outside = np.array(
        Image.new("L", scaled.size, 1).crop(
            (result.left, result.top, result.left + result.width, result.top + result.height)
        )
    )
    pixels[outside == 0] = 255
    return pixels


@pytest.mark.parametrize("name", KINDS)
def test_unresized_pixels_are_those_of_the_full_decode(name):
    got = render(KINDS[name], Resize(mode="no"), POLICY)
    wanted = np.asarray(decode_image(KINDS[name], POLICY))
    assert psnr_db(got.pixels, wanted) > 60
    header = read_image_header(KINDS[name], POLICY)
    assert (got.format, got.original_width, got.original_height) == (header.format, header.width, header.height)
    assert got.changed == name.startswith("turned")
    assert check(KINDS[name], Resize(), POLICY) == header


@pytest.mark.parametrize("size", [32, 100, 138, 224, 256])
@pytest.mark.parametrize("mode", ["center_crop", "keep_ratio", "border"])
def test_photographs_look_as_after_a_full_decode_and_a_good_filter(mode, size):
    """The bound: 32 dB to the same filter, 29 dB to Lanczos, on the sample's most detailed pictures: drawings."""
    resize = Resize(mode=mode, size=size)
    for image, options in zip(photographs()[:6], JPEGS * 2, strict=True):
        body = saved(image, "JPEG", **options)
        got = render(body, resize, POLICY).pixels
        assert psnr_db(got, reference(body, resize, Image.Resampling.BICUBIC)) >= 32
        if size >= 100:  # below, the two filters alone differ by more
            assert psnr_db(got, reference(body, resize, Image.Resampling.LANCZOS)) >= 29


@pytest.mark.parametrize("width", range(601, 618, 3))
def test_a_scaled_decode_that_ends_within_a_pixel_is_not_stretched(width):
    body = saved(photograph(width, width + 5), "JPEG", quality=92)
    for size in (40, 100, 200):
        resize = Resize(mode="keep_ratio", size=size)
        wanted = reference(body, resize, Image.Resampling.BICUBIC)
        assert psnr_db(render(body, resize, POLICY).pixels, wanted) >= 40


@pytest.mark.parametrize("mode", RESIZE_MODES)
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_in_every_mode(name, mode):
    for size in (17, 61, 200):
        resize = Resize(mode=mode, size=size)
        got = render(KINDS[name], resize, POLICY)
        assert psnr_db(got.pixels, reference(KINDS[name], resize, Image.Resampling.BICUBIC)) >= 32
        assert got.pixels.dtype == np.uint8
        assert got.pixels.flags.c_contiguous
        assert got.pixels.flags.writeable


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_pictures_stand_upright(format_, orientation):
    body = saved(photograph(123, 77), format_, exif=turned_exif(orientation))
    for resize in (Resize(mode="no"), Resize(size=40), Resize(mode="border", size=33)):
        got = render(body, resize, POLICY)
        assert psnr_db(got.pixels, reference(body, resize, Image.Resampling.BICUBIC)) > 38
        assert (got.original_width, got.original_height) == (123, 77)
    assert render(body, Resize(mode="no"), POLICY).changed == (orientation != 1)


CHANGED = [
    (Resize(mode="no"), (90, 60), False),
    (Resize(size=60), (90, 60), True),
    (Resize(size=60), (60, 60), False),
    (Resize(size=60, only_if_bigger=True), (90, 60), False),
    (Resize(size=61, only_if_bigger=True), (90, 60), False),
    (Resize(size=59, only_if_bigger=True), (90, 60), True),
    (Resize(mode="keep_ratio", size=60), (90, 60), False),
    (Resize(mode="keep_ratio_largest", size=90), (90, 60), False),
    (Resize(mode="border", size=90), (90, 60), True),
    (Resize(mode="border", size=90), (90, 90), False),
]


@pytest.mark.parametrize(("resize", "size", "changed"), CHANGED)
@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_changed_says_whether_the_file_shows_the_same(resize, size, changed, format_):
    assert render(saved(photograph(*size), format_), resize, POLICY).changed is changed


NOT_WANTED = [
    (Resize(min_side_px=61), POLICY, Outcome.TOO_SMALL),
    (Resize(max_area_px=90 * 60 - 1), POLICY, Outcome.TOO_MANY_PIXELS),
    (Resize(max_aspect_ratio=1.49), POLICY, Outcome.BAD_ASPECT_RATIO),
    (Resize(size=9), DownloadPolicy(max_pixels=90 * 60 - 1), Outcome.TOO_MANY_PIXELS),
    (Resize(mode="keep_ratio", size=600), DownloadPolicy(max_pixels=900 * 600 - 1), Outcome.TOO_MANY_PIXELS),
    (Resize(mode="border", size=600), DownloadPolicy(max_pixels=600 * 600 - 1), Outcome.TOO_MANY_PIXELS),
]
WANTED = [
    (Resize(min_side_px=60, max_area_px=90 * 60, max_aspect_ratio=1.5), POLICY),
    (Resize(), DownloadPolicy(max_pixels=256 * 256)),
    (Resize(mode="keep_ratio", size=600), DownloadPolicy(max_pixels=900 * 600)),
]


@pytest.mark.parametrize(("resize", "policy", "outcome"), NOT_WANTED)
@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(90, 60), (60, 90)])
def test_unwanted_pictures_are_refused_undecoded(resize, policy, outcome, format_, size, monkeypatch):
    body = saved(photograph(*size), format_)
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("it was decoded"))
    monkeypatch.setattr("simplejpeg.decode_jpeg", lambda *_, **__: pytest.fail("it was decoded"))
    for judge in (check, render):
        with pytest.raises(Refused, match=r"\.$") as caught:
            judge(body, resize, policy)
        assert caught.value.outcome is outcome


@pytest.mark.parametrize(("resize", "policy"), WANTED)
@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_what_just_fits_is_wanted(resize, policy, format_):
    body = saved(photograph(90, 60), format_)
    check(body, resize, policy)
    render(body, resize, policy)


def test_a_line_of_pixels_is_not_blown_up_before_it_is_cut():
    body = saved(Image.new("RGB", (60_000, 1), "red"), "PNG")
    assert render(body, Resize(), POLICY).pixels.shape == (256, 256, 3)
    with pytest.raises(Refused) as caught:
        render(body, Resize(mode="keep_ratio"), POLICY)
    assert caught.value.outcome is Outcome.TOO_MANY_PIXELS


def test_threads_do_not_disturb_one_another():
    bodies = [saved(image, "JPEG") for image in photographs()[:8]] * 8
    alone = [render(body, Resize(), POLICY).pixels for body in bodies[:8]] * 8
    with ThreadPoolExecutor(4) as pool:
        for got, wanted in zip(
            pool.map(lambda body: render(body, Resize(), POLICY).pixels, bodies), alone, strict=True
        ):
            assert np.array_equal(got, wanted)
