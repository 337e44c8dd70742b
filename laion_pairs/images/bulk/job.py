"""What goes into a bulk download and what comes out: one `Job` a row, one `Downloaded` for each, under `Settings`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laion_pairs.errors import PolicyError
from laion_pairs.images.integrity import Integrity, Trust
from laion_pairs.images.pixels import Resize
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.ledger import Outcome

__all__ = ["Downloaded", "Job", "Settings"]

_WEB_FILE_BYTES, _WEB_PICTURE_BYTES = 100_000, 2_000_000  # a generous mean of web pictures: 0.4 megapixels or so


@dataclass(slots=True)
class Job:
    """One image to fetch.

    Attributes:
        url: as the row has it.
        digest: as published, ``md5:…`` or ``sha256:…``; None where there is none.
        stored: the image file, where it lies in the row: no request is made.
        withdrawn: the withdrawn release that the row comes from: no request is made.
        tag: the caller's own; comes back untouched.
    """

    url: str | None
    digest: str | None = None
    stored: bytes | None = None
    withdrawn: str | None = None
    tag: Any = None


@dataclass(slots=True)
class Downloaded:
    """How one job ended. ``TAKEN_DOWN`` and ``WITHDRAWN`` carry nothing that names the image.

    Attributes:
        tag: the job's.
        outcome: one of the closed list.
        detail: one sentence; never text that a host sent.
        body: the file as the host sent it, when ``OK`` and kept (:class:`Settings`).
        pixels: uint8, (height, width, 3), RGB, when ``OK`` and resized.
        changed: whether the pixels differ from what the file shows.
        format: of the file; ``original_width`` and ``original_height`` in pixels, as its header says.
        trust: integrity's word; None when that is off, or not ``OK``.
        sha256: of the file, in hex, where integrity needed it.
        tries: how often the image was asked for.
        held_bytes: what this holds of the policy's ``max_bytes_in_flight``, until it is taken.
    """

    tag: Any
    outcome: Outcome
    detail: str = ""
    body: bytes | None = field(default=None, repr=False)
    pixels: NDArray[np.uint8] | None = field(default=None, repr=False)
    changed: bool = True
    format: str | None = None
    original_width: int | None = None
    original_height: int | None = None
    trust: Trust | None = None
    sha256: str | None = None
    tries: int = 1
    held_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is the same for all jobs of one download; a wrong value is a :class:`PolicyError`.

    Args:
        policy: limits and manners.
        resize: the pixels that are wanted; None for the file's bytes, whose header is judged by ``check``.
        check: the sizes that are wanted where ``resize`` is None.
        keep_body: give the file's bytes beside the pixels.
        concurrency: requests in flight at most.
        takedown: paths of takedown lists; those that the user and the machine have configured are added.
        integrity: what the files are compared with.
        ledger: where the counts of this download go.
    """

    policy: DownloadPolicy = field(default_factory=DownloadPolicy)
    resize: Resize | None = None
    check: Resize = field(default_factory=lambda: Resize(mode="no"))
    keep_body: bool = False
    concurrency: int = 256
    takedown: tuple[str, ...] = ()
    integrity: Integrity = field(default_factory=Integrity)
    ledger: str | None = None

    @property
    def typical_bytes(self) -> int:
        """What one image takes in memory, roughly, before any was seen: its pixels, or a web picture's file."""
        if self.resize is None:
            return _WEB_FILE_BYTES
        body = _WEB_FILE_BYTES if self.keep_body else 0
        return body + (_WEB_PICTURE_BYTES if self.resize.mode == "no" else 4 * self.resize.size**2)

    def __post_init__(self) -> None:
        if not isinstance(self.policy, DownloadPolicy):
            raise PolicyError(f"policy must be a DownloadPolicy, got {self.policy!r}")
        if not isinstance(self.concurrency, int) or isinstance(self.concurrency, bool) or self.concurrency < 1:
            raise PolicyError(f"concurrency must be a whole number of at least 1, got {self.concurrency!r}")
