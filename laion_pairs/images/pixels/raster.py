"""A decoded picture on its way to its size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Raster"]


@dataclass(frozen=True, slots=True)
class Raster:
    """Upright RGB pixels, and how much of them is picture.

    Attributes:
        pixels: uint8, (rows, columns, 3); a view will do.
        width, height: the picture's, in columns and rows from the left upper corner. A JPEG decoded at a half, a
            quarter or an eighth may end within its last column and row: there, these are fractions.
    """

    pixels: NDArray[np.uint8]
    width: float
    height: float
