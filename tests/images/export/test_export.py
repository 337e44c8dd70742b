"""A stream of rows into a folder, over real sockets: every row once, also after an interruption."""

from __future__ import annotations

import json
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from made_up import ROWS, ListRows, picture_bytes

from laion_pairs.errors import ExportError, ExportMismatch
from laion_pairs.images import DownloadPolicy, RemoteImage
from laion_pairs.images.export.export import OPEN_SHARDS, export, finished_rows
from laion_pairs.images.export.manifest import begin
from laion_pairs.images.export.naming import sample_key
from laion_pairs.images.export.settings import ExportSettings
from laion_pairs.images.export.stats import stats_path
from laion_pairs.ledger import Outcome
from laion_pairs.sample import ImageHost

POLICY = DownloadPolicy(
    allow_private=True,
    max_retries=0,
    requests_per_host=64,
    host_interval_s=0,
    breaker_failures=1000,
    connect_timeout_s=30,
)
SETTINGS = ExportSettings(shard_rows=10)
SOURCE = {"release": "made up"}


@pytest.fixture
def host() -> Iterator[ImageHost]:
    with ImageHost() as host:
        host.serve("/good.jpg", picture_bytes())
        host.gone("/gone.jpg")
        host.not_an_image("/page.jpg")
        yield host


def rows_at(host: ImageHost, n: int, path: str = "") -> list[dict[str, Any]]:
    """Rows with different URLs; every fifth is dead, every seventh no image."""
    rows = []
    for index in range(n):
        place = path or ("/gone.jpg" if index % 5 == 0 else "/page.jpg" if index % 7 == 0 else "/good.jpg")
        url = host.url(place)
        rows.append(
            {"image": RemoteImage(url), "url": f"{url}#{index}", "caption": f"picture {index}", "pair_id": index}
        )
    return rows


def expected(n: int) -> Counter[str]:
    return Counter(
        "http_client_error" if index % 5 == 0 else "not_an_image" if index % 7 == 0 else "ok" for index in range(n)
    )


def run(rows: ListRows, out: Path, settings: ExportSettings = SETTINGS, **options: Any) -> Any:
    download = settings.download(policy=POLICY, concurrency=options.pop("concurrency", 8))
    return export(rows, ROWS, out, settings, download, source=SOURCE, **options)


def check_exactly_once(out: Path, n: int, shard_rows: int = 10) -> None:
    """Every row is in its own shard, once, with the outcome that it must have; images and records agree."""
    indices: list[int] = []
    for shard in range(-(-n // shard_rows)):
        records = pq.read_table(out / f"{shard:05d}.parquet").to_pylist()
        assert [record["key"] for record in records] == [
            sample_key(shard, written, shard_rows) for written in range(len(records))
        ]
        assert {record["pair_id"] // shard_rows for record in records} == {shard}
        indices += [record["pair_id"] for record in records]
        with tarfile.open(out / f"{shard:05d}.tar") as tar:
            keys = [Path(name).stem for name in tar.getnames() if name.endswith(".json")]
        assert sorted(keys) == sorted(record["key"] for record in records if record["outcome"] == "ok")
        stats = json.loads(stats_path(out, shard).read_bytes())
        assert (stats["shard"], stats["first_row"], stats["count"]) == (shard, shard * shard_rows, len(records))
    assert sorted(indices) == list(range(n))
    assert not list(out.rglob(".partial-*"))
    total = json.loads((out / "stats.json").read_bytes())
    assert Counter({"ok" if w == "success" else w: m for w, m in total["status_dict"].items()}) == expected(n)


@pytest.mark.parametrize("n", [0, 1, 9, 10, 11, 30, 57])
def test_every_row_is_in_its_shard_once(host: ImageHost, tmp_path: Path, n: int) -> None:
    told: list[Outcome] = []
    summary = run(ListRows(rows_at(host, n)), tmp_path / "out", progress=told.append)
    assert (summary.counts.rows, summary.shards) == (n, -(-n // 10))
    assert Counter(outcome.value for outcome in told) == expected(n)
    check_exactly_once(tmp_path / "out", n)


def test_a_finished_export_asks_for_nothing(host: ImageHost, tmp_path: Path) -> None:
    for n in (23, 20):
        out = tmp_path / f"out-{n}"
        run(ListRows(rows_at(host, n)), out)
        before = host.count()
        again = ListRows(rows_at(host, n))
        assert run(again, out).counts.rows == n
        assert (host.count(), again.read) == (before, 0)


def test_a_limit_ends_the_stream(host: ImageHost, tmp_path: Path) -> None:
    rows = ListRows(rows_at(host, 100))
    assert run(rows, tmp_path / "out", limit=15).counts.rows == 15
    assert rows.read == 15
    check_exactly_once(tmp_path / "out", 15)
    with pytest.raises(ExportMismatch, match="limit was 15 and is now 16"):
        run(rows, tmp_path / "out", limit=16)


class Stop(Exception):
    """What ends a run early in these tests."""


@pytest.mark.parametrize("after", [1, 9, 12, 33, 56])
def test_an_interrupted_export_goes_on_where_it_was(host: ImageHost, tmp_path: Path, after: int) -> None:
    out, n, told = tmp_path / "out", 57, 0

    def stop(outcome: Outcome) -> None:
        nonlocal told
        told += 1
        if told == after:
            raise Stop

    with pytest.raises(Stop):
        run(ListRows(rows_at(host, n)), out, progress=stop)
    assert not list(out.rglob(".partial-*"))
    finished = finished_rows(out)
    assert finished % 10 == 0
    kept = {path: path.stat().st_mtime_ns for path in out.glob("*.tar")}
    rest = ListRows(rows_at(host, n))
    run(rest, out)
    assert rest.read == n - finished
    assert all(path.stat().st_mtime_ns == at for path, at in kept.items())
    check_exactly_once(out, n)


def test_what_a_kill_left_is_removed(host: ImageHost, tmp_path: Path) -> None:
    """Between its tar and its stats, and in the middle of its tar."""
    out = tmp_path / "out"
    run(ListRows(rows_at(host, 35)), out)
    (out / "00003_stats.json").unlink()
    (out / "stats.json").unlink()
    (out / ".partial-00004.tar").write_bytes(b"half")
    rest = ListRows(rows_at(host, 35))
    run(rest, out)
    assert rest.read == 5
    check_exactly_once(out, 35)


@pytest.mark.parametrize("name", [".partial-00001.tar", "00000.tar", ".partial-00000.parquet"])
def test_a_link_to_a_folder_is_removed_and_the_folder_is_not(host: ImageHost, tmp_path: Path, name: str) -> None:
    out, mine = tmp_path / "out", tmp_path / "mine"
    begin(out, {**SOURCE, "limit": None, **SETTINGS.as_dict()})
    mine.mkdir()
    (mine / "important").touch()
    (out / name).symlink_to(mine, target_is_directory=True)
    run(ListRows(rows_at(host, 15)), out)
    check_exactly_once(out, 15)
    assert (mine / "important").exists()


@pytest.mark.parametrize("resume", [None, [], {}, {"at": "?"}, {"elsewhere": 3}, {"at": 10, "epoch": 2}, {"at": {}}])
def test_a_state_of_another_stream_is_told(host: ImageHost, tmp_path: Path, resume: Any) -> None:
    out = tmp_path / "out"
    run(ListRows(rows_at(host, 15)), out)
    (out / "00001_stats.json").unlink()
    stats = json.loads(stats_path(out, 0).read_bytes())
    stats_path(out, 0).write_text(json.dumps({**stats, "resume": resume}))
    with pytest.raises(ExportError, match=r"00000_stats\.json is not .* remove it"):
        run(ListRows(rows_at(host, 15)), out)


NOWHERE = [("/proc/laion/out", "cannot be made .*choose a place"), ("FILE/out", "cannot be (made|read)")]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux")
@pytest.mark.parametrize(("place", "sentence"), NOWHERE)
def test_a_folder_that_cannot_be_is_told_as_that(host: ImageHost, tmp_path: Path, place: str, sentence: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match=sentence) as told:
        run(ListRows(rows_at(host, 1)), Path(place.replace("FILE", str(tmp_path / "file"))))
    assert "free some space" not in str(told.value)


@pytest.mark.parametrize("name", [".lock", ".partial-manifest.json"])
def test_a_folder_in_the_way_is_one_sentence(host: ImageHost, tmp_path: Path, name: str) -> None:
    (tmp_path / "out" / name).mkdir(parents=True)
    with pytest.raises(ExportError, match=f"{name} cannot be written"):
        run(ListRows(rows_at(host, 1)), tmp_path / "out")


def test_the_stats_come_last(host: ImageHost, tmp_path: Path) -> None:
    """Where the images cannot be shown, nothing says that the shard is finished."""
    out = tmp_path / "out"

    def obstruct(outcome: Outcome) -> None:
        (out / "00001.tar" / "in the way").mkdir(parents=True, exist_ok=True)

    with pytest.raises(ExportError, match="cannot be written"):
        run(ListRows(rows_at(host, 35)), out, progress=obstruct)
    assert [path.name for path in sorted(out.glob("0*_stats.json"))] == ["00000_stats.json"]
    assert not (out / "00001.parquet").exists()
    run(ListRows(rows_at(host, 35)), out)
    check_exactly_once(out, 35)


@pytest.mark.parametrize("format", ["parquet", "files"])
def test_the_other_formats_resume_too(host: ImageHost, tmp_path: Path, format: Any) -> None:
    out, settings = tmp_path / "out", ExportSettings(format=format, shard_rows=10)
    whole = run(ListRows(rows_at(host, 25)), out, settings).counts.outcomes
    (out / "00002_stats.json").unlink()
    assert run(ListRows(rows_at(host, 25)), out, settings).counts.outcomes == whole == expected(25)
    if format == "parquet":
        images = [pq.read_table(path).num_rows for path in sorted(out.glob("data/*.parquet"))]
    else:
        images = [len(list(folder.glob("*.jpg"))) for folder in sorted(out.glob("0000?"))]
    assert sum(images) == whole["ok"]
    assert len(images) == 3


def test_a_slow_host_does_not_stall_the_next_shards(host: ImageHost, tmp_path: Path) -> None:
    """While one row of the first shard waits, the next ones are filled, and no more than are allowed to be open."""
    rows = rows_at(host, 200, "/good.jpg")
    host.silent("/slow.jpg", seconds=4)
    rows[3]["image"] = RemoteImage(host.url("/slow.jpg"))
    done: list[int] = []
    seen_at_slow: list[int] = []

    def note(outcome: Outcome) -> None:
        done.append(1)
        if outcome is not Outcome.OK:
            seen_at_slow.append(len(done))

    download = SETTINGS.download(policy=POLICY, concurrency=8)
    out = tmp_path / "out"
    summary = export(ListRows(rows), ROWS, out, SETTINGS, download, source=SOURCE, progress=note)
    assert summary.counts.rows == 200
    assert seen_at_slow == [OPEN_SHARDS * 10]


def test_two_cannot_write_to_one_folder(host: ImageHost, tmp_path: Path) -> None:
    out, tried = tmp_path / "out", []

    def other(outcome: Outcome) -> None:
        if not tried:
            tried.append(1)
            with pytest.raises(ExportError, match="Another laion download"):
                run(ListRows(rows_at(host, 30)), out)

    run(ListRows(rows_at(host, 30)), out, progress=other)
    check_exactly_once(out, 30)


def test_withdrawn_rows_are_counts_alone(host: ImageHost, tmp_path: Path) -> None:
    rows = rows_at(host, 12, "/good.jpg")
    for index in (4, 11):
        rows[index]["image"] = RemoteImage({"path": host.url("/secret.jpg"), "withdrawn": "laion400m"})
        rows[index]["url"] = rows[index]["caption"] = "secret"
    summary = run(ListRows(rows), tmp_path / "out")
    assert summary.counts.outcomes == {"ok": 10, "withdrawn": 2}
    assert host.count("/secret.jpg") == 0
    assert not any(b"secret" in path.read_bytes() for path in (tmp_path / "out").iterdir())
