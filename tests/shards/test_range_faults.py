"""Hosts that drop, truncate, stall, fail, expire and replace: no row is lost or repeated, or one clear error."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants
from range_host import RangeHost

from laion_pairs.errors import AccessDenied, HubUnreachable, NoShards, ShardError
from laion_pairs.sample.loopback import Answer
from laion_pairs.shards import opening
from laion_pairs.shards.formats import open_source
from laion_pairs.shards.ranges import Patience, Remote
from laion_pairs.shards.ranges.host import refusal_of
from laion_pairs.shards.shard import Shard

ROWS, PER_GROUP = 60_000, 25_000
QUICK = Patience(tries_at_first=3, tries=5, first_wait_s=0.01, max_wait_s=0.02)
Fault = Callable[[int, Answer], Answer]


def _content() -> bytes:
    random = np.random.default_rng(3)
    table = pa.table(
        {"n": range(ROWS), "x": random.random(ROWS), "text": [f"caption {i} {i * i}" for i in range(ROWS)]}
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=PER_GROUP)
    return sink.getvalue()


CONTENT = _content()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "Remote", lambda host, size, tail: Remote(host, size, tail, QUICK))
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)


@contextmanager
def serving(fault: Fault, kind: str) -> Iterator[tuple[RangeHost, Shard]]:
    """The file on the Hub, behind its redirect to a store, or at a plain web address, where nobody knows its size."""
    host = RangeHost(CONTENT, redirects=kind == "redirect")
    host.fault = fault
    with host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", host.endpoint)
        if kind == "web":
            commit = host.repositories["me/pairs"].commits[-1].commit_id
            path = f"/datasets/me/pairs/resolve/{commit}/data/part-0.parquet?signature=web"
            yield host, Shard(host.store.url_of("127.0.0.1") + path, "train")
        else:
            yield host, Shard(host.url, "train", len(CONTENT))


def numbers(shard: Shard) -> list[int]:
    with open_source(shard) as source:
        groups = list(source.row_groups)
        return [
            n
            for group in groups
            for part in source.parts(group, ["n", "x", "text"], upcoming=groups[group + 1 :])
            for n in part.batch.column("n").to_pylist()
        ]


def drop(answer: Answer) -> Answer:
    return replace(answer, cut_at=0)


def cut(answer: Answer) -> Answer:
    return replace(answer, cut_at=answer.body_bytes // 2)


def shorten(answer: Answer) -> Answer:
    """Half of what was asked for, with a Content-Length that says so."""
    return replace(answer, stop=answer.start + answer.body_bytes // 2)


def stall(answer: Answer) -> Answer:
    return replace(answer, delay_s=1.5)


def fail(status: int) -> Callable[[Answer], Answer]:
    return lambda answer: Answer(status, (("Content-Type", "text/plain"),), b"trouble")


def busy(answer: Answer) -> Answer:
    return Answer(429, (("Content-Type", "text/plain"), ("Retry-After", "0")), b"slow down")


PASSING = {"drop": drop, "cut": cut, "shorten": shorten, "500": fail(500), "503": fail(503), "429": busy}


@pytest.mark.parametrize(("every", "first"), [(3, 2), (2, 0)])
@pytest.mark.parametrize("kind", ["hub", "redirect", "web"])
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_no_row_is_lost_or_repeated(kind: str, fault: Callable[[Answer], Answer], every: int, first: int) -> None:
    with serving(lambda number, answer: fault(answer) if number % every == first else answer, kind) as (host, shard):
        assert numbers(shard) == list(range(ROWS))
        assert len(host.asked) > 3


@pytest.mark.parametrize("kind", ["redirect", "web"])
def test_a_stalled_answer_is_asked_for_anew(kind: str) -> None:
    with serving(lambda number, answer: stall(answer) if number == 2 else answer, kind) as (_, shard):
        assert numbers(shard) == list(range(ROWS))


@pytest.mark.parametrize("requests", [1, 2])
def test_an_expired_address_is_resolved_anew(requests: int) -> None:
    with serving(lambda number, answer: answer, "redirect") as (host, shard):
        host.signed_requests = requests
        assert numbers(shard) == list(range(ROWS))
        assert sum(asked.is_redirect for asked in host.asked) > 1


@pytest.mark.parametrize("from_number", [0, 2])
@pytest.mark.parametrize(
    ("kind", "fault", "error", "sentence"),
    [
        ("hub", fail(500), HubUnreachable, "HTTP 500"),
        ("redirect", drop, HubUnreachable, "check the network"),
        ("web", fail(500), HubUnreachable, "HTTP 500"),
        ("web", drop, HubUnreachable, "check the network"),
        ("web", fail(403), AccessDenied, "HTTP 403"),
        ("web", fail(404), NoShards, "check the address"),
        ("hub", fail(404), HubUnreachable, "HTTP 404"),
        ("hub", fail(403), AccessDenied, "HTTP 403"),
        ("redirect", fail(403), AccessDenied, "HTTP 403"),
    ],
)
def test_what_lasts_is_one_clear_error(
    kind: str, fault: Callable[[Answer], Answer], error: type[Exception], sentence: str, from_number: int
) -> None:
    with serving(lambda number, answer: fault(answer) if number >= from_number else answer, kind) as (host, shard):
        with pytest.raises(error, match=sentence) as caught:
            numbers(shard)
        assert "\n" not in str(caught.value)
        assert len(host.asked) < 60


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, 0),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"RateLimit": '"resolvers";r=0;t=55'}, 55),
        ({"RateLimit": '"resolvers";r=10;t=55'}, 0),
    ],
)
def test_how_long_a_busy_host_asks_to_wait(headers: dict[str, str], wait_s: float) -> None:
    assert refusal_of(429, headers, "https://x.invalid").retry_after_s == wait_s


def test_a_refusal_that_lasts_is_not_asked_again() -> None:
    with serving(lambda number, answer: fail(404)(answer), "web") as (host, shard):
        with pytest.raises(NoShards):
            numbers(shard)
        assert len(host.asked) == 1


def other_etag(answer: Answer) -> Answer:
    return replace(answer, headers=tuple((k, '"other"' if k == "ETag" else v) for k, v in answer.headers))


def other_size(answer: Answer) -> Answer:
    return replace(answer, headers=tuple((k, f"{v}9" if k == "Content-Range" else v) for k, v in answer.headers))


@pytest.mark.parametrize(("kind", "change"), [("web", other_etag), ("web", other_size), ("redirect", other_size)])
def test_a_file_that_was_replaced_is_not_mixed(kind: str, change: Callable[[Answer], Answer]) -> None:
    with (
        serving(lambda number, answer: change(answer) if number >= 2 else answer, kind) as (_, shard),
        pytest.raises(ShardError, match=r"was replaced while it was read.*load it again"),
    ):
        numbers(shard)


def test_a_file_of_another_size_than_was_listed() -> None:
    with (
        serving(lambda number, answer: answer, "hub") as (_, shard),
        pytest.raises(ShardError, match="was replaced"),
    ):
        numbers(replace(shard, size=len(CONTENT) - 8))


@pytest.mark.parametrize("kind", ["hub", "web"])
def test_a_host_without_ranges_says_so_before_the_file_is_sent(kind: str) -> None:
    def whole(number: int, answer: Answer) -> Answer:
        return Answer(200, answer.headers, CONTENT)

    with (
        serving(whole, kind) as (_, shard),
        pytest.raises(ShardError, match="cannot be read in parts; download it and pass the file"),
    ):
        numbers(shard)


def test_another_range_than_was_asked_for_is_not_taken() -> None:
    def shifted(number: int, answer: Answer) -> Answer:
        if number % 2:
            return answer
        headers = tuple((k, v.replace("bytes ", "bytes 1") if k == "Content-Range" else v) for k, v in answer.headers)
        return replace(answer, headers=headers)

    with serving(shifted, "hub") as (_, shard):
        assert numbers(shard) == list(range(ROWS))
