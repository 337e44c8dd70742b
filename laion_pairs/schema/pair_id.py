"""The identity of a pair: LAION's own hash of its URL and its caption.

``mmh3.hash64(((url or "") + (text or "")).encode("utf-8"))[0]``: the first signed 64-bit word of MurmurHash3 x64-128,
seed 0 (LAION's laion-prepro, ``laion5B/safety/compute_hashes.py``). The published ``hash`` columns hold the same
number, over the original URL and alt text. It is not unique: duplicates share it.
"""

from __future__ import annotations

import mmh3
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["pair_ids"]


def pair_ids(url: pa.Array | pa.ChunkedArray, caption: pa.Array | pa.ChunkedArray) -> pa.Int64Array:
    """Return LAION's hash of each row's url and caption; a null counts as the empty string, so no result is null.

    ``url`` and ``caption`` are string arrays of one length. Concatenation and UTF-8 are Arrow's; Python makes one
    C call a row.
    """
    joined = pc.binary_join_element_wise(_without_nulls(url), _without_nulls(caption), pa.scalar("", pa.large_string()))
    if isinstance(joined, pa.ChunkedArray):
        joined = joined.combine_chunks()
    keys = joined.cast(pa.large_binary()).to_pylist()
    words = np.frombuffer(b"".join(map(mmh3.hash_bytes, keys)), dtype="<i8")
    return pa.array(words[::2], pa.int64())


def _without_nulls(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """``text`` as 64-bit-offset strings (the concatenation of a batch may pass 2 GiB), nulls as the empty string."""
    return pc.fill_null(text.cast(pa.large_string()), "")
