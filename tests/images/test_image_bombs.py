"""Small files that would cost much: refused before anything is decoded, or decoded at the price of their pixels."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import warnings
import zlib

import pytest
from PIL import Image

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.decoding import MAX_SIDE_PX, decode_image
from laion_pairs.images.orientation import UPRIGHT, read_orientation
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

POLICY = DownloadPolicy()


def run_length_bmp(commands: bytes, compression: int = 1, width: int = 89_000_000) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, 1, 1, 8, compression, 0, 0, 0, 1, 0) + b"\0\0\0\0"
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + len(commands), 0, 0, 14 + len(header)) + header + commands


def png(width: int, height: int, colour: int = 2, channels: int = 3, extra: bytes = b"") -> bytes:
    packed = zlib.compress(bytes(1 + width * channels) * height)
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def progressive(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, "JPEG", progressive=True)
    body = file.getvalue()
    again = body[body.rfind(b"\xff\xda") : -2]
    return body[:-2] + again * (scans - body.count(b"\xff\xda")) + body[-2:]


REFUSED = {
    "a BMP that skips 255 lines of 89 million": (run_length_bmp(b"\0\2\0\xff"), Outcome.CORRUPT_IMAGE),
    "a BMP that fills a line byte by byte": (run_length_bmp(b"\1\0\0\0"), Outcome.CORRUPT_IMAGE),
    "an RLE4 BMP": (run_length_bmp(b"\0\2\0\xff", compression=2), Outcome.CORRUPT_IMAGE),
    "a picture one pixel wide": (png(1, MAX_SIDE_PX + 1), Outcome.TOO_MANY_PIXELS),
    "a picture one pixel high": (png(MAX_SIDE_PX + 1, 1), Outcome.TOO_MANY_PIXELS),
    "a hundred scans of a large JPEG": (progressive(4000, 100), Outcome.CORRUPT_IMAGE),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bombs_are_refused_undecoded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body, outcome = REFUSED[name]
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(Refused) as caught:
        decode_image(body, POLICY)
    assert caught.value.outcome is outcome


@pytest.mark.parametrize("body", [png(MAX_SIDE_PX, 1), progressive(400, 100), progressive(4000, 10)])
def test_what_comes_close_to_a_limit_is_decoded(body: bytes) -> None:
    decode_image(body, POLICY)


MEASURE = """
import sys
from laion_pairs.images import DownloadPolicy
from laion_pairs.images.decoding import decode_image
def peak_kib():  # getrusage would count the parent's memory too
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
body = sys.stdin.buffer.read()
before = peak_kib()
decode_image(body, DownloadPolicy())
print((peak_kib() - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_transparency_costs_no_more_than_the_pictures_own_pixels() -> None:
    side = 5000  # 24 MiB of palette indices, 95 MiB of RGB; laid over white in one piece it took 400 MiB
    see_through = chunk(b"PLTE", b"\0\0\0") + chunk(b"tRNS", b"\0")
    body = png(side, side, colour=3, channels=1, extra=see_through)
    run = subprocess.run([sys.executable, "-c", MEASURE], input=body, capture_output=True, check=True)
    assert int(run.stdout) < 200


def exif_block(*entries: bytes, order: str = "<", padding: int = 0) -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    count = struct.pack(f"{order}H", len(entries))
    return head + struct.pack(f"{order}L", 8) + count + b"".join(entries) + b"\0\0\0\0" + b"\0" * padding


def entry(tag: int, kind: int, count: int, value: int, order: str = "<") -> bytes:
    return struct.pack(f"{order}HHLHH", tag, kind, count, value, 0)


ORIENTATIONS = [
    (exif_block(entry(0x0112, 3, 1, 6)), 6),
    (b"Exif\0\0" + exif_block(entry(0x010F, 2, 4, 0), entry(0x0112, 3, 1, 8)), 8),
    (exif_block(entry(0x0112, 3, 1, 6, ">"), order=">"), 6),
    (exif_block(entry(0x0112, 3, 1, 9)), UPRIGHT),  # no such turn
    (exif_block(entry(0x0112, 3, 0, 6)), UPRIGHT),
    (exif_block(entry(0x0112, 2, 1, 6)), UPRIGHT),
    (exif_block(entry(0x0112, 3, 1, 6))[:15], UPRIGHT),  # cut
    (exif_block(), UPRIGHT),
    (b"II*\0\xff\xff\xff\xff", UPRIGHT),
    (b"II*\0\x08\0\0\0\xff\xff", UPRIGHT),
    (b"II*\0", UPRIGHT),
    (b"", UPRIGHT),
    (None, UPRIGHT),
]


@pytest.mark.parametrize(("block", "wanted"), ORIENTATIONS)
def test_orientation(block: bytes | None, wanted: int) -> None:
    assert read_orientation(block) == wanted


def jpeg_with(exif: bytes) -> bytes:
    """A JPEG without a resolution of its own, for which Pillow reads EXIF on opening; the block in many segments."""
    file = io.BytesIO()
    Image.new("RGB", (8, 4)).save(file, "JPEG")
    body = file.getvalue()
    parts = [b"Exif\0\0" + exif[at : at + 65_000] for at in range(0, len(exif), 65_000)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in parts)
    return body[:2] + segments + body[4 + struct.unpack(">H", body[4:6])[0] :]


@pytest.mark.parametrize("container", [jpeg_with, lambda exif: png(8, 4, extra=chunk(b"eXIf", exif))])
def test_an_exif_block_is_never_read_whole(container) -> None:
    """5000 tags of 300 kB each that all lie at the same place: 1.5 GB, or a warning for each, in Pillow's reader."""
    tags = (struct.pack("<HHLL", 1000 + i, 7, 300_000, 0) for i in range(5000))
    bomb = exif_block(entry(0x0112, 3, 1, 6), *tags, padding=300_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_image(container(bomb), POLICY).size == (4, 8)
