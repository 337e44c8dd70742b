"""From a body's bytes to pixels of the wanted size, and from pixels to a file's bytes. Opens no connection.

``render`` decodes and resizes, ``check`` judges the header alone, ``encode`` writes a file, ``pixel_cost`` bounds the
memory that ``render`` needs. What is wanted is said once, as a ``Resize``.
"""

from laion_pairs.images.pixels.encode import ENCODINGS, encode
from laion_pairs.images.pixels.header import check
from laion_pairs.images.pixels.memory import keep_freed_memory, pixel_cost
from laion_pairs.images.pixels.render import Rendered, render
from laion_pairs.images.pixels.resize import RESIZE_MODES, Resize

__all__ = [
    "ENCODINGS",
    "RESIZE_MODES",
    "Rendered",
    "Resize",
    "check",
    "encode",
    "keep_freed_memory",
    "pixel_cost",
    "render",
]
