"""The words for how far a picture can be trusted to be the one that was meant, and the answer that carries one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from laion_pairs.ledger import Outcome

__all__ = ["Judged", "Trust"]


class Trust(str, Enum):
    """Whether the bytes are the ones that were meant. ``Trust("edited")``, ``trust.value``, ``trust.meaning``.

    Only an exact digest makes ``VERIFIED``: a picture with a wanted perceptual hash can be made on purpose (arXiv
    2011.09473).
    """

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Trust:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    VERIFIED = ("verified", "the bytes have the digest that the release publishes")
    SAME_AS_LOCKED = ("same_as_locked", "the lock has the same bytes, or a picture that looks the same")
    EDITED = ("edited", "the lock has a picture that looks much like this one")
    UNVERIFIED = ("unverified", "nothing is known that it could be compared with")
    MISMATCH = ("mismatch", "other bytes than published, another picture than locked, or a quarantined domain")
    PLACEHOLDER = ("placeholder", "the host answers many different URLs with these same bytes")

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of one picture.

    Attributes:
        trust: the word for the row; None when the mode is ``off``.
        refused: ``DIGEST_MISMATCH`` when the mode does not deliver such a row; else None.
        detail: one sentence where the word is not a good one; names no URL and no host.
        sha256: 64 hex digits, only where it was needed.
    """

    trust: Trust | None
    refused: Outcome | None = None
    detail: str = ""
    sha256: str | None = None
