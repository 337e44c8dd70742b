"""Exact resume: whenever a state is taken, what loads it gives every row not delivered by then, exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from gallery import Gallery, there
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.stream import download_images

N_ROWS = 70

Stream = datasets.IterableDataset


def _as_it_is(images: Stream) -> Stream:
    return images


def _mapped(images: Stream) -> Stream:
    return images.map(lambda row: {"n": row["n"]})


def _mapped_in_batches(images: Stream) -> Stream:
    return images.map(lambda batch: {"n": batch["n"]}, batched=True, batch_size=4)


def _filtered(images: Stream) -> Stream:
    return images.filter(lambda row: row["n"] % 3 != 1)


def _shards(gallery: Gallery, n_shards: int) -> Stream:
    return gallery.pairs(N_ROWS).to_iterable_dataset(num_shards=n_shards)


def _examples(shards: list[int], urls: list[str]) -> Iterator[dict[str, Any]]:
    for shard in shards:
        yield from ({"image": {"path": urls[n]}, "n": n} for n in range(shard, N_ROWS, 5))


def _row_by_row(gallery: Gallery, n_shards: int) -> Stream:
    arguments = {
        "shards": list(range(n_shards)) if n_shards > 1 else (0, 1, 2, 3, 4),
        "urls": tuple(gallery.urls(N_ROWS)),
    }
    return datasets.IterableDataset.from_generator(_examples, gen_kwargs=arguments, features=gallery.pairs(1).features)


def _formatted_in_batches(images: Stream) -> Stream:
    return _mapped_in_batches(images.with_format("numpy"))


def _in_batches_of_batches(images: Stream) -> Stream:
    return _mapped_in_batches(images.map(lambda batch: {"n": batch["n"]}, batched=True, batch_size=7))


EXACT = [_as_it_is, _mapped, _mapped_in_batches, _filtered, _formatted_in_batches, _in_batches_of_batches]


@pytest.fixture(scope="module")
def web() -> Any:
    """Pictures of which some are gone and some let wait."""
    with Gallery() as host:
        host.urls(N_ROWS)
        for number in (2, 11, 40, 66):
            host.slow(number, delay_s=0.03)
        yield host


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stops=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    n_shards=st.sampled_from([1, 5]),
    ordered=st.booleans(),
    concurrency=st.sampled_from([1, 8, 64]),
    source=st.sampled_from([_shards, _row_by_row]),
    chain=st.sampled_from(EXACT),
)
def test_every_row_exactly_once(
    web: Gallery,
    hurry: DownloadPolicy,
    stops: list[int],
    n_shards: int,
    ordered: bool,
    concurrency: int,
    source: Callable[[Gallery, int], Stream],
    chain: Callable[[Stream], Stream],
) -> None:
    def fresh() -> Stream:
        options: dict[str, Any] = {"size": 8, "ordered": ordered, "concurrency": concurrency, "policy": hurry}
        return chain(download_images(source(web, n_shards), **options))

    wanted = sorted(row["n"] for row in fresh())
    rows, state = [], None
    for stop in (*stops, N_ROWS):
        images = fresh()
        if state is not None:
            images.load_state_dict(state)
        running = iter(images)
        for _ in range(stop):
            row = next(running, None)
            rows += [row["n"]] if row is not None else []
        state = json.loads(json.dumps(images.state_dict()))
        running.close()
    assert sorted(rows) == wanted
    if ordered and source is _shards:
        assert rows == wanted


def test_delivered_rows_are_not_fetched_again(gallery: Gallery, hurry: DownloadPolicy) -> None:
    pairs = gallery.pairs(N_ROWS)
    gallery.slow(1, delay_s=0.5)
    images = download_images(pairs, size=8, policy=hurry, concurrency=4)
    running = iter(images)
    before = [next(running)["n"] for _ in range(20)]
    state = images.state_dict()
    running.close()
    asked = gallery.requested()
    images.load_state_dict(state)
    after = [row["n"] for row in images]
    assert sorted(before + after) == there(N_ROWS)
    asked = gallery.requested() - asked
    assert not set(asked) & set(before)
    assert 1 in after
    assert len(asked) == len(after) + len([n for n in asked if n not in after])


def test_failures_taken_note_of_are_not_fetched_again(gallery: Gallery, hurry: DownloadPolicy) -> None:
    images = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry, ordered=True)
    running = iter(images)
    for _ in range(10):
        last = next(running)["n"]
    state = images.state_dict()
    running.close()
    before = gallery.requested()
    images.load_state_dict(state)
    list(images)
    assert min(gallery.requested() - before) == last + 1


def test_a_taken_part_ends_where_it_would_have(gallery: Gallery, hurry: DownloadPolicy) -> None:
    images = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry, ordered=True).take(20)
    running = iter(images)
    rows = [next(running)["n"] for _ in range(7)]
    images.load_state_dict(images.state_dict())
    rows += [row["n"] for row in images]
    assert rows == there(N_ROWS)[:20]


def test_batches(gallery: Gallery, hurry: DownloadPolicy) -> None:
    batches = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry).batch(5)
    running = iter(batches)
    rows = [n for _ in range(4) for n in next(running)["n"]]
    batches.load_state_dict(batches.state_dict())
    rows += [n for batch in batches for n in batch["n"]]
    assert sorted(rows) == there(N_ROWS)


def test_a_split_is_resumed_by_each_node(gallery: Gallery, hurry: DownloadPolicy) -> None:
    from datasets.distributed import split_dataset_by_node

    images = download_images(_shards(gallery, 5), size=8, policy=hurry, concurrency=2)  # of 14 rows, not 3 times n
    rows = []
    for rank in range(3):
        part = split_dataset_by_node(images, rank, 3)
        running = iter(part)
        rows += [next(running)["n"] for _ in range(11)]
        part.load_state_dict(part.state_dict())
        rows += [row["n"] for row in part]
    assert sorted(rows) == there(N_ROWS)


def test_the_state_at_the_beginning_and_at_the_end(gallery: Gallery, hurry: DownloadPolicy) -> None:
    images = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry)
    images.load_state_dict(images.state_dict())
    assert sorted(row["n"] for row in images) == there(N_ROWS)
    count = gallery.count()
    images.load_state_dict(images.state_dict())
    assert list(images) == []
    assert gallery.count() == count


def test_a_state_is_small_and_plain(gallery: Gallery, hurry: DownloadPolicy) -> None:
    images = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry, concurrency=64)
    running = iter(images)
    states = []
    for _ in range(30):
        next(running)
        states.append(images.state_dict())
    assert all(len(json.dumps(state)) < 1000 for state in states)
    assert states == json.loads(json.dumps(states))
    assert [state == states[-1] for state in states].count(True) == 1


def test_a_shuffle_buffer_behind_us_says_that_it_forgets(
    gallery: Gallery, hurry: DownloadPolicy, caplog: pytest.LogCaptureFixture
) -> None:
    images = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry).shuffle(seed=1, buffer_size=5)
    running = iter(images)
    next(running)
    state = images.state_dict()
    running.close()
    images.load_state_dict(state)
    datasets.logging.enable_propagation()
    try:
        rows = [row["n"] for row in images]
    finally:
        datasets.logging.disable_propagation()
    assert "shuffle buffer" in caplog.text
    assert len(rows) == len(set(rows))


CHILD = """
import json, os, sys
import datasets
from laion_pairs.images import DownloadPolicy
from laion_pairs.images.stream import download_images

folder, base_url, n_rows, ordered = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "ordered"
rows = datasets.Dataset.from_dict(
    {"url": [f"{base_url}/{n}.jpg" for n in range(n_rows)], "n": list(range(n_rows))}
).to_iterable_dataset(num_shards=2)
policy = DownloadPolicy(allow_private=True, host_interval_s=0.0, max_retries=0, stop_after_failures=0)
images = download_images(rows, url_column="url", size=8, policy=policy, ordered=ordered, concurrency=16)
log = os.path.join(folder, "log")
if os.path.exists(log):
    saved = [json.loads(line) for line in open(log) if line.endswith("\\n")]
    if saved:
        images.load_state_dict(saved[-1]["state"])
with open(log, "a") as file:
    for row in images:
        file.write(json.dumps({"n": row["n"], "state": images.state_dict()}) + "\\n")
        file.flush()
print("done")
"""


def _killed_and_resumed(gallery: Gallery, folder: Path, kills: int, order: str) -> None:
    """A row and the state with it are one line, so that what was delivered is what the last state says."""
    gallery.urls(N_ROWS)
    for number in range(0, N_ROWS, 6):
        gallery.slow(number, delay_s=0.1)
    command = [sys.executable, "-c", CHILD, str(folder), gallery.base_url, str(N_ROWS), order]
    log = folder / "log"
    for kill in range(kills):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        enough = (kill + 1) * N_ROWS // (kills + 2)
        while child.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < enough):
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        whole = log.read_bytes() if log.exists() else b""
        log.write_bytes(whole[: whole.rfind(b"\n") + 1])  # a row whose line is half was not delivered
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.stdout == "done\n", ended.stderr
    rows = [json.loads(line)["n"] for line in log.read_text().splitlines()]
    assert sorted(rows) == [n for n in range(N_ROWS) if n in there(N_ROWS) or n % 6 == 0]


def test_after_a_kill(gallery: Gallery, tmp_path: Path) -> None:
    _killed_and_resumed(gallery, tmp_path, kills=1, order="unordered")


@pytest.mark.ci
@pytest.mark.parametrize("order", ["ordered", "unordered"])
def test_after_many_kills(gallery: Gallery, tmp_path: Path, order: str) -> None:
    _killed_and_resumed(gallery, tmp_path, kills=10, order=order)
