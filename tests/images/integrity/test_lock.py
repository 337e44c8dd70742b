"""The lock: what one run adds the next one finds, whoever wrote it and however it ended; and half a lock is none."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laion_pairs.errors import LockError
from laion_pairs.images.integrity import lock as module
from laion_pairs.images.integrity.lock import PictureLock
from laion_pairs.images.integrity.lock_index import Locked, open_index
from laion_pairs.images.integrity.lock_part import ENTRY, SCHEMA, write_part


def entry_of(number: int) -> dict:
    return {
        "url_hash": number,
        "sha256": number.to_bytes(32, "big"),
        "phash": number * 7 % 2**64,
        "width": 3,
        "height": 4,
    }


def add(lock: PictureLock, *numbers: int) -> None:
    for number in numbers:
        lock.add(**entry_of(number), n_bytes=number % 2**32)


def locked(number: int) -> Locked:
    return Locked(number.to_bytes(32, "big"), number * 7 % 2**64)


def part_of(path: Path, rows: list[tuple[int, int, int]]) -> Path:
    """Write a part of (url_hash, phash, first_seen)."""
    entries = np.zeros(len(rows), ENTRY)
    for at, (url_hash, phash, first_seen) in enumerate(rows):
        entries[at]["url_hash"], entries[at]["phash"], entries[at]["first_seen"] = url_hash, phash, first_seen
        entries[at]["sha256"][:] = phash % 256
    write_part(path, entries)
    return path


def write_some(path: str, start: int, stop: int) -> None:
    lock = PictureLock(path)
    add(lock, *range(start, stop))
    lock.close()


ROWS = st.lists(
    st.tuples(st.integers(0, 9) | st.integers(2**64 - 3, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 5))
)


@given(st.lists(ROWS, max_size=4))
@settings(max_examples=60, deadline=None)
def test_of_several_entries_the_one_seen_first_counts(tmp_path_factory: pytest.TempPathFactory, parts: list) -> None:
    directory = tmp_path_factory.mktemp("lock")
    paths = [part_of(directory / f"{number}.parquet", rows) for number, rows in enumerate(parts)]
    first: dict[int, tuple[int, int]] = {}
    for url_hash, phash, first_seen in (row for rows in parts for row in rows):
        if url_hash not in first or first_seen < first[url_hash][1]:
            first[url_hash] = (phash, first_seen)
    for index in (open_index(paths), open_index(paths, directory), open_index(paths, directory)):
        assert len(index) == len(first)
        for key in {*first, 5, 2**64 - 1, 0}:
            expected = first.get(key)
            assert index.find(key) == (expected and Locked(bytes([expected[0] % 256]) * 32, expected[0]))


def test_what_one_run_adds_the_next_one_finds(tmp_path: Path) -> None:
    first = PictureLock(str(tmp_path / "a" / "run.lock"))
    assert not (tmp_path / "a").exists()
    add(first, 1, 2, 2**64 - 1, 2)
    assert first.find(1) is None  # what this run adds counts for the next
    assert not first.wants(1)
    first.close()
    second = PictureLock(str(tmp_path / "a" / "run.lock"))
    assert len(second) == 3
    assert [second.find(number) for number in (1, 2, 3)] == [locked(1), locked(2), None]
    assert not second.wants(1)
    assert second.wants(3)
    assert second.find(2**64 - 1) == locked(2**64 - 1)


def test_other_programs_read_it_as_one_table(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    for start in (0, 10):
        write_some(str(path), start, start + 10)
    PictureLock(str(path))  # leaves an index there
    (path / "_half.tmp").write_bytes(b"half")
    frame = pd.read_parquet(path).sort_values("url_hash")
    assert frame.url_hash.tolist() == list(range(20))
    assert frame.bytes.tolist() == list(range(20))
    assert abs(frame.first_seen.iloc[0] - datetime.now(timezone.utc)).total_seconds() < 600
    pq.write_table(pq.read_table(path), tmp_path / "one.parquet")
    single = PictureLock(str(tmp_path / "one.parquet"))
    assert (len(single), single.find(19), single.wants(99)) == (20, locked(19), False)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.parquet", "run.lock"]


def test_parts_are_begun_anew_and_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART_ROWS", 8)
    lock = PictureLock(str(tmp_path))
    add(lock, *range(20))
    assert len(list(tmp_path.glob("*.parquet"))) == 2  # full ones are written at once
    assert len(lock._added) == 4
    lock.close()
    written = {part: part.stat().st_mtime_ns for part in tmp_path.glob("*.parquet")}
    lock.close()
    assert {part: part.stat().st_mtime_ns for part in tmp_path.glob("*.parquet")} == written
    assert sorted(pq.read_metadata(p).num_rows for p in tmp_path.glob("*.parquet")) == [4, 8, 8]
    assert all(PictureLock(str(tmp_path)).find(number) == locked(number) for number in range(20))


def test_what_was_added_is_written_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_EVERY_S", 0.0)
    lock = PictureLock(str(tmp_path))
    add(lock, 1, 2, 3)
    assert len(PictureLock(str(tmp_path))) == 3  # nobody closed it
    assert len(list(tmp_path.glob("*.parquet"))) == 1


def test_threads_add_to_one_part(tmp_path: Path) -> None:
    lock = PictureLock(str(tmp_path))
    threads = [threading.Thread(target=add, args=(lock, *range(start, 400, 3))) for start in (0, 1, 2, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lock.close()
    found = PictureLock(str(tmp_path))
    assert len(found) == 400
    assert all(found.find(number) == locked(number) for number in range(400))


def test_two_processes_write_one_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    path = str(tmp_path / "run.lock")
    workers = [context.Process(target=write_some, args=(path, start, start + 300)) for start in (0, 200)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    found = PictureLock(path)
    assert len(found) == 500
    assert all(found.find(number) == locked(number) for number in range(500))


@pytest.mark.parametrize("rows", [3, pytest.param(17, marks=pytest.mark.ci)])
def test_a_kill_leaves_a_whole_lock(tmp_path: Path, rows: int) -> None:
    code = (
        "import sys; from laion_pairs.images.integrity import lock as module; module.PART_ROWS = 50\n"
        "module.WRITE_EVERY_S = 0.001; lock = module.PictureLock(sys.argv[1])\n"
        "for n in range(10**6):\n"
        " lock.add(url_hash=n, sha256=n.to_bytes(32, 'big'), phash=n * 7, width=3, height=4, n_bytes=n)\n"
        " print(n, flush=True)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(40 * rows):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    rest = process.communicate()[0].split()
    last = int(rest[-1]) if rest else 40 * rows - 1
    found = PictureLock(str(tmp_path))
    assert 40 * rows - 60 < len(found) <= last + 2
    assert all(found.find(number) == locked(number) for number in range(len(found)))


def test_what_a_kill_left_is_removed_a_day_later(tmp_path: Path) -> None:
    old, new = tmp_path / "_1-a.tmp", tmp_path / "_2-b.tmp"
    for file in (old, new):
        file.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    PictureLock(str(tmp_path))
    assert (old.exists(), new.exists()) == (False, True)


def test_the_index_is_built_once_and_anew_when_a_part_changes(tmp_path: Path) -> None:
    write_some(str(tmp_path), 0, 5)
    assert len(PictureLock(str(tmp_path))) == 5
    (index,) = tmp_path.glob("_*.index")
    built = index.stat().st_mtime_ns
    assert index.stat().st_size == 16 + 48 * 5
    held = PictureLock(str(tmp_path))
    assert index.stat().st_mtime_ns == built
    write_some(str(tmp_path), 5, 6)
    assert len(PictureLock(str(tmp_path))) == 6
    assert held.find(4) == locked(4)  # what was mapped stays
    (index,) = tmp_path.glob("_*.index")
    for damage in (b"", b"LAIONLK1", index.read_bytes()[:-1], b"x" * 16 + index.read_bytes()[16:]):
        index.write_bytes(damage)
        assert PictureLock(str(tmp_path)).find(5) == locked(5)


def _cut(part: Path) -> None:
    part.write_bytes(part.read_bytes()[:-9])


def _flip(part: Path) -> None:
    content = bytearray(part.read_bytes())
    content[content.index((300).to_bytes(32, "big")) + 30] ^= 1
    part.write_bytes(content)


def _other_columns(part: Path) -> None:
    pq.write_table(pa.table({"url": ["https://secret.example/x"]}), part)


def _other_types(part: Path) -> None:
    pq.write_table(pq.read_table(part).set_column(0, "url_hash", pa.array([1] * 400, pa.int64())), part)


def _later(part: Path) -> None:
    pq.write_table(pq.read_table(part).replace_schema_metadata({"laion_lock_format": "2"}), part)


def _nulls(part: Path) -> None:
    nullable = pa.schema([pa.field(field.name, field.type) for field in SCHEMA])
    pq.write_table(pa.Table.from_pylist([dict.fromkeys(SCHEMA.names)], nullable), part)


def _directory(part: Path) -> None:
    part.unlink()
    part.mkdir()


DAMAGE = {
    "cut": _cut,
    "a bit flipped": _flip,
    "other columns": _other_columns,
    "other types": _other_types,
    "a later format": _later,
    "nulls": _nulls,
    "a directory": _directory,
    "empty": lambda part: part.write_bytes(b""),
    "only the magic": lambda part: part.write_bytes(b"PAR1"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_half_a_lock_is_none(tmp_path: Path, damage) -> None:
    write_some(str(tmp_path), 0, 400)
    write_some(str(tmp_path), 400, 410)
    damage(next(part for part in tmp_path.glob("*.parquet") if pq.read_metadata(part).num_rows == 400))
    with pytest.raises(LockError) as error:
        PictureLock(str(tmp_path))
    assert str(error.value).count("\n") == 0
    assert "secret" not in str(error.value)
    assert not list(tmp_path.glob("*.tmp"))


def test_paths_that_are_no_lock(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(LockError, match="cannot be read"):
        PictureLock(str(tmp_path / "file"))
    with pytest.raises(LockError, match="no lock at"):
        PictureLock(str(tmp_path / "none"), must_exist=True)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LockError, match="neither"):
        PictureLock(str(tmp_path / "pipe"))
    lock = PictureLock(str(tmp_path / "file" / "inside"))
    add(lock, 1)
    with pytest.raises(LockError, match="cannot be written"):
        lock.close()


def test_a_lock_that_cannot_be_written_to_is_read(tmp_path: Path) -> None:
    lock = Path(tempfile.mkdtemp(dir="/tmp"))  # where other users may look
    try:
        write_some(str(lock), 0, 5)
        lock.chmod(0o555)
        child = multiprocessing.get_context("fork").Process(target=_read_as_nobody, args=(lock,))
        child.start()
        child.join(60)
        assert child.exitcode == 0
        assert not list(lock.glob("_*"))
    finally:
        lock.chmod(0o755)
        shutil.rmtree(lock)


def _read_as_nobody(lock: Path) -> None:
    if os.geteuid() == 0:  # root writes everywhere
        os.setuid(65_534)
    assert PictureLock(str(lock)).find(4) == locked(4)


def test_a_lock_holds_no_url(tmp_path: Path) -> None:
    assert not any(pa.types.is_string(field.type) for field in SCHEMA)
