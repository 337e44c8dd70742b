"""Every check on one picture as one answer. One judge for each engine; threads call it in parallel."""

from __future__ import annotations

from laion_pairs.images.integrity.digests import DigestColumn
from laion_pairs.images.integrity.options import Integrity
from laion_pairs.images.integrity.trust import Judged, Trust
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.ledger import Outcome

__all__ = ["Judge"]


class Judge:
    """Says of pictures how far they can be trusted. Safe in threads; not to be carried over a fork.

    Args:
        integrity: what is checked and what is dropped.
        policy: the limits under which a picture is decoded for its perceptual hash.
    """

    def __init__(self, integrity: Integrity, policy: DownloadPolicy | None = None) -> None:
        self._integrity = integrity
        self._policy = policy or DownloadPolicy()
        self._digests = DigestColumn()

    @property
    def malformed_digests(self) -> int:
        """How many rows had a digest that is none; they count as rows without."""
        return self._digests.malformed

    def judge(self, url: str, digest: str | None, body: bytes) -> Judged:
        """The word for one picture that was fetched whole and is an image.

        Never to be called for a row that is TAKEN_DOWN or WITHDRAWN: what is judged may be written into the lock.

        Args:
            url: as the row has it.
            digest: as published, ``md5:…`` or ``sha256:…``.
            body: the file.

        Raises:
            DigestColumnError: the first 200 digests all mismatched.
            LockError: the lock cannot be written.
        """
        if self._integrity.mode == "off":
            return Judged(None)
        matches = None if digest is None else self._digests.check(digest, body)
        trust = {True: Trust.VERIFIED, False: Trust.MISMATCH, None: Trust.UNVERIFIED}[matches]
        refused = None if self._integrity.delivers(trust) else Outcome.DIGEST_MISMATCH
        return Judged(trust, refused)

    def close(self) -> None:
        """Write what the lock learned."""
