"""How a picture must be turned to stand upright, from its EXIF block. Pure.

Read by hand, and only the one tag: Pillow reads every tag of the block, and on some of its versions a few kilobytes
whose tags all point at the same bytes become gigabytes.
"""

from __future__ import annotations

import struct

__all__ = ["UPRIGHT", "read_orientation"]

UPRIGHT = 1

_TAG, _SHORT = 0x0112, 3
_BYTE_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}


def read_orientation(exif: bytes | None) -> int:
    """The ``Orientation`` (1 to 8) of an EXIF block; ``UPRIGHT`` where it has none or cannot be read."""
    block = (exif or b"").removeprefix(b"Exif\x00\x00")
    order = _BYTE_ORDERS.get(block[:4])
    if order is None or len(block) < 8:
        return UPRIGHT
    (start,) = struct.unpack_from(f"{order}L", block, 4)
    entries = memoryview(block)[start + 2 :]
    (count,) = struct.unpack_from(f"{order}H", block, start) if start + 2 <= len(block) else (0,)
    for at in range(0, min(count * 12, len(entries) // 12 * 12), 12):
        tag, kind, values, value = struct.unpack_from(f"{order}HHLH", entries, at)
        if (tag, kind, values) == (_TAG, _SHORT, 1):
            return int(value) if 1 <= value <= 8 else UPRIGHT
    return UPRIGHT
