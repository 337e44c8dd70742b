"""A shard as LAION's of pairs with tags: eight columns, made-up URLs and captions of realistic lengths and entropy.

    python benchmarks/stream_shard.py [--rows 1000000] [--row-group-rows 1000000]     # makes it, and says where it is

Its columns are those of S2 (`laion_schemas.py`). The raw LAION-400M's, as many, are only read with a warning, as data
that was withdrawn, and not from everywhere. A million rows take about ten seconds and 150 MB with snappy, seeded.
Links end in `.invalid`: nobody can be dialled by mistake.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from corpus import default_cache

__all__ = ["cached_shard", "make_shard"]

SEED = 400
#: Rows are made by blocks, each from a seed of its own, so that the first rows are the same in a longer file.
_BLOCK_ROWS = 100_000
_WORDS, _HOSTS = 30_000, 50_000
#: Two letters each, so that words of one to four have the lengths of a language's.
_SYLLABLES = [consonant + vowel for consonant in "bcdfghklmnprstvwz" for vowel in "aeiou"]


def make_shard(path: Path, rows: int, row_group_rows: int, codec: str = "snappy") -> None:
    """Write ``rows`` rows to ``path`` with pyarrow's defaults, in row groups of ``row_group_rows``.

    The file is there when it is whole. The same arguments and library versions give the same bytes.
    """
    words, hosts = _vocabulary(_WORDS, SEED), _hosts()
    starts = range(0, rows, _BLOCK_ROWS)
    blocks = [_block(start, min(_BLOCK_ROWS, rows - start), words, hosts) for start in starts]
    unfinished = path.with_name(f"unfinished-{os.getpid()}-{path.name}")
    try:
        pq.write_table(pa.concat_tables(blocks), unfinished, row_group_size=row_group_rows, compression=codec)
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)


def cached_shard(cache: Path, rows: int, row_group_rows: int) -> Path:
    """The shard under ``cache``, made now if it is not there."""
    path = cache / f"stream-{rows}-{row_group_rows}.parquet"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        make_shard(path, rows, row_group_rows)
    return path


def _block(start: int, rows: int, words: pa.Array, hosts: pa.Array) -> pa.Table:
    random = np.random.default_rng((SEED, start))
    # alt texts: 60 characters at the median, a long tail to 300
    lengths = np.clip(random.lognormal(2.4, 0.6, rows), 1, 60).astype(np.int32)
    captions = _sentences(words, lengths, " ", random)
    slugs = _sentences(words, random.integers(1, 7, rows), "-", random)
    urls = pc.binary_join_element_wise(
        _chosen(("https://", "http://"), (0.75, 0.25), rows, random),
        hosts.take(pa.array(_zipf(_HOSTS, 0.7, rows, random))),
        _chosen(
            ("/wp-content/uploads/", "/images/", "/media/catalog/product/", "/"), (0.3, 0.3, 0.15, 0.25), rows, random
        ),
        slugs,
        "-",
        _hex(rows, random),
        _chosen((".jpg", "_640x480.jpg", ".png", ".jpeg", "?w=1000"), (0.65, 0.1, 0.1, 0.1, 0.05), rows, random),
        "",
    )
    sides = np.clip(random.lognormal(6.2, 0.6, (2, rows)), 64, 8000).astype(np.int32)
    # CLIP's cosine was cut at 0.3, and computed in single precision
    similarity = (0.3 + random.exponential(0.03, rows)).astype(np.float32).astype(np.float64)
    return pa.table(
        {
            "URL": urls,
            "TEXT": captions,
            "WIDTH": sides[0],
            "HEIGHT": sides[1],
            "similarity": similarity,
            "hash": random.integers(-(1 << 63), 1 << 63, rows),
            "punsafe": random.beta(0.3, 4.0, rows).astype(np.float32),
            "pwatermark": random.beta(0.5, 2.0, rows).astype(np.float32),
        }
    )


def _vocabulary(count: int, seed: int) -> pa.Array:
    """Words of one to four syllables, a fifth with a capital."""
    random = np.random.default_rng(seed)
    syllables = _sentences(pa.array(_SYLLABLES), random.integers(1, 5, count), "", random)
    return pc.if_else(pa.array(random.random(count) < 0.2), pc.utf8_capitalize(syllables), syllables)


def _hosts() -> pa.Array:
    names = pc.utf8_lower(_vocabulary(_HOSTS, SEED + 1))
    numbers = pa.array(np.arange(_HOSTS)).cast(pa.string())
    return pc.binary_join_element_wise("img.", names, numbers, ".invalid", "")


def _sentences(words: pa.Array, lengths: np.ndarray, separator: str, random: np.random.Generator) -> pa.Array:
    """``lengths[i]`` words each, some far more common than others."""
    ends = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    drawn = words.take(pa.array(_zipf(len(words), 0.5, int(ends[-1]), random)))
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(ends), drawn), separator)


def _zipf(count: int, exponent: float, draws: int, random: np.random.Generator) -> np.ndarray:
    shares = np.cumsum(np.arange(1, count + 1) ** -exponent)
    return np.searchsorted(shares, random.random(draws) * shares[-1]).astype(np.int32)


def _chosen(values: tuple[str, ...], shares: tuple[float, ...], rows: int, random: np.random.Generator) -> pa.Array:
    return pa.array(values).take(pa.array(random.choice(len(values), rows, p=shares)))


def _hex(rows: int, random: np.random.Generator) -> pa.Array:
    """Twenty hexadecimal digits each."""
    digits = random.bytes(10 * rows).hex().encode()
    offsets = np.arange(0, 20 * rows + 1, 20, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(digits))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--row-group-rows", type=int, default=1_000_000)
    parser.add_argument("--work-dir", type=Path, default=default_cache())
    options = parser.parse_args()
    path = cached_shard(options.work_dir, options.rows, options.row_group_rows)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
