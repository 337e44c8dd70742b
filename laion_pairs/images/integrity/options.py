"""What is checked and what is dropped, as one frozen object. Opens nothing.

==================  =======  ==========  ==========  ===========
delivered, when     ``off``  ``record``  ``prefer``  ``require``
==================  =======  ==========  ==========  ===========
``verified``        \\-       yes         yes         yes
``same_as_locked``  \\-       yes         yes         yes
``edited``          \\-       yes         yes         no
``unverified``      \\-       yes         yes         no
``mismatch``        \\-       yes         no          no
``placeholder``     \\-       yes         no          no
==================  =======  ==========  ==========  ===========

``off`` computes nothing and delivers everything, without a word. ``record``, the default, puts the word on the row and
drops nothing. What is not delivered ends as ``DIGEST_MISMATCH``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, get_args

from laion_pairs.errors import PolicyError
from laion_pairs.images.integrity.trust import Trust

__all__ = ["INTEGRITY_MODES", "Integrity", "IntegrityMode"]

IntegrityMode = Literal["off", "record", "prefer", "require"]
INTEGRITY_MODES: tuple[IntegrityMode, ...] = get_args(IntegrityMode)

_PROVEN = frozenset({Trust.VERIFIED, Trust.SAME_AS_LOCKED})
_DELIVERED = {
    "off": frozenset(Trust),
    "record": frozenset(Trust),
    "prefer": _PROVEN | {Trust.EDITED, Trust.UNVERIFIED},
    "require": _PROVEN,
}


@dataclass(frozen=True, kw_only=True)
class Integrity:
    """What is checked and what is dropped. A wrong value is a :class:`PolicyError`.

    Args:
        mode (str): one of ``INTEGRITY_MODES``; their meaning is in this module's table.
        lock (str | None): the lock that pictures are compared with and that new ones are added to: a directory, made
            when it is not there, or a single parquet file, which is only read.
    """

    mode: IntegrityMode = "record"
    lock: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in INTEGRITY_MODES:
            raise PolicyError(f"integrity must be one of {', '.join(INTEGRITY_MODES)}, got {self.mode!r}")
        if self.lock is None:
            return
        if not isinstance(self.lock, (str, os.PathLike)) or not os.fspath(self.lock):
            raise PolicyError(f"lock must be the path of a lock, or None, got {self.lock!r}")
        object.__setattr__(self, "lock", os.fspath(self.lock))
        if self.mode == "off":
            raise PolicyError("integrity='off' compares nothing, so a lock has no use; leave one of the two out")

    def delivers(self, trust: Trust) -> bool:
        """Whether a row with this word is delivered."""
        return trust in _DELIVERED[self.mode]
