"""Published digests: what matches, what is none, and when a column holds none at all."""

from __future__ import annotations

import hashlib
import threading
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.errors import DigestColumnError
from laion_pairs.images.integrity.digests import DigestColumn, FileHashes, matches_digest

BODY = b"the file"
MD5, SHA256 = hashlib.md5(BODY).hexdigest(), hashlib.sha256(BODY).hexdigest()

TABLE = [
    (f"md5:{MD5}", True),
    (f"MD5:{MD5.upper()}", True),
    (f"sha256:{SHA256}", True),
    (f"Sha256:{SHA256.upper()}", True),
    (f"md5:{'0' * 32}", False),
    (f"sha256:{'0' * 64}", False),
    (f"md5:{SHA256}", None),
    (f"sha256:{MD5}", None),
    (MD5, None),
    (f"md5:{MD5}\n", None),
    (f" md5:{MD5}", None),
    (f"sha1:{'0' * 40}", None),
    (f"md5:{'g' * 32}", None),
    (f"md5:{'٣' * 32}", None),  # digits, but not hexadecimal ones
    ("md5:", None),
    ("", None),
]


@pytest.mark.parametrize(("digest", "matches"), TABLE)
def test_what_matches(digest: str, matches: bool | None) -> None:
    assert matches_digest(digest, FileHashes(BODY)) is matches


@given(st.text(), st.binary(max_size=100))
def test_no_text_is_a_crash(digest: str, body: bytes) -> None:
    column = DigestColumn()
    assert column.check(digest, FileHashes(body)) is None
    assert column.malformed == 1


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_only_the_bytes_match(body: bytes, other: bytes) -> None:
    for name in ("md5", "sha256"):
        digest = f"{name}:{hashlib.new(name, body).hexdigest()}"
        assert matches_digest(digest, FileHashes(other)) is (body == other)


def test_a_hash_is_computed_when_it_is_needed() -> None:
    file = FileHashes(BODY)
    matches_digest(f"md5:{MD5}", file)
    assert file.known_sha256 is None
    matches_digest(f"sha256:{SHA256}", file)
    assert file.known_sha256 == SHA256


WRONG, RIGHT = f"md5:{'0' * 32}", f"md5:{MD5}"


@pytest.mark.parametrize(
    ("before", "stops"),
    [
        ([], True),
        ([RIGHT], False),
        ([WRONG] * 199 + [RIGHT], False),
        (["md5:none"] * 500, True),  # what is no digest was not checked
    ],
    ids=["200 mismatches", "the first matches", "the 200th matches", "malformed"],
)
def test_a_column_of_something_else_stops_the_run(before: list[str], stops: bool) -> None:
    column, file = DigestColumn(), FileHashes(BODY)
    for digest in before:
        column.check(digest, file)
    for _ in range(199):
        assert column.check(WRONG, file) is False
    for _ in range(2):
        with pytest.raises(DigestColumnError, match="not a digest of the image files") if stops else nullcontext():
            column.check(WRONG, file)


def test_threads_count_together() -> None:
    column, file, stopped = DigestColumn(), FileHashes(BODY), []

    def check() -> None:
        try:
            for _ in range(60):
                column.check(WRONG, file)
        except DigestColumnError:
            stopped.append(True)

    threads = [threading.Thread(target=check) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stopped
