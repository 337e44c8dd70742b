"""Digests as releases publish them: ``md5:`` and 32, or ``sha256:`` and 64 hexadecimal digits, in either case.

They are of the file's bytes (Re-LAION's ``md5`` column, DataComp's ``sha256``), so a picture that was saved again never
matches. Other text is no digest: it is counted, not checked.
"""

from __future__ import annotations

import hashlib
import re
from functools import cached_property
from threading import Lock

from laion_pairs.errors import DigestColumnError

__all__ = ["FIRST_CHECKS", "DigestColumn", "FileHashes", "matches_digest"]

FIRST_CHECKS = 200
"""So many mismatches and not one match, and the column is not what it is taken for (web.md, "Integrity"): of true
digests about 15 % had changed after a year."""

_DIGEST = re.compile(r"(md5):([0-9a-f]{32})|(sha256):([0-9a-f]{64})", re.IGNORECASE | re.ASCII)


class FileHashes:
    """The hashes of a file, each computed when it is first asked for (outside the GIL, as hashlib does)."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    @cached_property
    def md5(self) -> str:
        """32 hex digits."""
        return hashlib.md5(self._body, usedforsecurity=False).hexdigest()

    @cached_property
    def sha256(self) -> str:
        """64 hex digits."""
        return hashlib.sha256(self._body).hexdigest()

    @property
    def known_sha256(self) -> str | None:
        """The sha256, if something needed it."""
        known: str | None = self.__dict__.get("sha256")
        return known


def matches_digest(digest: str, file: FileHashes) -> bool | None:
    """Whether the file has this digest; None when the text is no digest.

    >>> matches_digest("MD5:D41D8CD98F00B204E9800998ECF8427E", FileHashes(b""))
    True
    """
    found = _DIGEST.fullmatch(digest)
    if found is None:
        return None
    md5, sha256 = found[2], found[4]
    return file.md5 == md5.lower() if md5 else file.sha256 == sha256.lower()


class DigestColumn:
    """Whether a column holds digests of image files at all, learned from the first checks. Safe in threads.

    Attributes:
        malformed: number of values that are no digests.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._mismatches = 0
        self._trusted = False
        self.malformed = 0

    def check(self, digest: str, file: FileHashes) -> bool | None:
        """As :func:`matches_digest`.

        Raises:
            DigestColumnError: the first 200 checks all mismatched; from then on at every mismatch.
        """
        matches = matches_digest(digest, file)
        if matches is None:
            with self._lock:
                self.malformed += 1
            return None
        if matches or self._trusted:
            self._trusted = True
            return matches
        with self._lock:
            self._mismatches += 1
            hopeless = self._mismatches >= FIRST_CHECKS
        if hopeless and not self._trusted:
            raise DigestColumnError(
                f"The first {FIRST_CHECKS} published digests that were checked all differ from the downloaded bytes: "
                "the column is not a digest of the image files (but of URLs, of pixels, or of resized copies). "
                "Map another column to 'digest', or pass integrity='off'."
            )
        return matches
