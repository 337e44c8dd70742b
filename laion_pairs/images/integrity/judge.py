"""Every check on one picture as one answer. One judge for each engine; its threads call it in parallel.

What is asked first decides:

1. the published digest matches: ``VERIFIED``, whatever else;
2. the file is a known placeholder of its domain: ``PLACEHOLDER``;
3. the lock has the URL: with the same bytes ``SAME_AS_LOCKED``; by the distance of the perceptual hashes
   ``SAME_AS_LOCKED``, ``EDITED`` or ``MISMATCH``. So a picture that was only saved again passes though its digest does
   not match, if the lock has it;
4. the published digest does not match: ``MISMATCH``; there is none: ``UNVERIFIED``.

In a quarantined domain, what looks the same is ``MISMATCH`` too: only the very bytes of the digest or the lock pass.

A lock learns what was delivered and contradicted by nothing: ``VERIFIED`` and ``UNVERIFIED`` rows it does not have.
So it cannot turn a mismatch of one run into the truth of the next.
"""

from __future__ import annotations

from laion_pairs.images.integrity.digests import DigestColumn, FileHashes
from laion_pairs.images.integrity.domains import Domains, Site, site_of
from laion_pairs.images.integrity.lock import PictureLock
from laion_pairs.images.integrity.lock_index import Locked
from laion_pairs.images.integrity.options import Integrity
from laion_pairs.images.integrity.phash import EDITED_BITS, SAME_BITS, bits_apart, phash, render_small
from laion_pairs.images.integrity.placeholders import Placeholders
from laion_pairs.images.integrity.trust import Judged, Trust
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome
from laion_pairs.takedown.keys import address_of, hash_text

__all__ = ["Judge"]


class Judge:
    """Says of pictures how far they can be trusted. Safe in threads; not to be carried over a fork.

    Args:
        integrity: what is checked and what is dropped.
        policy: the limits under which a picture is decoded for its perceptual hash.

    Raises:
        LockError: the lock cannot be read, or the mode is ``require`` and there is none at its path.
    """

    def __init__(self, integrity: Integrity, policy: DownloadPolicy | None = None) -> None:
        self._integrity = integrity
        self._policy = policy or DownloadPolicy()
        self._digests = DigestColumn()
        self._domains = Domains()
        self._placeholders = Placeholders(self._policy)
        self._lock = (
            None if integrity.lock is None else PictureLock(integrity.lock, must_exist=integrity.mode == "require")
        )

    @property
    def malformed_digests(self) -> int:
        """How many rows had a digest that is none; they are judged as rows without."""
        return self._digests.malformed

    def judge(self, url: str | None, digest: str | None, body: bytes) -> Judged:
        """The word for one picture that was fetched whole.

        Never to be called for a row that is TAKEN_DOWN or WITHDRAWN: what is judged may be written into the lock.

        Args:
            url: as the row has it; None for bytes that have no URL, which can be compared with a digest only.
            digest: as published, ``md5:…`` or ``sha256:…``.
            body: the file.

        Raises:
            DigestColumnError: the first 200 digests all mismatched.
            LockError: the lock cannot be written.
        """
        if self._integrity.mode == "off":
            return Judged(None)
        file = FileHashes(body)
        matches = None if digest is None else self._digests.check(digest, file)
        if url is None:
            return self._answer(_by_digest(matches), file)
        address = url if self._lock is None else address_of(url)  # a lock is compared with other runs' spellings
        url_hash = hash_text(address)
        trust = self._compare(url_hash, site_of(address), matches, file, body)
        answer = self._answer(trust, file)
        if self._lock is not None and answer.refused is None and trust in (Trust.VERIFIED, Trust.UNVERIFIED):
            self._learn(url_hash, file, body)
        return answer

    def close(self) -> None:
        """Write what the lock learned."""
        if self._lock is not None:
            self._lock.close()

    def _compare(self, url_hash: int, site: Site, matches: bool | None, file: FileHashes, body: bytes) -> Trust:
        quarantined = self._domains.quarantined(site)
        placeholder = self._placeholders.sees(site.domain, url_hash, body)
        locked = self._lock.find(url_hash) if self._lock is not None and not matches else None
        exact = bool(matches) or (locked is not None and locked.sha256.hex() == file.sha256)
        if matches:
            trust = Trust.VERIFIED
        elif exact:
            trust = Trust.SAME_AS_LOCKED
        elif locked is not None:
            trust = self._by_looks(locked, body)
        else:
            trust = _by_digest(matches)
        if trust is not Trust.UNVERIFIED:
            self._domains.count(site, mismatch=trust is Trust.MISMATCH)
        if placeholder and not matches:
            return Trust.PLACEHOLDER
        return Trust.MISMATCH if quarantined and not exact else trust

    def _by_looks(self, locked: Locked, body: bytes) -> Trust:
        try:
            apart = bits_apart(locked.phash, phash(render_small(body, self._policy).pixels))
        except Refused:  # delivered as bytes, and does not decode
            return Trust.MISMATCH
        if apart > EDITED_BITS:
            return Trust.MISMATCH
        return Trust.SAME_AS_LOCKED if apart <= SAME_BITS else Trust.EDITED

    def _learn(self, url_hash: int, file: FileHashes, body: bytes) -> None:
        if self._lock is None or not self._lock.wants(url_hash):
            return
        try:
            small = render_small(body, self._policy)
        except Refused:  # as above: what has no looks is not locked
            return
        self._lock.add(
            url_hash=url_hash,
            sha256=bytes.fromhex(file.sha256),
            phash=phash(small.pixels),
            width=small.original_width,
            height=small.original_height,
            n_bytes=len(body),
        )

    def _answer(self, trust: Trust, file: FileHashes) -> Judged:
        delivered = self._integrity.delivers(trust)
        return Judged(
            trust,
            None if delivered else Outcome.DIGEST_MISMATCH,
            "" if delivered else f"integrity={self._integrity.mode!r} does not deliver it: {trust.meaning}.",
            file.known_sha256,
        )


def _by_digest(matches: bool | None) -> Trust:
    return {True: Trust.VERIFIED, False: Trust.MISMATCH, None: Trust.UNVERIFIED}[matches]
