"""Whatever the bytes: ``render`` ends as ``decode_image`` does, in a picture or in the same refusal."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pixel_pictures import every_kind, photograph, saved, turned_exif

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.decoding import ImageHeader, decode_image, read_image_header
from laion_pairs.images.pixels import Resize, check, render
from laion_pairs.images.pixels.plain_jpeg import read_plain_jpeg
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

POLICY = DownloadPolicy(max_pixels=100_000)
AS_IT_IS = Resize(mode="no")
KINDS = every_kind((40, 27))


def ending(function, *arguments) -> object:
    """The size of the picture, its header, or the outcome of its refusal."""
    try:
        got = function(*arguments)
    except Refused as refused:
        return refused.outcome
    if isinstance(got, ImageHeader):
        return got
    return got.size if isinstance(got, Image.Image) else got.pixels.shape[1::-1]


def assert_same_ending(body: bytes) -> object:
    wanted = ending(decode_image, body, POLICY)
    assert ending(render, body, AS_IT_IS, POLICY) == wanted
    small = ending(render, body, Resize(size=16), POLICY)
    assert small == ((16, 16) if isinstance(wanted, tuple) else wanted)
    assert ending(check, body, AS_IT_IS, POLICY) == ending(read_image_header, body, POLICY)
    return wanted


def mutated(body: bytes, rng: random.Random) -> bytes:
    """One to eight changes: bytes set, cut out, doubled or put in; mostly where the header is."""
    changed = bytearray(body)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(changed) if rng.random() < 0.3 else min(len(changed), 700))
        kind = rng.randrange(5)
        if kind <= 1:
            changed[at] = rng.choice((0, 1, 0x7F, 0xFF, 0xD9, 0xDA, rng.randrange(256)))
        elif kind == 2:
            del changed[at : at + rng.choice((1, 2, 30))]
        elif kind == 3:
            changed[at:at] = changed[at : at + rng.choice((1, 4, 60))]
        else:
            changed[at:at] = rng.randbytes(rng.choice((1, 2, 9)))
    return bytes(changed)


@pytest.mark.parametrize("name", KINDS)
def test_cut_files_end_alike(name):
    body = KINDS[name]
    for length in range(0, len(body), max(1, len(body) // 25)):
        assert_same_ending(body[:length])


@pytest.mark.parametrize("lost", [1, 2, 3, 40])
def test_a_jpeg_without_its_end_is_corrupt_also_when_only_an_eighth_is_decoded(lost):
    body = saved(photograph(600, 400), "JPEG")
    for resize in (AS_IT_IS, Resize(size=20)):
        with pytest.raises(Refused) as caught:
            render(body[:-lost], resize, DownloadPolicy())
        assert caught.value.outcome is Outcome.CORRUPT_IMAGE


@pytest.mark.parametrize(("side", "scans"), [(40, 200), (4000, 90)])
def test_scan_bombs_are_refused_undecoded(side, scans, monkeypatch):
    body = saved(Image.new("L", (side, side)), "JPEG", progressive=True)
    again = body[body.rfind(b"\xff\xda") : -2]
    monkeypatch.setattr("simplejpeg.decode_jpeg", lambda *_, **__: pytest.fail("it was decoded"))
    for judge in (check, render):
        with pytest.raises(Refused) as caught:
            judge(body[:-2] + again * scans + body[-2:], AS_IT_IS, DownloadPolicy())
        assert caught.value.outcome is Outcome.CORRUPT_IMAGE


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 2**32))
def test_mutations_end_alike(name, seed):
    assert_same_ending(mutated(KINDS[name], random.Random(seed)))


MANY = """
import random, resource, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
from test_pixels_hostile import KINDS, assert_same_ending, mutated
def resident_kib():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])
count, endings, early = int(sys.argv[2]), {}, 0
for number in range(count):
    name = sorted(KINDS)[number % len(KINDS)]
    body = mutated(KINDS[name], random.Random(number))
    try:
        got = assert_same_ending(body)
    except AssertionError:
        sys.exit(f"mutation {number} of {name} ends differently")
    key = "image" if isinstance(got, tuple) else str(got)
    endings[key] = endings.get(key, 0) + 1
    if number == count // 4:
        early = resident_kib()
grown_kib = resident_kib() - early
print(endings, f"grown {grown_kib} KiB")
assert grown_kib < 30_000, grown_kib
assert endings["image"] > count // 10 and endings["corrupt_image"] > count // 10, endings
"""


def _many(count: int) -> None:
    """In a process of its own, whose death would be seen."""
    command = [sys.executable, "-c", MANY, str(Path(__file__).parent), str(count)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60 + count / 20)
    print(run.stdout)
    assert run.returncode == 0, f"{run.returncode}: {run.stderr[-2000:]}"


@pytest.mark.ci
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_thousands_of_mutations():
    _many(8_000)


@pytest.mark.soak
def test_a_hundred_thousand_mutations():
    _many(100_000)


PLAIN = {"baseline", "baseline 4:4:4", "progressive", "restarts", "grey JPEG", "RGB JPEG", "turned JPEG"}


@pytest.mark.parametrize("name", KINDS)
def test_ordinary_jpegs_take_the_fast_path_and_nothing_else_does(name, monkeypatch):
    assert (read_plain_jpeg(KINDS[name]) is not None) == (name in PLAIN)
    if name in PLAIN:
        monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("the slow path"))
        render(KINDS[name], AS_IT_IS, POLICY)


def test_the_orientation_is_found_without_pillow():
    for orientation in range(1, 9):
        jpeg = read_plain_jpeg(saved(photograph(40, 27), "JPEG", exif=turned_exif(orientation)))
        assert jpeg is not None
        assert jpeg.orientation == orientation
        assert jpeg.upright_size == ((27, 40) if orientation >= 5 else (40, 27))


def segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2, "big") + data


NOT_PLAIN = {
    "a cut JFIF block": segment(0xE0, b"JFIF\0\1"),
    "a cut Adobe block": segment(0xEE, b"Adobe\0"),
    "a cut ICC profile": segment(0xE2, b"ICC_PROFILE\0\1"),
    "a Photoshop block that ends in a name": segment(0xED, b"Photoshop 3.0\0" + b"8BIM\3\xed"),
    "half a quantisation table": segment(0xDB, bytes(60)),
    "a second frame": segment(0xC0, bytes((8, 0, 4, 0, 4, 1, 1, 0x11, 0))),
    "twelve bits": segment(0xC1, bytes((12, 0, 4, 0, 4, 1, 1, 0x11, 0))),
    "lossless": segment(0xC3, bytes((8, 0, 4, 0, 4, 1, 1, 0x11, 0))),
    "arithmetic codes": segment(0xCC, b"\0\0"),
    "padding": b"\xff\xff\xff",
    "junk": b"junk",
    "a second start": b"\xff\xd8",
}
STILL_PLAIN = {
    "a comment": segment(0xFE, b"\xff\xda is no scan here"),
    "an empty block": segment(0xE5, b""),
    "XMP": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
    "a Photoshop block": segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\0\2xx"),
    "an unreadable EXIF block": segment(0xE1, b"Exif\0\0II"),
    "sixteen-bit tables": segment(0xDB, b"\x13" + b"\0\1" * 64),
}


def test_a_frame_of_twelve_bits_is_not_plain():
    body = KINDS["baseline"]
    at = body.index(b"\xff\xc0") + 4
    assert read_plain_jpeg(body[:at] + b"\x0c" + body[at + 1 :]) is None


@pytest.mark.parametrize("name", NOT_PLAIN | STILL_PLAIN)
def test_what_is_plain(name):
    body = KINDS["baseline"]
    body = body[:2] + (NOT_PLAIN | STILL_PLAIN)[name] + body[2:]
    assert (read_plain_jpeg(body) is not None) == (name in STILL_PLAIN)
    assert_same_ending(body)
