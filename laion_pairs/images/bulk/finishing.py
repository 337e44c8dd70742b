"""From a body to what is delivered: decoded, resized, compared. Runs in threads; the heavy parts release the GIL."""

from __future__ import annotations

from contextlib import nullcontext
from threading import Lock

from laion_pairs.images.bulk.job import Downloaded, Job, Settings
from laion_pairs.images.integrity import Judge
from laion_pairs.images.pixels import check, pixel_cost, render
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = ["Finishing"]

_HEAVY_BYTES = 64 * 2**20
"""Pictures that need more than this to be decoded are decoded one at a time; a web picture needs about a tenth."""


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

    def close(self) -> None:
        """Write what the lock of pictures has learned."""
        self._judge.close()

    def _rendered(self, job: Job, body: bytes) -> Downloaded:
        settings = self._settings
        resize = settings.resize
        header = check(body, resize or settings.check, settings.policy)
        done = Downloaded(
            job.tag,
            Outcome.OK,
            format=header.format,
            original_width=header.width,
            original_height=header.height,
            changed=resize is not None,
        )
        if resize is not None:
            with self._heavy if pixel_cost(header, resize) > _HEAVY_BYTES else nullcontext():
                rendered = render(body, resize, settings.policy)
            done.pixels, done.changed = rendered.pixels, rendered.changed
            done.held_bytes = rendered.pixels.nbytes
        if resize is None or settings.keep_body:
            done.body = body
            done.held_bytes += len(body)
        return done
