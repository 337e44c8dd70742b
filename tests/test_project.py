"""The project's own promises: dependencies as written, imports one way, content installed, error tree as drawn."""

from __future__ import annotations

import configparser
import importlib
import importlib.metadata
import inspect
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import laion_pairs
from laion_pairs import errors

ROOT = Path(__file__).parents[1]


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_installed_dependencies_are_the_ones_in_setup_cfg() -> None:
    """setuptools drops a misspelt key in silence."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    written = {_name(line) for line in config["options"]["install_requires"].strip().splitlines()}
    extras = config["options.extras_require"]
    written |= {_name(line) for extra in extras for line in extras[extra].strip().splitlines()}
    installed = {_name(line) for line in importlib.metadata.requires("laion-dataset") or []}
    assert installed == written
    assert {"datasets", "huggingface-hub", "pandas", "requests"} <= installed


def test_every_package_of_the_tree_is_installed() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    found = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for top in ("laion_pairs", "dataset_card")
        for init in (ROOT / top).rglob("__init__.py")
    }
    assert found == set(config["options"]["packages"].split())


def test_version_is_one() -> None:
    assert importlib.metadata.version("laion-dataset") == laion_pairs.__version__


def test_dataset_card_is_read_through_importlib() -> None:
    card = resources.files("dataset_card")
    assert card.joinpath("sample.md").read_text(encoding="utf-8").startswith("---\n")
    assert card.joinpath("columns.tsv").read_text(encoding="utf-8").splitlines()[0].split("\t")[0] == "name"


def test_error_tree_is_the_one_drawn() -> None:
    drawn: dict[str, tuple[str, str | None]] = {}
    stack: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^    ((?:[│ ]   )*)(?:[├└]── )?(\w+)(?: \((\w+)\))?", line)
        if not match or not hasattr(errors, match[2]):
            continue
        depth = len(re.match(r"^    ([│├└─ ]*)", line)[1]) // 4  # type: ignore[index]
        stack[depth:] = [match[2]]
        drawn[match[2]] = (stack[depth - 1] if depth else "Exception", match[3])
    assert set(drawn) == set(errors.__all__)
    for name, (parent, builtin) in drawn.items():
        bases = [base.__name__ for base in getattr(errors, name).__bases__]
        assert bases == [parent, *([builtin] if builtin else [])], name


@pytest.mark.parametrize("module", ["laion_pairs.errors", "laion_pairs.ledger", "laion_pairs.schema", "laion_dataset"])
def test_all_names_what_is_there(module: str) -> None:
    loaded = importlib.import_module(module)
    assert sorted(loaded.__all__) == sorted(set(loaded.__all__))
    assert all(hasattr(loaded, name) for name in loaded.__all__)


def test_public_names_of_the_front_door_are_documented() -> None:
    import laion_dataset

    for name in laion_dataset.__all__:
        assert inspect.getdoc(getattr(laion_dataset, name)), name


@pytest.mark.ci
def test_a_planted_import_breaks_the_layers(tmp_path: Path) -> None:
    """The contract is alive: the tree passes, and an import that points up does not."""
    checkout = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(checkout)], check=True)
    lint = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
        "--no-cache",
    ]
    environment = {"PYTHONPATH": str(checkout), "PATH": "/usr/bin:/bin"}
    run = {"cwd": checkout, "env": environment, "capture_output": True, "text": True}
    clean = subprocess.run(lint, **run)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    for module, planted in [("schema", "import laion_pairs.shards"), ("shards", "import laion_dataset")]:
        file = checkout / "laion_pairs" / module / "planted.py"
        file.write_text(planted + "\n")
        broken = subprocess.run(lint, **run)
        assert broken.returncode != 0, planted
        assert "BROKEN" in broken.stdout
        file.unlink()
