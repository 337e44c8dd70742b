"""What a stranger does: build, install into an empty environment, run the demo without any network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NO_NETWORK = ["unshare", "--net", "--map-root-user", "bash", "-c", 'ip link set lo up && exec "$@"', "bash"]

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    checkout = folder / "checkout"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(checkout)], check=True)
    build = [sys.executable, "-m", "build", "--outdir", str(folder), str(checkout)]
    subprocess.run(build, check=True, capture_output=True)  # the sdist, and from it the wheel
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_code_content_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"laion_dataset.py", "laion_pairs", "dataset_card"}
    assert "laion_pairs/py.typed" in names
    assert "dataset_card/sample.md" in names
    assert "dataset_card/columns.tsv" in names
    assert sum(name.startswith("laion_pairs/sample/pictures/") for name in names) >= 250
    packaged = {name for name in names if name.endswith(".py")}
    source = {str(file.relative_to(ROOT)) for top in tops for file in [ROOT / top] if file.suffix == ".py"}
    source |= {
        str(file.relative_to(ROOT)) for top in ("laion_pairs", "dataset_card") for file in (ROOT / top).rglob("*.py")
    }
    assert packaged == source


def test_demo_from_the_wheel_in_an_empty_environment_without_network(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", str(wheel)], check=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "dumb"}
    demo = [str(tmp_path / "env" / "bin" / "laion"), "demo"]
    done = subprocess.run(
        [*NO_NETWORK, *demo], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "312 ok" in done.stdout
    assert (tmp_path / "laion-demo.html").stat().st_size > 500_000
    card = "from importlib.resources import files; print(files('dataset_card').joinpath('sample.md').read_text()[:3])"
    shown = subprocess.run([str(python), "-c", card], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "---"


def test_there_really_was_no_network() -> None:
    assert shutil.which("unshare")
    script = "import socket; s = socket.socket(); s.settimeout(2); print(s.connect_ex(('192.0.2.1', 80)))"
    done = subprocess.run([*NO_NETWORK, sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "101"  # ENETUNREACH
