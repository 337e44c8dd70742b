"""Random numbers that depend on what they are for and on nothing else: in any process, at any place of a stream.

What they are for is a text, ``"seed=0 part=1/4 window=17"``, so a resumed stream needs no generator's state to go on
with. They are the raw output of numpy's Philox, a counter-based generator whose stream numpy promises to keep (NEP 19;
that of ``Generator.permutation`` and ``Generator.choice`` it does not), so a checkpoint survives an upgrade. Pure.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["fractions", "generator", "permutation"]

KEY_BYTES = 16
"""Philox-4x64's key."""


def permutation(purpose: str, count: int) -> NDArray[np.int64]:
    """The numbers from 0 to ``count - 1``, each once, in a random order."""
    return np.argsort(_numbers(purpose, count), kind="stable")


def fractions(purpose: str, count: int) -> NDArray[np.float64]:
    """Random fractions, evenly spread over [0, 1): the upper 53 bits of each number, which is what a float holds."""
    fractions: NDArray[np.float64] = (_numbers(purpose, count) >> np.uint64(11)) * 2.0**-53
    return fractions


def generator(purpose: str) -> np.random.Generator:
    """A generator as `datasets` asks for to order shards."""
    return np.random.default_rng(_key(purpose))


def _numbers(purpose: str, count: int) -> NDArray[np.uint64]:
    numbers: NDArray[np.uint64] = np.random.Philox(key=_key(purpose)).random_raw(count)
    return numbers


def _key(purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:KEY_BYTES], "little")
