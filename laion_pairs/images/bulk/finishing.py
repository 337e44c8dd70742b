"""From a body to what is delivered: decoded, resized, compared. Runs in threads; the heavy parts release the GIL."""

from __future__ import annotations

from threading import Lock

from laion_pairs.images.bulk.job import Downloaded, Job, Settings
from laion_pairs.images.integrity import Judge
from laion_pairs.images.pixels import check, keep_freed_memory, render
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = ["Finishing"]


class Finishing:
    """The last step of every fetch. Thread-safe.

    Args:
        settings: what is wanted.

    Raises:
        LockError: the lock of pictures cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._judge = Judge(settings.integrity, settings.policy)
        self._heavy = Lock()
        keep_freed_memory()

    def finish(self, job: Job, body: bytes) -> Downloaded:
        """What becomes of a body that came whole.

        Raises:
            DigestColumnError: the column of digests is none.
            LockError: the lock of pictures cannot be written.
        """
        try:
            done = self._rendered(job, body)
        except Refused as refused:
            return Downloaded(job.tag, refused.outcome, refused.detail)
        judged = self._judge.judge(job.url, job.digest, body)
        if judged.refused is not None:
            return Downloaded(job.tag, judged.refused, judged.detail, trust=judged.trust, sha256=judged.sha256)
        done.trust, done.sha256 = judged.trust, judged.sha256
        return done

    @property
    def malformed_digests(self) -> int:
        """How many rows had a digest that is none, and were judged as rows without."""
        return self._judge.malformed_digests

    def close(self) -> None:
        """Write what the lock of pictures has learned."""
        self._judge.close()

    def _rendered(self, job: Job, body: bytes) -> Downloaded:
        settings = self._settings
        done = Downloaded(job.tag, Outcome.OK)
        if settings.resize is None:
            header = check(body, settings.check, settings.policy)
            done.format, done.changed = header.format, False
            done.original_width, done.original_height = header.width, header.height
        else:
            picture = render(body, settings.resize, settings.policy, self._heavy)
            done.format, done.changed, done.pixels = picture.format, picture.changed, picture.pixels
            done.original_width, done.original_height = picture.original_width, picture.original_height
            done.held_bytes = picture.pixels.nbytes
        if settings.resize is None or settings.keep_body:
            done.body = body
            done.held_bytes += len(body)
        return done
