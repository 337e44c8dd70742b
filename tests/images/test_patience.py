"""Files made to be searched for ever: they end as corrupt after a bounded number of reads, whatever their size."""

from __future__ import annotations

import zlib
from io import BytesIO

import pytest
from PIL import Image

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.decoding import decode_image, read_image_header
from laion_pairs.images.patience import MAX_READS, PatientFile
from laion_pairs.images.pixels.plain_jpeg import read_plain_jpeg
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

N = 2_000_000
POLICY = DownloadPolicy()


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


PADDED = {
    "JPEG, zeros": b"\xff\xd8\xff" + bytes(N),
    "JPEG, fill bytes": b"\xff\xd8" + b"\xff" * N,
    "JPEG, starts of image": b"\xff\xd8\xff" * (N // 3),
    "JPEG, empty segments": b"\xff\xd8" + b"\xff\xe1\x00\x02" * (N // 4),
    "GIF, zeros": b"GIF89a" + bytes(N),
    "GIF, comments": b"GIF89a\1\0\1\0\0\0\0" + (b"\x21\xfe" + b"\1x" * 100 + b"\0") * (N // 203),
    "PNG, empty chunks": b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", bytes.fromhex("00000001000000010800000000"))
    + chunk(b"prVt") * (N // 12),
}


def test_a_webp_without_pixels_is_corrupt() -> None:
    with pytest.raises(Refused) as refused:
        read_image_header(b"RIFF\0\0\0\1WEBPVP8 " + bytes(100), POLICY)
    assert refused.value.outcome is Outcome.CORRUPT_IMAGE


def test_a_jpeg_of_many_empty_segments_is_not_plain() -> None:
    assert read_plain_jpeg(PADDED["JPEG, empty segments"]) is None
    good = BytesIO()
    Image.new("RGB", (8, 8)).save(good, "JPEG")
    body = good.getvalue()
    assert read_plain_jpeg(body) is not None
    assert read_plain_jpeg(body[:2] + b"\xff\xfe\x00\x02" * 3000 + body[2:]) is None


@pytest.mark.parametrize("name", PADDED)
def test_padding_is_not_searched_to_its_end(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0
    whole = PatientFile.read

    def read(self: PatientFile, size: int | None = -1, /) -> bytes:
        nonlocal reads
        reads += 1
        return whole(self, size)

    monkeypatch.setattr(PatientFile, "read", read)
    with pytest.raises(Refused) as refused:
        read_image_header(PADDED[name], POLICY)
    assert refused.value.outcome in (Outcome.CORRUPT_IMAGE, Outcome.NOT_AN_IMAGE)
    assert reads <= MAX_READS + 1


def test_a_png_in_many_chunks_is_read() -> None:
    """Two thousand chunks are no trap: Pillow takes a few reads for each."""
    noise = Image.effect_noise((1000, 2000), 90)
    file = BytesIO()
    noise.save(file, "PNG", compress_level=0)
    body = file.getvalue()
    at = body.index(b"IDAT") - 4
    whole = zlib.compress(b"".join(b"\0" + noise.crop((0, y, 1000, y + 1)).tobytes() for y in range(2000)), 0)
    cut = b"".join(chunk(b"IDAT", whole[n : n + 1024]) for n in range(0, len(whole), 1024))
    assert decode_image(body[:at] + cut + chunk(b"IEND"), POLICY).size == (1000, 2000)
