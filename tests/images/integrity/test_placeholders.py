"""One card for many pictures: how many addresses it takes, and what is no placeholder."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw

from laion_pairs.images.integrity import Integrity, Judge, Trust
from laion_pairs.images.integrity import placeholders as module
from laion_pairs.images.integrity.placeholders import CARD_ADDRESSES, PHOTO_ADDRESSES, Placeholders
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.ledger import Outcome


def card(kind: str, size: tuple[int, int] = (500, 375)) -> bytes:
    """ "This image is unavailable", as hosts show it."""
    picture = Image.new("RGB", size, "#e8e8e8")
    drawing = ImageDraw.Draw(picture)
    drawing.text((size[0] // 3, size[1] // 2), "This image is\nno longer available", fill="#666")
    drawing.rectangle((size[0] // 3, size[1] // 4, size[0] // 2, size[1] // 3), outline="#999", width=4)
    file = io.BytesIO()
    picture.save(file, kind, quality=80)
    return file.getvalue()


def addresses_needed(placeholders: Placeholders, body: bytes, domain: str = "d.example") -> int | None:
    """At which different address the file is a placeholder; None when not at 200."""
    return next((number + 1 for number in range(200) if placeholders.sees(domain, number, body)), None)


@pytest.fixture
def placeholders() -> Placeholders:
    return Placeholders(DownloadPolicy())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_card_takes_20_addresses(placeholders: Placeholders, kind: str) -> None:
    assert addresses_needed(placeholders, card(kind)) == CARD_ADDRESSES == 20


def test_a_pixel_takes_20_addresses(placeholders: Placeholders) -> None:
    assert addresses_needed(placeholders, card("GIF", (1, 1))) == CARD_ADDRESSES


def test_a_photo_takes_100_addresses(placeholders: Placeholders, noise: Callable) -> None:
    assert addresses_needed(placeholders, noise(1)) == PHOTO_ADDRESSES == 100


def test_what_has_no_header_is_no_card(placeholders: Placeholders) -> None:
    assert addresses_needed(placeholders, b"x" * 5000) == PHOTO_ADDRESSES


def test_one_address_asked_again_is_one_address(placeholders: Placeholders) -> None:
    body = card("PNG")
    assert not any(placeholders.sees("d.example", number % 19, body) for number in range(1000))
    assert placeholders.sees("d.example", 19, body)
    assert placeholders.sees("d.example", 0, body)  # from then on, wherever


def test_every_domain_for_itself(placeholders: Placeholders) -> None:
    body = card("PNG")
    assert not any(placeholders.sees(f"d{number}.example", number, body) for number in range(500))


def test_a_card_is_noticed_between_many_other_files(placeholders: Placeholders) -> None:
    body = card("PNG")
    for number in range(20_000):
        placeholders.sees("d.example", number, b"%d" % number)
        if number % 1000 == 0:
            found = placeholders.sees("d.example", number, body)
    assert found


def test_memory_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REPEATED", 100)
    placeholders = Placeholders(DownloadPolicy())
    for number in range(400):
        for address in range(150):
            placeholders.sees("d.example", address, b"%d" % number)
    assert len(placeholders._repeated) == 100
    assert {len(addresses) for addresses in placeholders._repeated.values()} == {PHOTO_ADDRESSES}


@pytest.mark.parametrize("mode", ["record", "prefer", "require"])
def test_a_placeholder_in_a_run(mode: str) -> None:
    judge, body = Judge(Integrity(mode=mode)), card("PNG")
    judged = [judge.judge(f"https://h{n}.photos.example/{n}.jpg", None, body) for n in range(25)]
    assert [found.trust for found in judged] == [Trust.UNVERIFIED] * 19 + [Trust.PLACEHOLDER] * 6
    assert judged[-1].refused is (None if mode == "record" else Outcome.DIGEST_MISMATCH)
    other = judge.judge("https://other.example/1.jpg", None, body)
    assert other.trust is Trust.UNVERIFIED


def test_what_was_published_is_verified_all_the_same() -> None:
    import hashlib

    judge, body = Judge(Integrity()), card("PNG")
    digest = f"md5:{hashlib.md5(body).hexdigest()}"
    assert {judge.judge(f"https://a.example/{n}", digest, body).trust for n in range(30)} == {Trust.VERIFIED}
    assert judge.judge("https://a.example/x", "md5:" + "0" * 32, body).trust is Trust.PLACEHOLDER
