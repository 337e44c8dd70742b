"""What size pictures shall have: the modes that img2dataset's users know, as one frozen object. Pure.

With ``size`` = s, and the sides of the upright picture:

======================  ===========================================  =================  =========================
mode                    result                                       its size           also scales up, where
======================  ===========================================  =================  =========================
``no``                  the picture as it is                         as it was          never
``keep_ratio``          the smaller side becomes s                   s x (s or more)    the smaller side is below
``center_crop``         the same, then its middle                    s x s              the smaller side is below
``keep_ratio_largest``  the larger side becomes s                    s x (s or less)    the larger side is below
``border``              the same, in the middle of a white square    s x s              the larger side is below
======================  ===========================================  =================  =========================

The side that is not set is rounded, and has at least one pixel. With ``only_if_bigger``, a picture whose deciding side
is s or less is left as it is: not scaled, and not cropped or bordered either. All of this as img2dataset 1.47 does it,
but that a camera's picture is turned upright first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from laion_pairs.errors import PolicyError
from laion_pairs.images.pixels.geometry import Geometry

__all__ = ["RESIZE_MODES", "Resize", "ResizeMode"]

ResizeMode = Literal["no", "border", "keep_ratio", "keep_ratio_largest", "center_crop"]
RESIZE_MODES: tuple[ResizeMode, ...] = get_args(ResizeMode)

_LARGEST_SIZE = 16_384
"""What WEBP can store (16,383) and more than any model reads; bounds what one small picture can be blown up to."""


@dataclass(frozen=True, kw_only=True)
class Resize:
    """What size pictures shall have, and which are not wanted at all. A wrong value is a :class:`PolicyError`.

    Args:
        mode (str): one of ``RESIZE_MODES``; their meaning is in this module's table.
        size (int): pixels.
        only_if_bigger (bool): leave pictures whose deciding side is ``size`` or less as they are.
        min_side_px (int): pictures whose smaller side is below end as ``TOO_SMALL``.
        max_area_px (int | None): pictures with more pixels end as ``TOO_MANY_PIXELS``.
        max_aspect_ratio (float | None): pictures with a longer shape (larger side / smaller side) end as
            ``BAD_ASPECT_RATIO``.
    """

    mode: ResizeMode = "center_crop"
    size: int = 256
    only_if_bigger: bool = False
    min_side_px: int = 0
    max_area_px: int | None = None
    max_aspect_ratio: float | None = None

    def __post_init__(self) -> None:
        if self.mode not in RESIZE_MODES:
            raise PolicyError(f"resize must be one of {', '.join(RESIZE_MODES)}, got {self.mode!r}")
        _check_count("size", self.size, 1, _LARGEST_SIZE)
        if not isinstance(self.only_if_bigger, bool):
            raise PolicyError(f"only_if_bigger must be True or False, got {self.only_if_bigger!r}")
        _check_count("min_side_px", self.min_side_px, 0)
        if self.max_area_px is not None:
            _check_count("max_area_px", self.max_area_px, 1)
        ratio = self.max_aspect_ratio
        if ratio is not None and not (_is_number(ratio) and math.isfinite(ratio) and ratio >= 1):
            raise PolicyError(f"max_aspect_ratio must be a number of at least 1, or None, got {ratio!r}")

    def geometry(self, width: int, height: int) -> Geometry:
        """What becomes of an upright picture of ``width`` x ``height`` pixels."""
        if self.mode == "no":
            return Geometry.untouched(width, height)
        smaller = self.mode in ("keep_ratio", "center_crop")
        if self.only_if_bigger and (min if smaller else max)(width, height) <= self.size:
            return Geometry.untouched(width, height)
        scaled = (Geometry.smaller_side if smaller else Geometry.larger_side)(width, height, self.size)
        return scaled.square(self.size) if self.mode in ("center_crop", "border") else scaled


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_count(name: str, value: object, least: int, most: int | None = None) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):  # type: ignore[operator]
        bound = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise PolicyError(f"{name} must be a whole number {bound}, got {value!r}")
