"""Which source gives the next row: drawn by weight, any draw without those before it. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laion_pairs.errors import PolicyError
from laion_pairs.streams.chance import fractions

__all__ = ["DRAWS", "checked_weights", "draw_sources"]

DRAWS = 1024
"""Draws that are made at once, a run. Runs begin at multiples of it, so that they are the same after a resume."""


def draw_sources(purpose: str, first: int, weights: Sequence[float], ended: Collection[int]) -> NDArray[np.int64]:
    """The sources of draw number ``first`` and those after it, up to the end of the run, by their numbers.

    Args:
        weights: of all sources.
        ended: sources that have no rows left; the others keep their proportions. One of a weight must be left.
    """
    run, begin = divmod(first, DRAWS)
    left = np.array([0.0 if source in ended else weight for source, weight in enumerate(weights)])
    upper = np.cumsum(left / left.sum())
    upper[np.flatnonzero(left)[-1] :] = 1.0  # whatever the sum was rounded to
    return np.searchsorted(upper, fractions(f"{purpose} run={run}", DRAWS)[begin:], side="right")


def checked_weights(weights: Any, n_sources: int) -> tuple[float, ...]:
    """One weight a source; equal ones for None.

    Raises:
        PolicyError: they are not as many as the sources, one is negative or no number, or none is above 0.
    """
    if weights is None:
        return (1.0,) * n_sources
    try:
        checked = tuple(float(weight) for weight in weights)
    except (TypeError, ValueError):
        raise PolicyError(f"weights must be numbers, one for each dataset, got {weights!r}.") from None
    if len(checked) != n_sources:
        raise PolicyError(f"weights must be one for each of the {n_sources} datasets, got {len(checked)}.")
    if not all(math.isfinite(weight) and weight >= 0 for weight in checked) or not any(checked):
        raise PolicyError(f"weights must be numbers from 0 on, and one of them above 0, got {list(checked)}.")
    return checked
