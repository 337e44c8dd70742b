"""Memory does not grow with the stream, the row group or the captions: it is bounded by batches and pages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numbered import numbered_table, write_numbered

from laion_pairs.sample import LoopbackHub

CHILD = Path(__file__).parent / "stream_memory.py"
PEAK_MIB = 200
"""Above what a stream of a few rows takes: batches, pages, and what is fetched ahead."""
GROWTH_MIB = 64
"""Between 20,000 rows and the last one."""


@pytest.fixture
def few(tmp_path: Path) -> str:
    (tmp_path / "few").mkdir()
    return str(Path(write_numbered(tmp_path / "few", [10])[0]).parent)


def streamed(way: str, few: str, source: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", str(CHILD), way, few, source]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("where", ["local", "hf"])
@pytest.mark.parametrize("way", ["rows", "arrow", "shuffled", "filtered"])
@pytest.mark.parametrize(
    "n_rows", [pytest.param(100_000, marks=pytest.mark.ci), pytest.param(10**6, marks=pytest.mark.soak)]
)
def test_one_row_group_in_flat_memory(
    n_rows: int, way: str, where: str, few: str, tmp_path: Path, hub: LoopbackHub
) -> None:
    (file,) = write_numbered(tmp_path, [n_rows], row_group_rows=n_rows)
    source = str(tmp_path / "train-00000.parquet")
    if where == "hf":
        hub.add_repository("me/flat", {"train.parquet": Path(file)})
        source = "me/flat"
    told = streamed(way, few, source)
    wanted = [n for n in range(n_rows) if way != "filtered" or n % 100 + 1 > 99]
    print(
        f"\n{told['rows']:,} rows of one row group, {way}, {where}: {told['peak_mib']} MiB above a small stream, "
        f"{told['early_mib']} MiB after 20,000 rows"
    )
    assert (told["rows"], told["checksum"]) == (len(wanted), reduce(xor, wanted))
    assert told["peak_mib"] <= PEAK_MIB
    assert told["peak_mib"] - told["early_mib"] <= GROWTH_MIB


def wide_shard(path: Path, kind: str, n_rows: int) -> None:
    """Captions of a mebibyte each; in a dictionary they make a tiny file."""
    table = numbered_table(n_rows)
    letters = [chr(97 + n) * (1 << 20) for n in range(4)]
    indices = pa.array(np.arange(n_rows) % 4, pa.int32())
    text = pa.DictionaryArray.from_arrays(indices, letters)
    if kind != "dictionary":
        text = pa.array([letters[n % 4] for n in range(n_rows)])
    table = table.set_column(1, "TEXT", text)
    options: dict[str, Any] = {"use_dictionary": kind == "dictionary", "store_schema": False}
    pq.write_table(table, path, row_group_size=n_rows, compression="zstd", write_batch_size=1, **options)


BOMB = pytest.param(
    "dictionary", 6000, marks=pytest.mark.xfail(strict=True, reason="the footer counts a dictionary's values once")
)


@pytest.mark.ci
@pytest.mark.parametrize("where", ["local", "hf"])
@pytest.mark.parametrize(("kind", "n_rows"), [("plain", 400), BOMB])
def test_captions_of_a_mebibyte(kind: str, n_rows: int, where: str, few: str, tmp_path: Path, hub: LoopbackHub) -> None:
    path = tmp_path / "wide.parquet"
    wide_shard(path, kind, n_rows)
    if where == "hf":
        hub.add_repository("me/wide", {"train.parquet": path})
    told = streamed("rows", few, str(path) if where == "local" else "me/wide")
    print(f"\n{n_rows:,} captions of 1 MiB, {kind}, {path.stat().st_size:,} bytes, {where}: {told['peak_mib']} MiB")
    assert told["rows"] == n_rows
    assert told["caption_bytes"] == n_rows << 20
    assert told["peak_mib"] <= PEAK_MIB + 100  # a batch of 16 MiB as Arrow and as Python has it, several times
