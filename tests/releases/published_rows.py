"""For every published schema: a few rows as published, and the canonical rows that they are. Typed by hand.

``CASES`` is data for tests of the mapping and of everything above it. Expected rows are in the order of the canonical
columns; ``similarity=0.31`` stands for the float32 nearest to it. Nothing here is produced by the code under test.
"""

from __future__ import annotations

from releases.published_case import Case, U, murmur
from releases.published_laion import CASES as LAION_CASES
from releases.published_laion import S1, S2M, S5, S8, S10
from releases.published_sisters import CASES as SISTER_CASES
from releases.published_sisters import S14, S16, S17

__all__ = ["CASES", "S1", "S2M", "S5", "S8", "S10", "S14", "S16", "S17", "Case", "U", "murmur"]

CASES: list[Case] = [*LAION_CASES, *SISTER_CASES]
