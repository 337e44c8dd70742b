"""What one fetch brought back: the outcome, and on ``OK`` the bytes and what their header says."""

from __future__ import annotations

from dataclasses import dataclass, field

from laion_pairs.ledger import Outcome

__all__ = ["Fetched"]


@dataclass(frozen=True)
class Fetched:
    """How one fetch ended. Has no truth value of its own beyond Python's: ask ``.ok`` or ``.outcome``.

    Attributes:
        outcome: one of the closed list :class:`laion_pairs.ledger.Outcome`.
        url: as it was asked for; ``""`` when the outcome is ``TAKEN_DOWN``, so that no log lists such links.
        final_url: the last URL that a request was made for, after redirects, also when its address was refused; None
            when there was none, or when ``TAKEN_DOWN``.
        status: the HTTP status of the last answer; None when there was none.
        body: the image file's bytes, a ``Content-Encoding`` undone; None unless ``OK``.
        format: ``"JPEG"``, ``"PNG"``, ``"WEBP"``, ``"GIF"`` or ``"BMP"``, by the bytes; None unless ``OK``.
        width, height: pixels as the file's header says, before EXIF rotation; None unless ``OK``.
        detail: one sentence on what happened; never text that the host sent.
        redirects: how many were followed.
        elapsed_s: wall clock, in seconds.
    """

    outcome: Outcome
    url: str
    final_url: str | None = None
    status: int | None = None
    body: bytes | None = field(default=None, repr=False)
    format: str | None = None
    width: int | None = None
    height: int | None = None
    detail: str = ""
    redirects: int = 0
    elapsed_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the image is here."""
        return self.outcome is Outcome.OK
