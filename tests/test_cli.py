"""``laion …`` as a process: what it prints, where, and its exit status. A user's mistake is one sentence."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from laion_pairs.cli import main
from laion_pairs.releases import RELEASES
from laion_pairs.sample import LoopbackHub

HOSTILE = 'a "caption"\n\x1b[31m<b>\u202e'


def laion_here(capsys: pytest.CaptureFixture[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same without a process of its own, where that makes no difference: starting one takes seconds."""
    try:
        status = main(arguments)
    except SystemExit as ended:  # argparse
        status = int(ended.code or 0)
    out, err = capsys.readouterr()
    return subprocess.CompletedProcess(arguments, status, out, err)


def laion(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "laion_pairs.cli", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def repository(hub: LoopbackHub) -> LoopbackHub:
    rows = pa.table(
        {
            "url": [f"http://a.example/{number}.png" for number in range(6)],
            "caption": [HOSTILE, *(f"picture {number}" for number in range(1, 6))],
        }
    )
    file = io.BytesIO()
    pq.write_table(rows, file)
    hub.add_repository("me/pairs", {"train.parquet": file.getvalue()})
    hub.add_repository("me/gated", {"train.parquet": file.getvalue()}, gated=True, readers=["hf_reader"])
    return hub


def test_stream_prints_json_lines_and_ends_with_the_ledger(
    repository: LoopbackHub, capsys: pytest.CaptureFixture[str]
) -> None:
    done = laion_here(capsys, "stream", "me/pairs", "--columns", "image, caption", "--limit", "3")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows[0] == {"image": "http://a.example/0.png", "caption": HOSTILE}
    assert [row["caption"] for row in rows[1:]] == ["picture 1", "picture 2"]
    assert "6 seen = 6 kept" in done.stderr
    assert done.returncode == 0


def test_stream_filters_and_machine_readable_ledger(
    repository: LoopbackHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = tmp_path / "run.ledger"
    options = [
        "--filter",
        "caption in ('picture 2', 'picture 4')",
        "--filter",
        "url is not null",
        "--ledger",
        str(ledger),
    ]
    done = laion_here(capsys, "stream", "me/pairs", "--json", *options)
    assert [json.loads(line)["caption"] for line in done.stdout.splitlines()] == ["picture 2", "picture 4"]
    counts = json.loads(done.stderr.splitlines()[-1])
    assert counts["rows"] == {"seen": 6, "kept": 2}
    assert counts["dropped"] == {"filter": 4}
    assert list(ledger.iterdir())


def test_quiet_prints_rows_alone(repository: LoopbackHub) -> None:
    done = laion("stream", "me/pairs", "--quiet")
    assert len(done.stdout.splitlines()) == 6
    assert done.stderr == ""


def test_a_closed_pipe_is_no_error(repository: LoopbackHub) -> None:
    command = f"{sys.executable} -m laion_pairs.cli stream me/pairs --quiet | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["caption"] == HOSTILE
    assert "Traceback" not in done.stderr


WRONG_USE = [
    (["stream", "laion5b"], "no release"),
    (["stream", "laion400m"], "withdrawn"),
    (["stream", "me/pairs", "--filter", "punsafe <"], "punsafe"),
    (["stream", "me/pairs", "--columns", "text"], "caption"),
    (["stream", "me/pairs", "--recipe", "sd"], "recipe"),
    (["stream", "me/pairs", "--split", "test"], "it has train"),
    (["stream", "me/pairs", "--limit", "0"], "at least 1"),
    (["stream", "me/pairs", "--limit", "many"], "must be a whole number of at least 1, got 'many'"),
    (["releases", "laion5b"], "nearest"),
    (["run", "gone.py"], "gone.py"),
    (["demo", "--output", "nowhere/sheet.html"], "nowhere/sheet.html"),
    (["demo", "--output", "."], "is a folder"),
    (["explode"], "invalid choice"),
    ([], "COMMAND"),
]
FAILED = [
    (["stream", "me/nothing"], "me/nothing"),
    (["stream", "me/gated"], "accept"),
    (["stream", "me/pairs", "--takedown", "gone.parquet"], "gone.parquet"),
]


@pytest.mark.parametrize(
    ("arguments", "sentence", "status"),
    [(*case, 2) for case in WRONG_USE] + [(*case, 1) for case in FAILED],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes(
    arguments: list[str], sentence: str, status: int, repository: LoopbackHub, capsys: pytest.CaptureFixture[str]
) -> None:
    done = laion_here(capsys, *arguments)
    assert done.returncode == status, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1, "one sentence, and not the grammar"
    assert done.stdout == ""


def test_a_hub_that_is_not_there_and_offline_mode(repository: LoopbackHub) -> None:
    gone = laion("stream", "me/pairs", HF_ENDPOINT="http://127.0.0.1:9")
    offline = laion("stream", "me/pairs", HF_HUB_OFFLINE="1")
    for done in (gone, offline):
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "HF_HUB_OFFLINE" in offline.stderr


def test_releases_is_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    table, machine = laion_here(capsys, "releases"), laion_here(capsys, "releases", "--json")
    lines = table.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [release.name for release in RELEASES]
    assert [row["name"] for row in json.loads(machine.stdout)] == [release.name for release in RELEASES]


def test_one_release_says_where_its_columns_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    text = laion_here(capsys, "releases", "LAION2B-EN-AESTHETIC").stdout
    assert "caption         TEXT" in text
    facts = json.loads(laion_here(capsys, "releases", "relaion2B-en-research-safe", "--json").stdout)
    assert facts["canonical_columns"]["width"].startswith("original_width")
    assert facts["gated"] is True


def test_run_registers_us_for_an_unchanged_script(repository: LoopbackHub, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import sys, datasets\n"
        "from beside import NAME\n"
        "rows = datasets.load_dataset('laion', 'files', source=NAME, split='train', streaming=True)\n"
        "print(sys.argv[1:], __name__, sum(1 for _ in rows))\n"
    )
    (tmp_path / "beside.py").write_text("NAME = 'me/pairs'\n")
    done = laion("run", "--", "train.py", "--lr", "1", cwd=tmp_path)
    assert done.stdout.strip() == "['--lr', '1'] __main__ 6", done.stderr


def test_help_and_version_need_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["--version"], ["stream", "--help"]):
        done = laion_here(capsys, *arguments)
        assert done.returncode == 0
        assert done.stdout
