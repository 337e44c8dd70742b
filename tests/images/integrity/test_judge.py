"""The word on a row: what decides it, what each mode delivers, and what a lock learns."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageDraw

from laion_pairs.errors import DigestColumnError, LockError, PolicyError
from laion_pairs.images.integrity import INTEGRITY_MODES, Integrity, Judge, Trust
from laion_pairs.images.integrity.lock import PictureLock
from laion_pairs.images.integrity.phash import phash, render_small
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.ledger import Outcome
from laion_pairs.takedown.keys import address_of, hash_text

URL = "https://img.example.com/a/1.jpg"


def md5(body: bytes) -> str:
    return f"md5:{hashlib.md5(body).hexdigest()}"


def lock_one(path: Path, url: str, body: bytes) -> None:
    """As a first run does."""
    judge = Judge(Integrity(lock=str(path)))
    judge.judge(url, None, body)
    judge.close()


def lock_at(path: Path, url: str, body: bytes, bits: int) -> None:
    """A lock that has other bytes for the URL, whose looks are so many bits away from this picture's."""
    looks = phash(render_small(body, DownloadPolicy()).pixels) ^ ((1 << bits) - 1)
    lock = PictureLock(str(path))
    lock.add(url_hash=hash_text(address_of(url)), sha256=bytes(32), phash=looks, width=1, height=1, n_bytes=1)
    lock.close()


DELIVERED = {
    "off": set(Trust),
    "record": set(Trust),
    "prefer": {Trust.VERIFIED, Trust.SAME_AS_LOCKED, Trust.EDITED, Trust.UNVERIFIED},
    "require": {Trust.VERIFIED, Trust.SAME_AS_LOCKED},
}


@pytest.mark.parametrize("mode", INTEGRITY_MODES)
def test_what_a_mode_delivers(mode: str) -> None:
    assert {trust for trust in Trust if Integrity(mode=mode).delivers(trust)} == DELIVERED[mode]


@pytest.mark.parametrize(
    "wrong",
    [{"mode": "strict"}, {"mode": None}, {"mode": "off", "lock": "x"}, {"lock": ""}, {"lock": 3}],
    ids=repr,
)
def test_what_cannot_be_asked(wrong: dict) -> None:
    with pytest.raises(PolicyError):
        Integrity(**wrong)


def test_off_computes_nothing(tmp_path: Path) -> None:
    judge = Judge(Integrity(mode="off"))
    for _ in range(300):
        judged = judge.judge(URL, md5(b"other"), b"x")
    assert (judged.trust, judged.refused, judged.sha256) == (None, None, None)


WORDS = [  # digest, lock, word
    ("right", None, Trust.VERIFIED),
    ("wrong", None, Trust.MISMATCH),
    (None, None, Trust.UNVERIFIED),
    ("malformed", None, Trust.UNVERIFIED),
    (None, "same bytes", Trust.SAME_AS_LOCKED),
    (None, 0, Trust.SAME_AS_LOCKED),
    (None, 8, Trust.SAME_AS_LOCKED),
    (None, 9, Trust.EDITED),
    (None, 14, Trust.EDITED),
    (None, 15, Trust.MISMATCH),
    (None, 40, Trust.MISMATCH),
    ("right", 40, Trust.VERIFIED),
    ("wrong", 8, Trust.SAME_AS_LOCKED),  # only saved again
    ("wrong", 9, Trust.EDITED),
    ("wrong", 15, Trust.MISMATCH),
    ("malformed", 15, Trust.MISMATCH),
]


@pytest.mark.parametrize("mode", ["record", "prefer", "require"])
@pytest.mark.parametrize(("digest", "lock", "word"), WORDS)
def test_the_word_and_the_outcome(
    tmp_path: Path, pictures: dict[str, bytes], mode: str, digest: str | None, lock: object, word: Trust
) -> None:
    body = pictures["tiger.jpg"]
    path = tmp_path / "lock"
    if isinstance(lock, int):
        lock_at(path, URL, body, lock)
    elif lock:
        lock_one(path, URL, body)
    judge = Judge(Integrity(mode=mode, lock=str(path) if lock is not None else None))
    digests = {"right": md5(body), "wrong": md5(b"other"), "malformed": "md5:x", None: None}
    judged = judge.judge(URL, digests[digest], body)
    assert judged.trust is word
    assert judged.refused is (None if word in DELIVERED[mode] else Outcome.DIGEST_MISMATCH)
    assert bool(judged.detail) is (judged.refused is not None)
    assert judge.malformed_digests == (digest == "malformed")
    assert judged.sha256 in (None, hashlib.sha256(body).hexdigest())


def test_http_and_https_of_one_address_are_one_entry(tmp_path: Path, pictures: dict[str, bytes]) -> None:
    lock_one(tmp_path, URL, pictures["tiger.jpg"])
    judge = Judge(Integrity(lock=str(tmp_path)))
    judged = judge.judge("http://IMG.example.com:80/a/./1.jpg", None, pictures["tiger.jpg"])
    assert judged.trust is Trust.SAME_AS_LOCKED
    assert judge.judge("https://img.example.com/a/2.jpg", None, pictures["tiger.jpg"]).trust is Trust.UNVERIFIED


def test_bytes_without_a_url_have_only_a_digest(pictures: dict[str, bytes], tmp_path: Path) -> None:
    judge = Judge(Integrity(lock=str(tmp_path)))
    assert judge.judge(None, md5(b"x"), b"x").trust is Trust.VERIFIED
    assert judge.judge(None, None, b"x").trust is Trust.UNVERIFIED
    judge.close()
    assert not list(tmp_path.iterdir())


def test_a_benign_edit_is_no_mismatch(tmp_path: Path, pictures: dict[str, bytes], save_again: Callable) -> None:
    for name, body in pictures.items():
        lock_one(tmp_path, f"https://a.example/{name}", body)
    judge = Judge(Integrity(lock=str(tmp_path)))
    for name, body in pictures.items():
        smaller = save_again(body, "WEBP", 60, lambda p: p.resize((p.width * 2 // 3, p.height * 2 // 3)))
        assert judge.judge(f"https://a.example/{name}", None, smaller).trust is Trust.SAME_AS_LOCKED

        def stamp(picture):
            ImageDraw.Draw(picture).rectangle((10, 10, picture.width // 3, 40), "white", "black")
            return picture

        stamped = judge.judge(f"https://a.example/{name}", None, save_again(body, edit=stamp)).trust
        assert stamped in (Trust.SAME_AS_LOCKED, Trust.EDITED)


def test_another_picture_is_a_mismatch(tmp_path: Path, pictures: dict[str, bytes]) -> None:
    lock_one(tmp_path, URL, pictures["tiger.jpg"])
    judge = Judge(Integrity(mode="prefer", lock=str(tmp_path)))
    judged = judge.judge(URL, None, pictures["bison.jpg"])
    assert (judged.trust, judged.refused) == (Trust.MISMATCH, Outcome.DIGEST_MISMATCH)
    assert "example" not in judged.detail


def test_what_does_not_decode_is_compared_by_its_bytes(tmp_path: Path, pictures: dict[str, bytes]) -> None:
    lock_one(tmp_path, URL, b"GIF89a broken")
    assert not list(tmp_path.iterdir())  # what has no looks is not locked
    lock_one(tmp_path, URL, pictures["tiger.jpg"])
    assert Judge(Integrity(lock=str(tmp_path))).judge(URL, None, b"GIF89a broken").trust is Trust.MISMATCH


LEARNED = [  # mode, digest, learned
    ("record", None, True),
    ("record", "right", True),
    ("record", "wrong", False),
    ("prefer", None, True),
    ("prefer", "wrong", False),
    ("require", "right", True),
    ("require", None, False),
    ("require", "wrong", False),
]


@pytest.mark.parametrize(("mode", "digest", "learned"), LEARNED)
def test_a_lock_learns_what_was_delivered_and_not_contradicted(
    tmp_path: Path, pictures: dict[str, bytes], mode: str, digest: str | None, learned: bool
) -> None:
    lock_one(tmp_path, "https://b.example/", pictures["bison.jpg"])
    body = pictures["tiger.jpg"]
    judge = Judge(Integrity(mode=mode, lock=str(tmp_path)))
    judge.judge(URL, {"right": md5(body), "wrong": md5(b""), None: None}[digest], body)
    judge.close()
    rows = pq.read_table(tmp_path).to_pylist()
    found = [row for row in rows if row["url_hash"] == hash_text(address_of(URL))]
    assert len(found) == learned
    assert len(rows) == 1 + learned
    if learned:
        assert found[0]["sha256"] == hashlib.sha256(body).digest()
        assert (found[0]["bytes"], found[0]["width"], found[0]["height"]) == (len(body), 448, 448)


def test_a_lock_says_the_same_for_ever(tmp_path: Path, pictures: dict[str, bytes], save_again: Callable) -> None:
    """An attacker who changes a picture a little in every run gets no further than one step from the first."""
    lock_at(tmp_path, URL, pictures["tiger.jpg"], 14)
    for _ in range(3):
        judge = Judge(Integrity(lock=str(tmp_path)))
        assert judge.judge(URL, None, pictures["tiger.jpg"]).trust is Trust.EDITED
        judge.close()
    assert pq.read_table(tmp_path).num_rows == 1


def test_require_wants_a_lock_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(LockError, match="integrity='record' first"):
        Judge(Integrity(mode="require", lock=str(tmp_path / "typo")))
    assert not (tmp_path / "typo").exists()
    Judge(Integrity(mode="prefer", lock=str(tmp_path / "new")))


def test_a_broken_lock_stops_the_run_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(LockError):
        Judge(Integrity(lock=str(tmp_path)))


# --- split-view poisoning: a domain is bought, and serves other pictures under old captions


@pytest.mark.parametrize("known_by", ["digest", "lock"])
@pytest.mark.parametrize("mode", ["record", "prefer", "require"])
def test_a_domain_whose_content_is_swapped(tmp_path: Path, noise: Callable, mode: str, known_by: str) -> None:
    urls = [f"https://old.example/{number}.png" for number in range(40)]
    before, after = [noise(number) for number in range(40)], [noise(100 + number) for number in range(40)]
    if known_by == "lock":
        first = Judge(Integrity(lock=str(tmp_path)))
        assert {first.judge(url, None, body).trust for url, body in zip(urls, before, strict=True)} == {
            Trust.UNVERIFIED
        }
        first.close()
    judge = Judge(Integrity(mode=mode, lock=str(tmp_path) if known_by == "lock" else None))

    def ask(number: int, body: bytes, url: str | None = None) -> Trust | None:
        digest = md5(before[number]) if known_by == "digest" and url is None else None
        judged = judge.judge(url or urls[number], digest, body)
        assert judged.refused is (None if judged.trust in DELIVERED[mode] else Outcome.DIGEST_MISMATCH)
        return judged.trust

    assert ask(0, noise(500), "https://old.example/unknown.png") is Trust.UNVERIFIED
    for number in range(20):
        assert ask(number, after[number]) is Trust.MISMATCH
    # quarantined: rows that nothing is known of are not trusted any more, nor what only looks like the locked picture
    assert ask(0, noise(501), "https://www.old.example/unknown.png") is Trust.MISMATCH
    assert ask(0, noise(502), "https://other.example/unknown.png") is Trust.UNVERIFIED
    proven = Trust.VERIFIED if known_by == "digest" else Trust.SAME_AS_LOCKED
    assert ask(21, before[21]) is proven


def test_looks_are_no_proof_in_a_quarantined_domain(
    tmp_path: Path, noise: Callable, pictures: dict[str, bytes]
) -> None:
    lock_at(tmp_path, "https://old.example/last.jpg", pictures["tiger.jpg"], 3)
    judge = Judge(Integrity(lock=str(tmp_path)))
    assert judge.judge("https://old.example/last.jpg", None, pictures["tiger.jpg"]).trust is Trust.SAME_AS_LOCKED
    for number in range(30):
        judge.judge(f"https://old.example/{number}", md5(b"published"), noise(number))
    assert judge.judge("https://old.example/last.jpg", None, pictures["tiger.jpg"]).trust is Trust.MISMATCH


def test_rows_that_cannot_be_checked_hide_nothing(noise: Callable) -> None:
    judge = Judge(Integrity())
    for number in range(20):
        judge.judge(f"https://old.example/{number}", md5(b"published"), noise(number))
        judge.judge(f"https://old.example/unknown/{number}", None, noise(100 + number))
    assert judge.judge("https://old.example/unknown/x", None, noise(200)).trust is Trust.MISMATCH


def test_quarantined_rows_are_not_locked(tmp_path: Path, noise: Callable) -> None:
    judge = Judge(Integrity(lock=str(tmp_path)))
    for number in range(25):
        judge.judge(f"https://old.example/{number}", md5(b"published"), noise(number))
    judge.judge("https://old.example/new", None, noise(99))
    judge.close()
    assert not list(tmp_path.iterdir())


# --- the column, threads, any input


def test_a_column_that_is_no_digest_of_files_stops_the_run() -> None:
    judge = Judge(Integrity())
    for number in range(199):
        assert judge.judge(f"https://h{number}.example/", md5(b"the url"), b"%d" % number).trust is Trust.MISMATCH
    with pytest.raises(DigestColumnError, match="integrity='off'"):
        judge.judge("https://h.example/", md5(b"the url"), b"x")


def test_threads_judge_in_parallel(tmp_path: Path, noise: Callable) -> None:
    bodies = [noise(number) for number in range(30)]
    judge = Judge(Integrity(lock=str(tmp_path)))
    words: list[Trust | None] = []

    def run(start: int) -> None:
        for number in range(300):
            body = bodies[(start + number) % 30]
            url = f"https://h{number % 7}.example/{(start + number) % 30}"
            words.append(judge.judge(url, md5(body) if number % 2 else None, body).trust)

    threads = [threading.Thread(target=run, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    judge.close()
    assert len(words) == 1200
    assert set(words) == {Trust.VERIFIED, Trust.UNVERIFIED}
    table = pq.read_table(tmp_path)
    assert len(set(table["url_hash"].to_pylist())) == table.num_rows == 210


@given(st.text() | st.none(), st.text() | st.none(), st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_no_row_is_a_crash(url: str | None, digest: str | None, body: bytes) -> None:
    for mode in ("record", "require"):
        judged = Judge(Integrity(mode=mode)).judge(url, digest, body)
        assert judged.trust is Trust.UNVERIFIED
        assert (judged.refused is None) is (mode == "record")


def test_the_words_are_lower_case_and_explained() -> None:
    for trust in Trust:
        assert str(trust) == trust.value == trust.name.lower()
        assert trust.meaning
    assert os.fspath(Integrity(lock=Path("x")).lock) == "x"
