"""Training with four workers, killed with SIGKILL and resumed from the last saved state: every row exactly once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import datasets
import pytest
from numbered import write_numbered

CHILD = Path(__file__).parent / "train_and_die.py"
MODERN = datasets.__version__ >= "4"  # 3.6 loses what is in its shuffle buffer, a row even of a buffer of one
HOWS = ["plain", "filtered", *(["shuffled"] if MODERN else []), "shuffled rows"]
N_ROWS = 1500


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("kills", [pytest.param(3, marks=pytest.mark.ci), pytest.param(25, marks=pytest.mark.soak)])
def test_killed_and_resumed(kills: int, how: str, shards: int, tmp_path: Path) -> None:
    pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata")
    files = write_numbered(tmp_path, [N_ROWS // shards] * shards, row_group_rows=120)
    command = [sys.executable, str(CHILD), str(kills), how, str(tmp_path), str(N_ROWS), *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    print(
        f"\n{how}, {shards} shards: {told['kills']} kills of a training process with 4 workers, {told['attempts']} "
        f"attempts, {told['complete_runs']} complete runs, {len(told['wrong_runs'])} of them wrong"
    )
    assert told["kills"] >= kills
    assert not told["wrong_runs"], told
    assert not told["left_over"]
