"""The notebooks run from top to bottom against the sample; but for the training, they are committed without outputs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
QUICKSTART = NOTEBOOKS / "quickstart.ipynb"
TRAIN = NOTEBOOKS / "train.ipynb"
# What the session's conftest sets for its own clients; a notebook says itself which Hub it talks to.
NOT_INHERITED = ("HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE")


def code_cells() -> list[str]:
    cells = json.loads(QUICKSTART.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    return {**kept, "IPYTHONDIR": str(tmp_path / "ipython"), "JUPYTER_CONFIG_DIR": str(tmp_path / "jupyter")}


@pytest.mark.parametrize("path", sorted({*NOTEBOOKS.glob("*.ipynb")} - {TRAIN}), ids=lambda path: path.name)
def test_no_outputs_are_committed(path: Path) -> None:
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_the_quickstart_runs_as_plain_python(environment: dict[str, str], tmp_path: Path) -> None:
    script = "\n".join([*code_cells()[:-1], "assert sample.images.count() > 0", "sample.stop()"])
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_quickstart_runs_in_a_kernel_and_shows_a_picture(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbformat = pytest.importorskip("nbformat", reason="needs the jupyter packages of laion-dataset[test]")
    nbclient = pytest.importorskip("nbclient", reason="needs the jupyter packages of laion-dataset[test]")
    pytest.importorskip("ipykernel", reason="needs the jupyter packages of laion-dataset[test]")
    for name in NOT_INHERITED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IPYTHONDIR", environment["IPYTHONDIR"])
    book = nbformat.read(QUICKSTART, as_version=4)
    nbformat.validate(book)
    nbclient.NotebookClient(book, timeout=180, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = [output.get("data", {}) for output in outputs]
    assert any("image/png" in data for data in shown), "no picture was shown"
    assert {"text/plain": "0"} in shown, "a picture was asked for before anybody wanted one"
    assert sum("text/html" in data for data in shown) >= 3, "the tables are missing"
    assert not [output for output in outputs if output.output_type == "error"]


@pytest.mark.ci
def test_the_training_notebook_runs_and_ends_above_chance(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="needs PyTorch, which .ci/run installs")
    pytest.importorskip("matplotlib", reason='needs matplotlib, of pip install "laion-dataset[train]"')
    nbformat = pytest.importorskip("nbformat", reason="needs the jupyter packages of laion-dataset[test]")
    nbclient = pytest.importorskip("nbclient", reason="needs the jupyter packages of laion-dataset[test]")
    pytest.importorskip("ipykernel", reason="needs the jupyter packages of laion-dataset[test]")
    for name in NOT_INHERITED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IPYTHONDIR", environment["IPYTHONDIR"])
    monkeypatch.setenv("LAION_EXAMPLES", str(NOTEBOOKS.parent / "examples"))
    book = nbformat.read(TRAIN, as_version=4)
    nbformat.validate(book)
    assert sum(cell.cell_type == "code" for cell in book.cells) == 10
    committed = [output.output_type for cell in book.cells for output in cell.get("outputs", [])]
    assert committed, "it is read on the web with its outputs"
    assert "error" not in committed
    nbclient.NotebookClient(book, timeout=400, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in book.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in shown), "the plot is missing"
    (sigmas,) = re.findall(r"chance 0\.5, ([+-][\d.]+) σ", "".join(output.get("text", "") for output in shown))
    assert float(sigmas) >= 3
