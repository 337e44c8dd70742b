"""Digests as releases publish them: ``md5:`` and 32, or ``sha256:`` and 64 hexadecimal digits, in either case.

They are of the file's bytes (Re-LAION's ``md5`` column, DataComp's ``sha256``), so a file that was saved again never
matches. Other text is no digest: it can be counted, not checked.
"""

from __future__ import annotations

import hashlib
import re
from threading import Lock

from laion_pairs.errors import DigestColumnError

__all__ = ["FIRST_CHECKS", "DigestColumn", "matches_digest"]

FIRST_CHECKS = 200
"""So many mismatches and nothing else, and the column is not what it is taken for (img2dataset's
``--verify_hash`` finds about 15 % of such pairs changed: that 200 of them all did by chance does not happen)."""

_DIGEST = re.compile(r"(md5):([0-9a-f]{32})|(sha256):([0-9a-f]{64})", re.IGNORECASE | re.ASCII)


def matches_digest(digest: str, body: bytes) -> bool | None:
    """Whether ``body`` has this digest; None when the text is no digest.

    >>> matches_digest("MD5:D41D8CD98F00B204E9800998ECF8427E", b"")
    True
    """
    found = _DIGEST.fullmatch(digest)
    if found is None:
        return None
    if found[1] is not None:
        return hashlib.md5(body, usedforsecurity=False).hexdigest() == found[2].lower()
    return hashlib.sha256(body).hexdigest() == found[4].lower()


class DigestColumn:
    """Whether a column holds digests of image files at all, learned from the first checks. Safe in threads.

    Attributes:
        malformed: number of values that are no digests.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._checked = 0
        self._matched = False
        self.malformed = 0

    def check(self, digest: str, body: bytes) -> bool | None:
        """As :func:`matches_digest`.

        Raises:
            DigestColumnError: the first 200 checks all mismatched; and again at every check after that.
        """
        matches = matches_digest(digest, body)
        if self._matched and matches is not None:
            return matches
        with self._lock:
            if matches is None:
                self.malformed += 1
                return None
            self._matched = self._matched or matches
            self._checked += 1
            hopeless = not self._matched and self._checked >= FIRST_CHECKS
        if hopeless:
            raise DigestColumnError(
                f"The first {FIRST_CHECKS} published digests that were checked all differ from the downloaded bytes: "
                "the column is not a digest of the image files (but of URLs, of pixels, or of resized copies). "
                "Map another column to 'digest', or pass integrity='off'."
            )
        return matches
