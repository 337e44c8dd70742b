"""How shards and samples are called: by numbers, as img2dataset calls them. Pure.

Shard 12 of 10,000 rows is ``00012``; its row 34 has the key ``000120034``: the shard's number in five digits, the row's
in as many as the largest row of a full shard needs. More than 100,000 shards take more digits.
"""

from __future__ import annotations

__all__ = ["sample_key", "shard_name"]

_SHARD_DIGITS = 5


def shard_name(shard: int) -> str:
    """The stem of a shard's files."""
    return f"{shard:0{_SHARD_DIGITS}d}"


def sample_key(index: int, shard_rows: int) -> str:
    """The key of row ``index`` of the whole stream."""
    shard, row = divmod(index, shard_rows)
    digits = len(str(shard_rows - 1)) if shard_rows > 1 else 0
    return shard_name(shard) + (f"{row:0{digits}d}" if digits else "")
