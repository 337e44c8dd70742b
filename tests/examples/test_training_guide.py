"""The code of docs/TRAINING.md runs, unchanged, against a Hub on loopback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs PyTorch, which .ci/run installs")
pytest.importorskip("torchdata", reason="needs torchdata, which .ci/run installs")
pytestmark = pytest.mark.ci

GUIDE = Path(__file__).parents[2] / "docs" / "TRAINING.md"
SAMPLE_IN_ITS_PLACE = """
from laion_pairs.sample import serve_sample
sample = serve_sample().use()
import laion_pairs.images.policy as policy
policy.DownloadPolicy.__init__.__kwdefaults__.update(allow_private=True, first_byte_timeout_s=1.0)
"""
CHECKS = """
assert tuple(batch["image"].shape) == (2, 3, 64, 64) and len(batch["caption"]) == 2
assert (state["step"], epoch) == (3, 1)
del batches, loader
sample.stop()
"""


def test_the_guide_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert '"relaion2B-en-research-safe"' in code
    program = SAMPLE_IN_ITS_PLACE + code.replace('"relaion2B-en-research-safe"', "sample.repo_id") + CHECKS
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-3000:]
