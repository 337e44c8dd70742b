"""Every way in, on the installed `datasets`: our call, the stock call, the script path; streamed, prepared, in workers.

Each way runs in a process of its own: registering changes `datasets` for good, a loading script is another module.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from laion_pairs.sample.hub import LoopbackHub

ROOT = Path(__file__).parents[2]
SCRIPTS_LOAD = int(version("datasets").split(".")[0]) < 4
REPO = "laion/laion2B-en-aesthetic"
SHARD = "part-{:05d}-9230b837-b1e0-4254-8b88-ed2976e9cee9-c000.snappy.parquet"
CAPTIONS = [f"picture number {number}" for number in range(12)]
SETUP = """
import json, sys, datasets
RELEASE = "laion2B-en-aesthetic"
def show(rows):
    rows = list(rows)
    assert all(type(row["image"]).__name__ == "RemoteImage" for row in rows), type(rows[0]["image"])
    print(json.dumps(sorted(row["caption"] for row in rows)))
"""

WAYS = {
    "ours, streamed": "import laion_dataset; show(laion_dataset.load_dataset(RELEASE, split='train', streaming=True))",
    "ours, prepared": "import laion_dataset; show(laion_dataset.load_dataset(RELEASE, split='train'))",
    "ours, prepared by 2 processes": """
import laion_dataset
if __name__ == "__main__":
    show(laion_dataset.load_dataset(RELEASE, split='train', num_proc=2))
""",
    "ours, no split": "import laion_dataset; show(laion_dataset.load_dataset(RELEASE, streaming=True)['train'])",
    "stock, streamed": """
import laion_dataset; laion_dataset.register(); laion_dataset.register()
show(datasets.load_dataset("laion", RELEASE, split="train", streaming=True))
""",
    "stock, prepared": """
import laion_dataset; laion_dataset.register()
show(datasets.load_dataset("laion", RELEASE, split="train"))
""",
    "stock, prepared by 2 processes": """
import laion_dataset; laion_dataset.register()
if __name__ == "__main__":
    show(datasets.load_dataset("laion", RELEASE, split="train", num_proc=2))
""",
    "stock, with our options": """
import laion_dataset; laion_dataset.register()
rows = datasets.load_dataset("laion", RELEASE, split="train", streaming=True, filters=[("aesthetic", ">", 5)])
show(rows)
""",
    "stock, script path": f"""
import laion_dataset; laion_dataset.register()
show(datasets.load_dataset({str(ROOT / "laion_dataset.py")!r}, RELEASE, split="train", streaming=True))
""",
    "stock, script path from here": f"""
import os; os.chdir({str(ROOT)!r})
import laion_dataset; laion_dataset.register()
for path in ("laion_dataset.py", "./laion_dataset.py"):
    show(datasets.load_dataset(path, RELEASE, split="train", streaming=True))
""",
}
if SCRIPTS_LOAD:
    script = f"{str(ROOT / 'laion_dataset.py')!r}, RELEASE, split='train', trust_remote_code=True"
    WAYS |= {
        "loading script, streamed": f"show(datasets.load_dataset({script}, streaming=True))",
        "loading script, prepared": f"show(datasets.load_dataset({script}))",
        "loading script, prepared by 2 processes": f"""
if __name__ == "__main__":
    show(datasets.load_dataset({script}, num_proc=2))
""",
    }


@pytest.fixture
def release(hub: LoopbackHub) -> LoopbackHub:
    """LAION-2B-en-aesthetic as published (schema S3), two shards of six rows."""
    half = len(CAPTIONS) // 2
    shards = {SHARD.format(index): _shard(CAPTIONS[index * half : (index + 1) * half]) for index in range(2)}
    hub.add_repository(REPO, shards)
    return hub


def _shard(captions: list[str]) -> bytes:
    count = len(captions)
    table = pa.table(
        {
            "URL": [f"http://images.example/{caption[-1]}.jpg" for caption in captions],
            "TEXT": captions,
            "WIDTH": pa.array([640] * count, pa.int32()),
            "HEIGHT": pa.array([480] * count, pa.int32()),
            "similarity": pa.array([0.31] * count, pa.float64()),
            "hash": pa.array(range(count), pa.int64()),
            "punsafe": pa.array([0.01] * count, pa.float32()),
            "pwatermark": pa.array([0.02] * count, pa.float32()),
            "aesthetic": pa.array([7.5] * count, pa.float32()),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def run_python(code: str, cwd: Path, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run code as a script of its own, with this process's Hub and a Hugging Face home of its own."""
    file = cwd / "script.py"
    file.write_text(code)
    environment = {**os.environ, "HF_HOME": str(cwd / "hf"), "HF_DATASETS_CACHE": str(cwd / "hf" / "datasets")}
    environment["HF_MODULES_CACHE"] = str(cwd / "hf" / "modules")
    return subprocess.run(
        [sys.executable, str(file)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout_s
    )


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_gives_the_same_rows(way: str, release: LoopbackHub, tmp_path: Path) -> None:
    done = run_python(SETUP + WAYS[way], tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == sorted(CAPTIONS)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_rows_survive_worker_processes(start: str, release: LoopbackHub, tmp_path: Path) -> None:
    """What a DataLoader does: the dataset travels to each worker, which reads its own shards."""
    code = f"""
import multiprocessing, laion_dataset
def read(work):
    rows, index = work
    return [row["caption"] for row in rows.shard(num_shards=2, index=index)]
if __name__ == "__main__":
    rows = laion_dataset.load_dataset("laion2B-en-aesthetic", split="train", streaming=True)
    with multiprocessing.get_context({start!r}).Pool(2) as pool:
        parts = pool.map(read, [(rows, 0), (rows, 1)])
    assert all(parts), parts
    import json; print(json.dumps(sorted(sum(parts, []))))
"""
    done = run_python(code, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == sorted(CAPTIONS)


def test_import_registers_the_feature_and_nothing_else(tmp_path: Path) -> None:
    code = """
import datasets, laion_dataset
from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES
assert "laion" not in _PACKAGED_DATASETS_MODULES
feature = datasets.Features.from_dict({"image": {"_type": "RemoteImage"}})["image"]
assert isinstance(feature, laion_dataset.RemoteImageFeature)
"""
    done = run_python(code, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]


def test_register_leaves_stock_builders_alone(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    code = """
import datasets, laion_dataset
laion_dataset.register()
print(datasets.load_dataset("csv", data_files="rows.csv", split="train")[0])
"""
    done = run_python(code, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "{'a': 1, 'b': 2}"


def test_an_abandoned_stream_lets_the_process_exit_in_silence(release: LoopbackHub, tmp_path: Path) -> None:
    """The stock parquet stream hangs the interpreter at exit when an iterator is abandoned."""
    code = """
import laion_dataset
rows = iter(laion_dataset.load_dataset("laion2B-en-aesthetic", split="train", streaming=True))
print(next(rows)["caption"])
"""
    done = run_python(code, tmp_path, timeout_s=60)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Exception ignored" not in done.stderr
