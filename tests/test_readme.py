"""The README's examples run, unchanged, against a Hub on loopback; its tables are the code's."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from releases.published_rows import CASES

from laion_pairs.cli import parser
from laion_pairs.releases import RECIPES, Release, find_release
from laion_pairs.sample import ImageHost, LoopbackHub, sample_pictures
from laion_pairs.schema import COLUMNS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
PREAMBLE = """
import laion_pairs.images.policy as policy
policy.DownloadPolicy.__init__.__kwdefaults__["allow_private"] = True  # the pictures are on loopback here
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def published(release: Release, base_url: str) -> bytes:
    """A few rows in exactly the published columns, with scores that the README's filters and recipe keep."""
    case = next(case for case in CASES if case.schema_id == release.schema)
    wide = {"punsafe": 0.01, "pwatermark": 0.1, "similarity": 0.33, "AESTHETIC_SCORE": 5.5, "status": "success"}
    rows = []
    for number, picture in enumerate(sample_pictures()[:3]):
        row = {name: None for name, _ in case.fields} | {name: wide[name] for name, _ in case.fields if name in wide}
        row |= {"url": base_url + picture.url_path, "URL": base_url + picture.url_path}
        row |= {"caption": picture.caption, "TEXT": picture.caption, "hash": number}
        row |= dict.fromkeys(("WIDTH", "HEIGHT", "original_width", "original_height"), 640)
        rows.append({name: row[name] for name, _ in case.fields})
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(case.fields)), file)
    return file.getvalue()


def test_python_examples_run(hub: LoopbackHub, tmp_path: Path) -> None:
    with ImageHost() as images:
        for picture in sample_pictures()[:3]:
            images.serve(picture.url_path, picture.path.read_bytes())
        for name in ("relaion2B-en-research-safe", "aesthetics_v2_4.75"):
            release = find_release(name)
            shard = (release.shards or "part-{i:05d}.parquet").format(i=0)
            hub.add_repository(
                release.repo_id, {shard: published(release, images.base_url)}, gated="auto", readers=["hf_me"]
            )
        (tmp_path / "my-pairs").mkdir()
        pq.write_table(
            pa.table({"link": ["http://a.example/1.png"], "words": ["one"]}), tmp_path / "my-pairs" / "1.parquet"
        )
        code = "\n".join([PREAMBLE, *blocks("python")])
        checks = """
print(row["image"], row["image"].open().size, round(row["punsafe"], 2))
assert [r["caption"] for r in sd] == [r["caption"] for r in ds], "the recipe keeps the rows"
assert list(next(iter(small))) == ["image", "caption", "width", "height"]
assert (example["image"].shape, example["outcome"], example["trust"]) == ((256, 256, 3), "ok", "unverified")
assert mine[0]["url"] == "http://a.example/1.png"
"""
        (tmp_path / "readme.py").write_text(code + checks)
        environment = {**os.environ, "HF_TOKEN": "hf_me", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0"}
        environment["HF_DATASETS_CACHE"] = str(tmp_path / "cache")
        done = subprocess.run(
            [sys.executable, "readme.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert re.search(r"<RemoteImage 640x640 http://127.*> \(\d+, \d+\) 0\.01", done.stdout)
        assert not any(line.authorization for line in images.requests()), "the token is the Hub's alone"


RUN_TRANSCRIPT = r"""
import doctest, re, sys

class Checker(doctest.OutputChecker):
    "Ports and memory addresses differ from run to run."

    def check_output(self, want, got, flags):
        want, got = (re.sub(r"127\.0\.0\.1:\d+| at 0x[0-9A-F]+", "", text) for text in (want, got))
        return super().check_output(want, got, flags)

test = doctest.DocTestParser().get_doctest(sys.stdin.read(), {}, "README", "README.md", 0)
result = doctest.DocTestRunner(Checker()).run(test, clear_globs=False)
test.globs["sample"].stop()
sys.exit(result.failed or result.attempted < 6)
"""


def test_transcript_is_what_really_happens(tmp_path: Path) -> None:
    (transcript,) = blocks("pycon")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    command = [sys.executable, "-c", RUN_TRANSCRIPT]
    done = subprocess.run(
        command, input=transcript, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]


def test_column_table_is_the_schema() -> None:
    table = README.split("| column | type | meaning |")[1].split("\n\n")[0]
    written = [
        (name, kind)
        for names, kind in re.findall(r"^\| (`.*?`) \| (\w+) \|", table, flags=re.MULTILINE)
        for name in re.findall(r"`(\w+)`", names)
    ]
    assert written == [
        ("image", "RemoteImage"),
        *((column.name, str(column.type).replace("float", "float32")) for column in COLUMNS),
    ]


def test_recipe_table_is_the_recipes() -> None:
    written = re.findall(r"^\| `([\w.-]+)` \| `?(.*?)`? \| ", README.split("## Recipes")[1], flags=re.MULTILINE)
    assert written == [(recipe.name, recipe.predicate.render()) for recipe in RECIPES]


def test_commands_of_the_command_line_are_documented_and_real() -> None:
    written = set(re.findall(r"^laion (\w+)", "\n".join(blocks("bash")), flags=re.MULTILINE))
    actions = next(action for action in parser()._actions if action.dest == "command")
    assert written == set(actions.choices or ())


@pytest.mark.parametrize(
    "line", re.findall(r"^laion (?:releases|stream|download|tar).*?$", "\n".join(blocks("bash")), flags=re.MULTILINE)
)
def test_command_lines_parse(line: str) -> None:
    import shlex

    assert parser().parse_args(shlex.split(line, comments=True)[1:]).run
