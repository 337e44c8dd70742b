"""Full counts for the front door: ``pytest -m soak -s``; what it prints is kept in benchmarks/results/."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from laion_pairs.sample import LoopbackHub

pytestmark = pytest.mark.soak
ROWS = 1_000_000
ABANDONED = 20
PEAK_MIB = 400

STREAM = """
import sys
import laion_dataset
rows = laion_dataset.load_dataset(sys.argv[1], split="train", streaming=True, ledger=sys.argv[2])
count, checksum = 0, 0
for row in rows:
    count += 1
    checksum ^= row["pair_id"]
status = dict(line.split(":", 1) for line in open("/proc/self/status"))  # getrusage would count the parent's memory too
peak_mib = int(status["VmHWM"].split()[0]) / 1024
print(count, checksum, laion_dataset.Ledger(sys.argv[2]).counts()["rows"]["kept"], round(peak_mib))
"""
ABANDON = """
import sys, laion_dataset
rows = iter(laion_dataset.load_dataset(sys.argv[1], split="train", streaming=True))
for _ in range(3):
    next(rows)
"""


def run(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A million rows in one row group, as the aesthetic releases are published: the shape that is hardest on memory."""
    random = np.random.default_rng(0)
    numbers = random.integers(0, 2**62, ROWS)
    table = pa.table(
        {
            "URL": [f"https://host{n % 9973}.example/{n:016x}.jpg" for n in numbers.tolist()],
            "TEXT": [f"a caption of some words, number {n:x}" for n in numbers.tolist()],
            "WIDTH": pa.array(random.integers(50, 3000, ROWS), pa.int32()),
            "HEIGHT": pa.array(random.integers(50, 3000, ROWS), pa.int32()),
            "similarity": random.random(ROWS),
            "hash": pa.array(numbers, pa.int64()),
            "punsafe": random.random(ROWS).astype(np.float32),
            "pwatermark": random.random(ROWS).astype(np.float32),
            "aesthetic": (10 * random.random(ROWS)).astype(np.float32),
        }
    )
    file = tmp_path_factory.mktemp("soak") / "train.parquet"
    pq.write_table(table, file, row_group_size=ROWS)
    return file


def test_a_million_rows_in_bounded_memory(shard: Path, tmp_path: Path) -> None:
    count, checksum, kept, peak_mib = map(int, run(STREAM, str(shard), str(tmp_path / "run.ledger")).split())
    published = pq.read_table(shard, columns=["hash"])["hash"].to_numpy()
    print(f"\n{count:,} rows of one row group ({shard.stat().st_size:,} bytes) streamed; peak RSS {peak_mib} MiB")
    assert (count, kept) == (ROWS, ROWS)
    assert checksum == int(np.bitwise_xor.reduce(published))
    assert peak_mib < PEAK_MIB


def test_abandoned_streams_let_the_process_exit(shard: Path, hub: LoopbackHub) -> None:
    hub.add_repository("me/abandoned", {"train.parquet": shard})
    for source in (str(shard), "me/abandoned"):
        for _ in range(ABANDONED):
            run(ABANDON, source)
        print(f"\n{ABANDONED} of {ABANDONED} processes that abandoned a stream of {source.rpartition('/')[2]} exited")
