"""What decodes and to which pixels; what does not, and with which outcome."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hostile_host import picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.decoding import ImageHeader, decode_image, read_image_header
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
POLICY = DownloadPolicy()
FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP"]
RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def saved(image: Image.Image, format_: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def png(width: int, height: int, rows: bytes = b"", *, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG file by hand, with whatever size its header should claim."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def webp_canvas(width: int, height: int) -> bytes:
    """An extended WebP file that claims a canvas."""
    data = b"\x02\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", len(data)) + data + b"ANIM" + struct.pack("<I", 6) + b"\0" * 6
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def outcome_of(body: bytes, policy: DownloadPolicy = POLICY) -> Outcome:
    with pytest.raises(Refused) as caught:
        decode_image(body, policy)
    assert caught.value.detail.endswith(".")
    return caught.value.outcome


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_decodes_to_rgb(format_):
    body = saved(Image.new("RGB", (21, 13), RED), format_)
    assert read_image_header(body, POLICY) == ImageHeader(format_, 21, 13)
    image = decode_image(body, POLICY)
    assert (image.mode, image.size) == ("RGB", (21, 13))
    assert all(abs(got - want) <= 3 for got, want in zip(image.getpixel((3, 3)), RED, strict=True))


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_in_its_three_containers(lossless):
    plain = Image.new("RGB", (300, 200), RED)
    clear = Image.new("RGBA", (300, 200), (0, 0, 255, 0))
    for image in (plain, clear):
        body = saved(image, "WEBP", lossless=lossless)
        assert read_image_header(body, POLICY) == ImageHeader("WEBP", 300, 200)
    assert decode_image(body, POLICY).getpixel((0, 0)) == WHITE


MODES = {
    # a name: (image, format, the pixel that is wanted, tolerance)
    "1": (Image.new("1", (4, 4), 1), "PNG", WHITE, 0),
    "L": (Image.new("L", (4, 4), 90), "PNG", (90, 90, 90), 0),
    "LA": (Image.new("LA", (4, 4), (0, 0)), "PNG", WHITE, 0),
    "RGBA": (Image.new("RGBA", (4, 4), (255, 0, 0, 255)), "PNG", RED, 0),
    "RGBA clear": (Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "PNG", WHITE, 0),
    "RGBA half": (Image.new("RGBA", (4, 4), (0, 0, 0, 128)), "PNG", (127, 127, 127), 1),
    "I;16": (Image.new("I;16", (4, 4), 0x8001), "PNG", (128, 128, 128), 0),
    "P": (Image.new("RGB", (4, 4), RED).quantize(4), "PNG", RED, 1),
    "P in GIF": (Image.new("RGB", (4, 4), RED).quantize(4), "GIF", RED, 1),
    "CMYK": (Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", RED, 3),
    "grey JPEG": (Image.new("L", (16, 16), 90), "JPEG", (90, 90, 90), 1),
}


@pytest.mark.parametrize("name", MODES)
def test_modes(name):
    image, format_, wanted, tolerance = MODES[name]
    got = decode_image(saved(image, format_), POLICY)
    assert got.mode == "RGB"
    assert all(abs(a - b) <= tolerance for a, b in zip(got.getpixel((1, 1)), wanted, strict=True))


@pytest.mark.parametrize("format_", ["PNG", "GIF"])
def test_palette_with_transparency(format_):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    got = decode_image(saved(image, format_, transparency=0), POLICY)
    assert [got.getpixel((0, 0)), got.getpixel((1, 0))] == [WHITE, BLUE]


def test_colour_key_transparency():
    image = Image.new("RGB", (2, 1), RED)
    image.putpixel((1, 0), BLUE)
    got = decode_image(saved(image, "PNG", transparency=RED), POLICY)
    assert [got.getpixel((0, 0)), got.getpixel((1, 0))] == [WHITE, BLUE]


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_frame(format_):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]
    body = saved(frames[0], format_, save_all=True, append_images=frames[1:], duration=9)
    got = decode_image(body, POLICY).getpixel((4, 4))
    assert all(abs(a - b) <= 3 for a, b in zip(got, RED, strict=True))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation(format_, turn):
    """The upright picture has red in its left upper corner, whichever way the file lies."""
    upright = Image.new("RGB", (48, 32), BLUE)
    upright.paste(RED, (0, 0, 16, 16))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # EXIF turn → the transposition that a camera's lying file has
    lying = upright if turn == 1 else upright.transpose(Image.Transpose(undo[turn]))
    exif = Image.Exif()
    exif[0x0112] = turn
    body = saved(lying, format_, exif=exif)
    got = decode_image(body, POLICY)
    assert got.size == (48, 32)
    red, _, blue = got.getpixel((5, 5))
    assert red > 200 > blue
    red, _, blue = got.getpixel((40, 25))
    assert blue > 200 > red
    header = read_image_header(body, POLICY)
    assert (header.width, header.height) == lying.size


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0MM\0*\xff\xff\xff\xff"]
)
def test_broken_exif_turns_nothing(exif):
    assert decode_image(saved(Image.new("RGB", (16, 8)), "JPEG", exif=exif), POLICY).size == (16, 8)


NOT_IMAGES = {
    "empty": b"",
    "text": b"hello",
    "html": b"<!DOCTYPE html>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "xml svg": b"<?xml version='1.0'?><svg/>",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "pdf": b"%PDF-1.7",
    "psd": b"8BPS\0\1",
    "ico": picture("ICO", (16, 16)),
    "tiff": picture("TIFF"),
    "big tiff": b"MM\0*\0\0\0\x08",
    "tga": picture("TGA"),
    "ppm": picture("PPM"),
    "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "avif": b"\0\0\0\x20ftypavif",
    "BM but no bitmap": b"BMW 320d, first owner, well kept",
    "RIFF but no webp": b"RIFF\0\0\0\0WAVEfmt ",
    "a jpeg behind a space": b" " + picture("JPEG"),
    "half a magic": b"\x89PNG",
}


@pytest.mark.parametrize("name", NOT_IMAGES)
def test_not_an_image(name):
    assert outcome_of(NOT_IMAGES[name]) is Outcome.NOT_AN_IMAGE


@pytest.mark.parametrize("format_", FORMATS)
def test_cut_anywhere_is_corrupt_and_never_a_crash(format_):
    body = saved(Image.effect_noise((64, 48), 90).convert("RGB"), format_)
    start = 18 if format_ == "BMP" else 12
    for length in range(start, len(body) * 9 // 10, max(1, len(body) // 40)):
        assert outcome_of(body[:length]) is Outcome.CORRUPT_IMAGE


BOMBS = {
    "png": png(30_000, 30_000),
    "png at 31 bits": png(2**31 - 1, 2**31 - 1),
    "webp": webp_canvas(16_383, 16_383),
    "gif": b"GIF89a\xff\xff\xff\xff\0\0\0," + struct.pack("<HHHH", 0, 0, 65_535, 65_535) + b"\0\x02\0;",
    "gif frame outside of its screen": b"GIF89a\x01\0\x01\0\0\0\0,"
    + struct.pack("<HHHH", 0, 0, 65_535, 65_535)
    + b"\0\2\0;",
    "bmp": b"BM"
    + struct.pack("<IHHI", 99, 0, 0, 54)
    + struct.pack("<IiiHHIIiiII", 40, 30_000, -30_000, 1, 24, *[0] * 6),
    "jpeg": b"\xff\xd8\xff\xc0\0\x0b\x08\xff\xff\xff\xff\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0\xff\xd9",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_judged_by_their_header(name, monkeypatch):
    def never(*_):
        raise AssertionError("a bomb was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    monkeypatch.setattr("PIL.WebPImagePlugin.WebPImageFile.__init__", never)
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", None)
    assert outcome_of(BOMBS[name]) is Outcome.TOO_MANY_PIXELS


@pytest.mark.filterwarnings("error")
def test_the_limit_is_the_policys_and_not_pillows(monkeypatch):
    body = picture("PNG", (100, 100), "1")
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 99)
    assert decode_image(body, POLICY).size == (100, 100)
    assert outcome_of(body, DownloadPolicy(max_pixels=9_999)) is Outcome.TOO_MANY_PIXELS
    assert decode_image(body, DownloadPolicy(max_pixels=10_000)).size == (100, 100)


@pytest.mark.filterwarnings("error")
def test_a_gif_frame_outside_of_its_screen_is_judged_before_pillow_warns_of_it():
    comments = b"!\xfe" + b"\x01c" * 300 + b"\0" + b"!\xf9\x04\0\0\0\0\0"
    for extension in (b"", comments, b"\0garbage"):
        frame = b"," + struct.pack("<HHHH", 1_000, 0, 11_000, 13_000)  # 1.7 times Pillow's limit
        assert outcome_of(b"GIF89a\x01\0\x01\0\0\0\0" + extension + frame + b"\0\2\0;") is Outcome.TOO_MANY_PIXELS
    original = picture("GIF")
    colours = 13 + (3 << (original[10] & 7) + 1 if original[10] & 0x80 else 0)
    assert (
        decode_image(original[:colours] + comments + original[colours:], POLICY).size
        == decode_image(original, POLICY).size
    )


def test_a_jpeg_of_a_thousand_scans():
    body = saved(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
    scan = body[body.rindex(b"\xff\xda") : -2]
    assert outcome_of(body[:-2] + scan * 1_000 + b"\xff\xd9") is Outcome.CORRUPT_IMAGE


def test_text_chunks_that_inflate_do_not_decode():
    text = b"zTXt" + b"k\0\0" + zlib.compress(b"x" * 100_000_000, 9)
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    body = png(4, 4, (b"\0" + b"\0" * 12) * 4)
    assert outcome_of(body[:33] + chunk + body[33:]) is Outcome.CORRUPT_IMAGE


def test_no_metadata_travels_on():
    exif = Image.Exif()
    exif[0x010E] = "<script>"
    image = decode_image(saved(Image.new("RGB", (8, 8)), "JPEG", exif=exif, comment="x"), POLICY)
    assert image.info == {}
    assert not image.getexif()


@given(st.binary(max_size=200), st.sampled_from([picture(format_) for format_ in FORMATS]), st.integers(0, 150))
def test_noise_in_a_file_is_an_image_or_one_refusal(noise, body, place):
    try:
        decoded = decode_image(
            body[:place] + noise + body[place + len(noise) :], DownloadPolicy(max_pixels=100_000)
        ).mode
    except Refused as refused:
        decoded = refused.outcome
    assert decoded in ("RGB", Outcome.NOT_AN_IMAGE, Outcome.CORRUPT_IMAGE, Outcome.TOO_MANY_PIXELS)
