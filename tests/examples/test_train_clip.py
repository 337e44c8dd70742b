"""The example trains: above chance, on after a kill with the same losses, on two ranks of which one loses pictures."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from laion_pairs.sample import ImageHost

pytest.importorskip("torch", reason="needs PyTorch, which .ci/run installs")
pytest.importorskip("matplotlib", reason='needs matplotlib, of pip install "laion-dataset[train]"')
pytestmark = pytest.mark.ci

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "train_clip.py"
SHORT = ("--epochs", "3", "--steps-per-epoch", "5", "--views", "1", "--batch-size", "24", "--checkpoint-every", "2")
HANG_S = 300


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT), kept.get("PYTHONPATH", "")]), "PYTHONWARNINGS": "ignore"}


def _start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.Popen(
        command, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run to the end; whatever of it hangs is killed."""
    process = _start(*arguments)
    try:
        out, err = process.communicate(timeout=HANG_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _summary(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr[-3000:]
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def _losses(output: Path) -> list[float]:
    lines = [json.loads(line) for line in (output / "steps.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def _folder(path: Path, host: ImageHost, n_pairs: int, is_gone: Any) -> Path:
    """Pairs with pictures of one colour each; some are gone."""
    urls = []
    for number in range(n_pairs):
        file = io.BytesIO()
        Image.new("RGB", (24, 24), (number * 40 % 256, number * 90 % 256, number * 7 % 256)).save(file, "PNG")
        name = f"/{number}.png"
        urls.append(host.gone(name) if is_gone(number) else host.serve(name, file.getvalue()))
    path.mkdir()
    for part in range(2):  # a shard a rank
        rows = range(part * n_pairs // 2, (part + 1) * n_pairs // 2)
        captions = [f"colour {number} of many" for number in rows]
        pq.write_table(pa.table({"url": [urls[n] for n in rows], "caption": captions}), path / f"part-{part}.parquet")
    return path


def test_held_out_captions_are_found_three_sigma_above_chance(tmp_path: Path) -> None:
    summary = _summary(_run("--output", tmp_path / "run", "--json"))
    found = summary["retrieval"]
    assert found["n_pairs"] >= 40
    assert found["z_mean_rank"] >= 3, found
    assert 0 < summary["stall_fraction"] < 1
    assert summary["images_per_s"] > 0
    assert Image.open(summary["plot"]).size[0] > 800


def test_a_killed_run_goes_on_with_the_same_losses(tmp_path: Path) -> None:
    _summary(_run("--output", tmp_path / "whole", "--json", *SHORT))
    whole = _losses(tmp_path / "whole")
    assert len(whole) == 15
    killed = _start("--output", tmp_path / "killed", "--json", *SHORT)
    after, log = random.randint(1, 14), tmp_path / "killed" / "steps.jsonl"
    until = time.monotonic() + HANG_S
    while time.monotonic() < until and killed.poll() is None:
        if log.exists() and log.read_text().count('"loss"') >= after:
            break
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL, f"it ended before it was killed, after {after} steps"
    _summary(_run("--output", tmp_path / "killed", "--json", *SHORT))
    assert _losses(tmp_path / "killed") == whole, f"killed after {after} steps"


def test_two_ranks_end_together_though_one_loses_its_pictures(tmp_path: Path) -> None:
    with ImageHost() as host:
        # the second shard, which is one rank's, has lost three pictures in ten
        folder = _folder(tmp_path / "pairs", host, 160, lambda number: number >= 80 and number % 10 < 3)
        done = _run(
            folder, "--output", tmp_path / "run", "--allow-private", "--ddp", 2, "--workers", 1, "--json", *SHORT
        )
        assert _summary(done)["steps"] == 15
        latest = json.loads((tmp_path / "run" / "latest.json").read_text())
        assert latest == {"step": 15, "ranks": 2}
        assert len(list((tmp_path / "run").glob("step-00000015-rank-*.pt"))) == 2
        assert host.count() > 0
        alone = _run(folder, "--output", tmp_path / "run", "--allow-private", "--json", *SHORT)
        assert alone.returncode == 1
        assert "was left by 2 processes, and 1 would go on with it" in alone.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("no-such-release-at-all",), 1, r"train_clip: .*no-such-release-at-all"),
        (("./nowhere",), 1, r"train_clip: There is no file or folder"),
        (("--epochs", "none"), 2, "'none' is not a whole number of at least 1"),
        (("--fold", "4"), 2, "--fold 4 of --folds 4"),
        (("--filter", "width >"), 1, r"train_clip: .*width >"),
    ],
)
def test_mistakes_are_one_sentence(arguments: tuple[str, ...], status: int, sentence: str, tmp_path: Path) -> None:
    import re

    done = _run(*arguments, "--output", tmp_path / "run")
    assert done.returncode == status
    assert re.search(sentence, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
