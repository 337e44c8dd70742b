"""How shards and samples are called: by numbers, as img2dataset calls them. Pure.

The record 34 of shard 12, of 10,000 rows, has the key ``000120034``: the shard's number in five digits, the record's in
as many as the largest of a full shard needs. More than 100,000 shards take more digits.

Keys number what was written, in the order in which it was, not the release's rows: were there a key for each row, a gap
would say which row is TAKEN_DOWN or WITHDRAWN.
"""

from __future__ import annotations

__all__ = ["sample_key", "shard_name"]

_SHARD_DIGITS = 5


def shard_name(shard: int) -> str:
    """The stem of a shard's files."""
    return f"{shard:0{_SHARD_DIGITS}d}"


def sample_key(shard: int, written: int, shard_rows: int) -> str:
    """The key of what is written to ``shard`` after ``written`` others, of ``shard_rows`` at most."""
    digits = len(str(shard_rows - 1)) if shard_rows > 1 else 0
    return shard_name(shard) + (f"{written:0{digits}d}" if digits else "")
