"""Where every pixel of a resized picture comes from: whole numbers, from a size and a ``Resize``. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Geometry"]


@dataclass(frozen=True, slots=True)
class Geometry:
    """One resize of an upright picture, in pixels.

    The picture is scaled to ``scaled_width`` x ``scaled_height``. Of that, or around it in white, the result is
    ``width`` x ``height`` pixels: ``left`` and ``top`` are cut off when positive, added when negative.
    """

    scaled_width: int
    scaled_height: int
    left: int
    top: int
    width: int
    height: int

    @classmethod
    def untouched(cls, width: int, height: int) -> Geometry:
        """The picture as it is."""
        return cls(width, height, 0, 0, width, height)

    @classmethod
    def smaller_side(cls, width: int, height: int, size: int) -> Geometry:
        """The smaller side becomes ``size``; the other is rounded."""
        return cls.untouched(*_scaled(width, height, size, min(width, height)))

    @classmethod
    def larger_side(cls, width: int, height: int, size: int) -> Geometry:
        """The larger side becomes ``size``; the other is rounded, and stays at least one pixel."""
        return cls.untouched(*_scaled(width, height, size, max(width, height)))

    def square(self, size: int) -> Geometry:
        """The scaled picture cut to, or laid in the middle of, ``size`` x ``size`` pixels."""
        left, top = _middle(self.scaled_width, size), _middle(self.scaled_height, size)
        return Geometry(self.scaled_width, self.scaled_height, left, top, size, size)


def _scaled(width: int, height: int, size: int, side: int) -> tuple[int, int]:
    scale = size / side  # first, as img2dataset does: of two ways to round, its own
    return max(1, round(width * scale)), max(1, round(height * scale))


def _middle(scaled: int, size: int) -> int:
    """What is cut off, or as a negative number added, at the left or the top: of an odd rest, the smaller half."""
    rest = abs(scaled - size) // 2
    return rest if scaled >= size else -rest
