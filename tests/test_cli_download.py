"""``laion download`` and ``laion tar`` as users run them: files, exit status, kills, a full disk, another try."""

from __future__ import annotations

import io
import json
import os
import random
import resource
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import laion_dataset
from laion_pairs.cli import main, parser
from laion_pairs.errors import CorruptShard
from laion_pairs.images import DownloadPolicy
from laion_pairs.images.export.failed_rows import FailedRows
from laion_pairs.images.export.settings import ENCODES, FORMATS, ExportSettings
from laion_pairs.images.export.tar_stream import part_of, stream_tar
from laion_pairs.images.integrity import INTEGRITY_MODES
from laion_pairs.images.pixels import RESIZE_MODES, Resize
from laion_pairs.ledger import Outcome
from laion_pairs.sample import ImageHost, LoopbackHub
from laion_pairs.takedown import Entry, write_list

REPOSITORY = "me/pictures"
FILES, ROWS_PER_FILE = 4, 10
N = FILES * ROWS_PER_FILE
WEB = ["--allow-private", "--retries", "0", "--concurrency", "8", "--timeout", "20"]


def jpeg(side: int = 300) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((side, side), 50).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def bad(index: int) -> bool:
    return index % 10 == 7


@pytest.fixture
def web() -> Iterator[ImageHost]:
    """One picture a row, after some milliseconds; every tenth answers 500."""
    with ImageHost() as host:
        body = jpeg()
        for index in range(N):
            if bad(index):
                host.failing(f"/{index}.jpg")
            else:
                host.serve(f"/{index}.jpg", body, delay_s=0.005)
        yield host


@pytest.fixture
def repository(hub: LoopbackHub, web: ImageHost) -> LoopbackHub:
    hub.add_repository(REPOSITORY, shards(web))
    return hub


def shards(web: ImageHost, word: str = "picture") -> dict[str, bytes | str | Path]:
    files: dict[str, bytes | str | Path] = {}
    for number in range(FILES):
        indices = range(number * ROWS_PER_FILE, (number + 1) * ROWS_PER_FILE)
        table = pa.table(
            {
                "url": [web.url(f"/{index}.jpg") for index in indices],
                "caption": [f"{word} {index}" for index in indices],
                "pair_id": list(indices),
            }
        )
        file = io.BytesIO()
        pq.write_table(table, file)
        files[f"data-{number}.parquet"] = file.getvalue()
    return files


def laion_here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Without a process of its own, where that makes no difference: starting one takes seconds."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as ended:  # argparse
        status = int(ended.code or 0)
    out, err = capsys.readouterr()
    return subprocess.CompletedProcess(arguments, status, out, err)


def laion(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "laion_pairs.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=120, env=dict(os.environ), **options)


def members(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


def records(out: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(out.glob("0*.parquet")) for row in pq.read_table(path).to_pylist()]


def assert_exactly_once(out: Path, shard_size: int) -> None:
    """The whole output folder holds every row once, in its shard, and a tar member for each image."""
    seen = records(out)
    assert sorted(row["pair_id"] for row in seen) == list(range(N))
    digits = len(str(shard_size - 1))
    written = Counter[int]()
    for row in seen:
        shard = row["pair_id"] // shard_size
        assert row["key"] == f"{shard:05d}{written[shard]:0{digits}d}"
        written[shard] += 1
        assert (row["outcome"] == "ok") is not bad(row["pair_id"])
    keys = [name[:-4] for path in sorted(out.glob("*.tar")) for name in members(path) if name.endswith(".jpg")]
    assert sorted(keys) == sorted(row["key"] for row in seen if row["outcome"] == "ok")
    assert not list(out.rglob(".partial-*"))
    assert json.loads((out / "stats.json").read_bytes())["count"] == N


def test_download_writes_shards_and_ends_with_the_ledger(
    repository: LoopbackHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    done = laion_here(capsys, "download", REPOSITORY, "--output", out, "--shard-size", "16", *WEB)
    assert done.returncode == 0, done.stderr
    assert "images: 36 ok of 40 = 90.0 %" in done.stdout
    assert f"{out}: 36 images of 40 rows in 3 shards" in done.stdout
    assert_exactly_once(out, 16)
    again = laion_here(capsys, "download", REPOSITORY, "--output", out, "--shard-size", "16", "--json", *WEB)
    machine = json.loads(again.stdout)
    assert (machine["stats"]["successes"], machine["stats"]["complete"]) == (36, True)
    assert "images" not in machine["ledger"]


def test_download_as_parquet_is_a_dataset(
    repository: LoopbackHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ["--format", "parquet", "--image-size", "64", "--encode", "png", "--columns", "caption", "--quiet"]
    done = laion_here(capsys, "download", REPOSITORY, "--output", out, *options, *WEB)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rows = datasets.load_dataset(str(out), split="train", streaming=True)
    assert {(row["image"].size, row["image"].format) for row in rows} == {((64, 64), "PNG")}
    assert {row["caption"] for row in rows} == {f"picture {index}" for index in range(N) if not bad(index)}
    assert "similarity" not in rows.features


def test_files_keep_the_bytes_that_the_host_sent(
    repository: LoopbackHub, web: ImageHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ["--format", "files", "--resize", "no", "--encode", "original", "--limit", "5"]
    assert laion_here(capsys, "download", REPOSITORY, "--output", out, *options, *WEB).returncode == 0
    pictures = sorted((out / "00000").glob("*.jpg"))
    assert [path.stem for path in pictures] == [f"00000000{index}" for index in range(5)]
    assert {path.read_bytes() for path in pictures} == {web.pages["/0.jpg"].body}


def test_a_begun_download_goes_on_at_its_commit(
    repository: LoopbackHub, web: ImageHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The branch has moved: the rows are still those of the commit that it was begun with."""
    out = tmp_path / "out"
    command = ["download", REPOSITORY, "--output", out, "--shard-size", "16", "--quiet", *WEB]
    assert laion_here(capsys, *command).returncode == 0
    for name in ("00001_stats.json", "00002_stats.json", "stats.json"):
        (out / name).unlink()
    repository.repositories[REPOSITORY].add_commit(shards(web, "another"))
    done = laion_here(capsys, *command)
    assert done.returncode == 0, done.stderr
    assert_exactly_once(out, 16)
    assert {row["caption"].split()[0] for row in records(out)} == {"picture"}


def test_a_takedown_list_that_came_later_moves_no_row(
    repository: LoopbackHub, web: ImageHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, listed = tmp_path / "out", tmp_path / "list.parquet"
    command = ["download", REPOSITORY, "--output", out, "--shard-size", "10", "--quiet", *WEB]
    assert laion_here(capsys, *command).returncode == 0
    for name in ("00002_stats.json", "00003_stats.json", "stats.json"):
        (out / name).unlink()
    write_list(listed, [Entry("url", web.url("/25.jpg"), "removal request")], "1")
    assert laion_here(capsys, *command, "--takedown", listed).returncode == 0
    assert [row["pair_id"] for row in records(out)].count(25) == 0
    assert sorted(row["pair_id"] for row in records(out)) == [index for index in range(N) if index != 25]
    for path in out.rglob("*"):
        assert path.is_dir() or b"/25.jpg" not in path.read_bytes()


RETRIED = [index for index in range(N) if bad(index)]


@pytest.mark.parametrize("source", ["folder", "file", "failed rows", "by hand"])
def test_what_failed_is_tried_again_and_nothing_else(
    source: str, repository: LoopbackHub, web: ImageHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    rows = [{"url": web.url(f"/{index}.jpg"), "caption": f"picture {index}", "pair_id": index} for index in range(N)]
    place = first
    if source in ("folder", "file"):
        assert laion_here(capsys, "download", REPOSITORY, "--output", first, *WEB).returncode == 0
        place = first / "00000.parquet" if source == "file" else first
    elif source == "failed rows":
        failed = FailedRows(first)
        for row in rows:
            outcome = Outcome.HTTP_SERVER_ERROR if bad(row["pair_id"]) else Outcome.CORRUPT_IMAGE
            failed.add(row, outcome, "so it was")
        failed.close()
    else:
        place = tmp_path / "mine.parquet"
        words = [{**row, "outcome": "http_server_error" if bad(row["pair_id"]) else "dns_failed"} for row in rows]
        pq.write_table(pa.Table.from_pylist(words), place)
    before = Counter(request.path for request in web.requests())
    for index in RETRIED:
        web.serve(f"/{index}.jpg", jpeg())
    options = ["--only", "http_server_error", "--output", second]
    done = laion_here(capsys, "download", "--retry", place, *options, *WEB)
    assert done.returncode == 0, done.stderr
    asked = Counter(request.path for request in web.requests()) - before
    assert asked == {f"/{index}.jpg": 1 for index in RETRIED}
    had = records(second)
    assert [
        (row["pair_id"], row["caption"], row["outcome"]) for row in sorted(had, key=lambda row: row["pair_id"])
    ] == [(index, f"picture {index}", "ok") for index in RETRIED]
    assert not {"detail", "source_width", "source_pair_id"} & set(had[0])


WRONG_USE = [
    ([REPOSITORY], "--output"),
    (["--output", "OUT"], "name a RELEASE"),
    (["no-such-release", "--output", "OUT"], "no release"),
    ([REPOSITORY, "--output", "OUT", "--format", "tfrecord"], "webdataset, parquet, files"),
    ([REPOSITORY, "--output", "OUT", "--encode", "gif"], "jpg, webp, png, original"),
    ([REPOSITORY, "--output", "OUT", "--resize", "stretch"], "center_crop"),
    ([REPOSITORY, "--output", "OUT", "--quality", "101"], "1 to 100"),
    ([REPOSITORY, "--output", "OUT", "--encode", "png", "--quality", "90"], "--encode png has none"),
    ([REPOSITORY, "--output", "OUT", "--split", "nope"], f"{REPOSITORY} has no split 'nope'; it has train"),
    ([REPOSITORY, "--output", "OUT", "--shard-size", "0"], "at least 1"),
    ([REPOSITORY, "--output", "OUT", "--timeout", "soon"], "must be a number"),
    ([REPOSITORY, "--output", "OUT", "--integrity", "trust"], "prefer"),
    ([REPOSITORY, "--output", "OUT", "--contact", "me; you"], "contact"),
    ([REPOSITORY, "--output", "OUT", "--only", "timed_out"], "--retry"),
    ([REPOSITORY, "--output", "OUT", "--columns", "text"], "caption"),
    ([REPOSITORY, "--output", "FULL"], "something else"),
    ([REPOSITORY, "--output", "FULL/mine.txt"], "is a file"),
    ([REPOSITORY, "--retry", "FULL", "--output", "OUT"], "leave out release"),
    (["--retry", "FULL", "--only", "opted_out", "--output", "OUT"], "never retried"),
    (["--retry", "FULL", "--only", "dead", "--output", "OUT"], "no outcome"),
    (["--retry", "gone", "--output", "OUT"], "no parquet file"),
    (["--retry", "FULL/other.parquet", "--output", "OUT"], "lacks a column url or outcome"),
]
FAILED = [
    (["me/nothing", "--output", "OUT"], "me/nothing"),
    (["--retry", "FULL/bad.parquet", "--output", "OUT"], "no parquet file that can be read"),
]


@pytest.mark.parametrize(
    ("arguments", "sentence", "status"),
    [(*case, 2) for case in WRONG_USE] + [(*case, 1) for case in FAILED],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes(
    arguments: list[str],
    sentence: str,
    status: int,
    repository: LoopbackHub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("important")
    (full / "bad.parquet").write_text("not parquet")
    pq.write_table(pa.table({"link": ["u"]}), full / "other.parquet")
    given = [argument.replace("FULL", str(full)).replace("OUT", str(tmp_path / "out")) for argument in arguments]
    done = laion_here(capsys, "download", *given)
    assert done.returncode == status, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_going_on_with_other_settings_is_refused(
    repository: LoopbackHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["download", REPOSITORY, "--output", tmp_path / "out", "--limit", "3", "--quiet", *WEB]
    assert laion_here(capsys, *command).returncode == 0
    done = laion_here(capsys, *command, "--quality", "90", "--filter", "pair_id > 3")
    assert done.returncode == 2
    assert 'filter was [] and is now ["pair_id > 3"]; quality was 95 and is now 90' in done.stderr


def test_the_help_names_every_word(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(laion_here(capsys, "download", "--help").stdout.split())
    for words in (FORMATS, ENCODES, RESIZE_MODES, INTEGRITY_MODES):
        assert f"{', '.join(words[:-1])} or {words[-1]}" in text


def test_a_full_disk_is_one_sentence_and_the_rest_comes_later(
    repository: LoopbackHub, web: ImageHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The limit on a file's size stands for the disk: the second shard's pictures do not fit."""
    out = tmp_path / "out"
    web.serve("/15.jpg", jpeg(2000))
    command = ["download", REPOSITORY, "--output", out, "--shard-size", "10", "--resize", "no", *WEB]

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, resource.RLIM_INFINITY))

    done = laion(*command, preexec_fn=small_files)
    assert done.returncode == 1
    sentence = done.stderr.decode().strip().splitlines()[-1]
    assert sentence.startswith(f"laion download: {out} cannot be written (")
    assert "free some space" in sentence
    assert b"images: " in done.stderr
    assert b"Traceback" not in done.stderr
    assert not list(out.rglob(".partial-*"))
    assert not (out / "00001.tar").exists()
    requests = Counter(request.path for request in web.requests())
    kept = {path: path.stat().st_mtime_ns for path in out.glob("0*_stats.json")}
    assert laion_here(capsys, *command).returncode == 0
    assert_exactly_once(out, 10)
    assert all(path.stat().st_mtime_ns == at for path, at in kept.items())
    if kept:
        again = Counter(request.path for request in web.requests()) - requests
        assert not {f"/{index}.jpg" for index in range(10)} & set(again)


@pytest.mark.ci
def test_a_disk_that_is_really_full(
    repository: LoopbackHub, web: ImageHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file system of 1 MB (needs root): every format says so, keeps what is finished, and goes on later."""
    disk = tmp_path / "disk"
    disk.mkdir()
    for format in FORMATS:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
        try:
            ballast, out = disk / "ballast", disk / "out"
            ballast.write_bytes(bytes(300_000))
            command = ["download", REPOSITORY, "--output", out, "--format", format, "--shard-size", "10", *WEB]
            full = laion_here(capsys, *command, "--quality", "99")
            assert full.returncode == 1
            assert f"{out} cannot be written (No space left on device); free some space" in full.stderr
            assert not list(out.rglob(".partial-*"))
            ballast.unlink()
            subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
            finished = len(list(out.glob("0*_stats.json")))
            before, now = -1, len(web.requests())
            while now != before:  # what the run that ended had asked for may come late
                time.sleep(1.0)
                before, now = now, len(web.requests())
            assert laion_here(capsys, *command, "--quality", "99").returncode == 0
            assert len(web.requests()) - before == N - 10 * finished
            assert sorted(row["pair_id"] for row in records(out)) == list(range(N))
        finally:
            subprocess.run(["umount", disk], check=True)


KILLER = """
import json, os, random, signal, sys, time
import laion_dataset, laion_pairs.images.export.export
from laion_pairs.cli import main

arguments, seeds = json.loads(sys.argv[1]), json.loads(sys.argv[2])
for seed in seeds:
    child = os.fork()
    if not child:
        sys.stderr = open(os.devnull, "w")
        os._exit(main(arguments))
    time.sleep(random.Random(seed).uniform(0.0, 1.2))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize(
    "kills",
    [5, pytest.param(20, marks=pytest.mark.ci), pytest.param(200, marks=pytest.mark.soak)],
)
def test_killed_and_resumed_is_uninterrupted(
    kills: int, repository: LoopbackHub, web: ImageHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``kill -9`` at random moments of several downloads; what is finished is whole at every moment, and stays."""
    for download in range(-(-kills // 5)):
        out = tmp_path / f"out-{download}"
        for index in range(N):
            if not bad(index):
                web.serve(f"/{index}.jpg", jpeg(), delay_s=random.Random(index + download).uniform(0.05, 0.3))
        command = ["download", REPOSITORY, "--output", str(out), "--shard-size", "4", "--quiet", *WEB]
        seeds = list(range(5 * download, min(kills, 5 * download + 5)))
        killer = [sys.executable, "-c", KILLER, json.dumps(command), json.dumps(seeds)]
        subprocess.run(killer, check=True, timeout=120, env=dict(os.environ))
        for stats in out.glob("0*_stats.json"):
            name = stats.name[:5]
            assert members(out / f"{name}.tar")
            assert pq.read_table(out / f"{name}.parquet").num_rows == json.loads(stats.read_bytes())["count"]
        kept = {path: path.stat().st_mtime_ns for path in out.glob("0*_stats.json")}
        assert laion_here(capsys, *command).returncode == 0
        assert all(path.stat().st_mtime_ns == at for path, at in kept.items())
        assert_exactly_once(out, 4)


def tar_rows(tar_bytes: bytes) -> list[dict[str, Any]]:
    """The records in a tar, after a look at how its members stand."""
    with tarfile.open(fileobj=io.BytesIO(tar_bytes)) as tar:
        names = tar.getnames()
        assert [Path(name).suffix for name in names] == [".jpg", ".txt", ".json"] * (len(names) // 3)
        return [json.load(tar.extractfile(name)) for name in names[2::3]]  # type: ignore[arg-type]


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_the_parts_of_a_tar_are_disjoint_and_complete(parts: int, repository: LoopbackHub) -> None:
    """With as many files as parts or more, whole files; with fewer, every so-manieth row."""
    stream = laion_dataset.load_dataset(REPOSITORY, split="train", streaming=True)
    settings = ExportSettings(encode="original", resize=Resize(mode="no"))
    policy = DownloadPolicy(allow_private=True, max_retries=0)
    seen: list[list[int]] = []
    for part in range(parts):
        out = io.BytesIO()
        rows = part_of(stream, part, parts)
        schema = stream.features.arrow_schema
        stream_tar(rows, schema, out, settings, settings.download(policy=policy), part=part)
        seen.append([row["pair_id"] for row in tar_rows(out.getvalue())])
    assert sorted(row for rows in seen for row in rows) == [index for index in range(N) if not bad(index)]
    assert min(map(len, seen)) > 0


def test_a_tar_is_all_that_is_on_standard_output(repository: LoopbackHub) -> None:
    done = laion("tar", REPOSITORY, "--shard", "00001", "--shards", "4", *WEB)
    assert done.returncode == 0, done.stderr
    rows = tar_rows(done.stdout)
    assert sorted(row["pair_id"] for row in rows) == [index for index in range(10, 20) if not bad(index)]
    assert [row["key"] for row in rows] == [f"00001{written:09d}" for written in range(9)]
    assert b"images: 9 ok of 10" in done.stderr


def test_a_reader_that_has_enough_ends_the_tar_quietly(repository: LoopbackHub, web: ImageHost) -> None:
    for index in range(N):
        web.serve(f"/{index}.jpg", jpeg(1000))
    tar = f"{sys.executable} -m laion_pairs.cli tar {REPOSITORY} --shard 0 --shards 1 --resize no {' '.join(WEB)}"
    done = subprocess.run(
        ["bash", "-c", f'{tar} | head -c 2000 | wc -c; echo "${{PIPESTATUS[0]}}"'], capture_output=True, timeout=120
    )
    assert done.stdout.split() == [b"2000", b"0"]
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


def test_a_tar_that_could_not_go_on_has_no_end(repository: LoopbackHub, tmp_path: Path) -> None:
    """A file of the release turns out to be unreadable half-way: readers must not take the rest for the whole."""
    good = repository.repositories[REPOSITORY].commits[-1].files["data-0.parquet"].content
    assert isinstance(good, bytes)
    (tmp_path / "0.parquet").write_bytes(good)
    (tmp_path / "1.parquet").write_bytes(good[:4] + bytes(100) + good[104:])
    stream = laion_dataset.load_dataset(str(tmp_path), split="train", streaming=True)
    out, settings = io.BytesIO(), ExportSettings()
    download = settings.download(policy=DownloadPolicy(allow_private=True, max_retries=0), concurrency=2)
    with pytest.raises(CorruptShard):
        stream_tar(stream, stream.features.arrow_schema, out, settings, download, part=0)
    assert not out.getvalue().endswith(bytes(1024))


WRONG_TAR = [
    ([REPOSITORY, "--shard", "4", "--shards", "4"], "too high"),
    ([REPOSITORY, "--shard", "-1", "--shards", "4"], "--shard"),
    ([REPOSITORY, "--shards", "4"], "--shard"),
    ([REPOSITORY, "--shard", "0", "--shards", "0"], "at least 1"),
    ([REPOSITORY, "--shard", "0", "--shards", "1", "--encode", "bmp"], "jpg, webp, png, original"),
]


@pytest.mark.parametrize(("arguments", "sentence"), WRONG_TAR)
def test_wrong_tars(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = laion_here(capsys, "tar", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stdout == ""


def test_both_commands_are_registered() -> None:
    commands = next(action for action in parser()._actions if action.dest == "command")
    assert {"download", "tar"} <= set(commands.choices or ())
