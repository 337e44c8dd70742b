"""Without its extra the example says what is missing, in one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "train_clip.py"


@pytest.mark.parametrize("missing", ["torch", "matplotlib"])
def test_what_is_missing_is_named_with_the_way_to_it(tmp_path: Path, missing: str) -> None:
    for name in ("torch", "matplotlib"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('none', name={name!r})" if name == missing else "")
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == f'train_clip: it needs {missing}: pip install "laion-dataset[train]"\n'
