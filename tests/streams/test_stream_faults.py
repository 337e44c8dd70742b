"""A host that drops, stalls, truncates, refuses, lies and changes its mind: the rows are right, or one sentence comes.

Never a wrong, lost or doubled row, never a wait without end, never the Hub's token anywhere but at the Hub.
"""

from __future__ import annotations

import io
import json
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import pyarrow.parquet as pq
import pytest
from faulty_hub import LASTING, PASSING, Fault, Faults, SignedStore, Web, send_elsewhere
from huggingface_hub import constants
from numbered import numbered_table
from published_shards import Layout, Published, Row, Shard, readable

import laion_dataset
from laion_pairs import errors
from laion_pairs.sample import Answer, LoopbackHub, LoopbackServer

CI, SOAK = pytest.mark.ci, pytest.mark.soak
HANG_S = 120.0
"""Generous: a fault is over, or told, long before."""

WHERES = ["hf", "web"]


@cache
def published(row_group_rows: int = 700) -> Published:
    layout = Layout("snappy", row_group_rows, page_bytes=4096)
    return Published("aesthetic", tuple(Shard(1500, seed, layout=layout) for seed in range(4)))


@cache
def expected() -> list[Row]:
    return published().rows()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for this host: the limits are the same ones, and shorter."""
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    from laion_pairs.shards.ranges.remote import Patience

    brief = Patience(tries_at_first=4, tries=9, first_wait_s=0.01, max_wait_s=0.05)
    values = (brief.tries_at_first, brief.tries, brief.first_wait_s, brief.max_wait_s)
    monkeypatch.setattr(Patience.__init__, "__defaults__", values)


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server
        assert not server.errors, server.errors


@pytest.fixture
def own_hub(hub: LoopbackHub) -> Iterator[LoopbackHub]:
    """The process's Hub, whose answers may be replaced."""
    yield hub
    hub.__dict__.pop("answer", None)


def place(where: str, hub: LoopbackHub, web: Web) -> tuple[LoopbackServer, dict[str, Any]]:
    files = {f"train-{n}.parquet": content for n, content in enumerate(published().files)}
    if where == "hf":
        hub.add_repository("me/faulty", files)
        return hub, {"path": "me/faulty"}
    web.files |= {f"/{name}": content for name, content in files.items()}
    return web, {"data_files": [f"{web.url_of('127.0.0.1')}/{name}" for name in files]}


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """What the work returns or raises; a failure if it takes for ever."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert outcome, f"nothing after {seconds} s: it hangs"
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


class Reading:
    """A stream, read as far as it goes."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self.rows: list[Row] = []
        self.error: errors.LaionError | None = None
        self.state: str | None = None

    def go_on(self) -> Reading:
        """Read from the state of the last try on; a sentence ends it, anything else is a failure."""
        self.error = None
        within(HANG_S, self._read)
        return self

    def _read(self) -> None:
        try:
            stream = self._load()
            if self.state is not None:
                stream.load_state_dict(json.loads(self.state))
            iterator = iter(stream)
            while True:
                try:
                    self.rows.append(readable(next(iterator)))
                except StopIteration:
                    return
                except errors.LaionError:
                    self.state = json.dumps(stream.state_dict()) if self.rows else None
                    raise
        except errors.LaionError as error:
            self.error = error


def check_sentence(error: errors.LaionError | None) -> None:
    assert error is not None
    assert "\n" not in str(error)
    assert len(str(error)) > 20
    assert "hf_secret" not in str(error)
    assert "X-Amz-Signature=1" not in str(error)


def check_exact_or_told(reading: Reading) -> None:
    """Every row in order, or the first ones of them and a sentence."""
    if reading.error is None:
        assert reading.rows == expected()
    else:
        check_sentence(reading.error)
        assert reading.rows == expected()[: len(reading.rows)]


def streams(source: dict[str, Any]) -> Callable[[], Any]:
    return lambda: laion_dataset.load_dataset(**source, split="train", streaming=True)


@pytest.mark.parametrize("where", WHERES)
@pytest.mark.parametrize("after", [0, pytest.param(2, marks=CI), *(pytest.param(n, marks=SOAK) for n in (1, 3, 5))])
@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_not_noticed(name: str, after: int, where: str, own_hub: LoopbackHub, web: Web) -> None:
    server, source = place(where, own_hub, web)
    stream = streams(source)()  # what is asked while loading has its own test
    with Faults(server) as faults:
        faults.once(PASSING[name], after)
        reading = Reading(lambda: stream).go_on()
        assert faults.asked > after
    assert reading.error is None, reading.error
    assert reading.rows == expected()


@pytest.mark.parametrize("where", WHERES)
@pytest.mark.parametrize("after", [2, *(pytest.param(n, marks=SOAK) for n in (0, 4))])
@pytest.mark.parametrize("name", [*(pytest.param(name, marks=CI) for name in PASSING), *LASTING])
def test_what_lasts_is_one_sentence(name: str, after: int, where: str, own_hub: LoopbackHub, web: Web) -> None:
    """And when it is over, the stream goes on from its state, every row once."""
    server, source = place(where, own_hub, web)
    with Faults(server) as faults:
        faults.always({**PASSING, **LASTING}[name], after)
        if name in ("429", "503 for a second"):  # of which each try takes a second
            faults.always(lambda answer: Answer(int(name[:3]), (("Retry-After", "0"),), b""), after)
        reading = Reading(streams(source)).go_on()
        check_exact_or_told(reading)
        faults.never()
        if reading.error is not None:
            reading.go_on()
    assert reading.error is None, reading.error
    assert reading.rows == expected()


def _at_random(dice: random.Random, share: float, faults: list[Fault], number: int) -> Fault | None:
    return dice.choice(faults) if dice.random() < share else None


@pytest.mark.parametrize("where", WHERES)
@pytest.mark.parametrize("tries", [1, pytest.param(10, marks=CI), pytest.param(100, marks=SOAK)])
def test_storms(tries: int, where: str, own_hub: LoopbackHub, web: Web) -> None:
    """Any fault at any moment, as often as one answer in three: exact or told, and after it every row once."""
    server, source = place(where, own_hub, web)
    quick = {name: fault for name, fault in {**PASSING, **LASTING}.items() if not name.startswith("stalls")}
    told = 0
    for seed in range(tries):
        dice = random.Random(seed)
        share = dice.choice([0.02, 0.1, 0.3])
        names = dice.choice([list(quick), [name for name in quick if name in PASSING]])
        with Faults(server) as faults:
            faults.armed = partial(_at_random, dice, share, [quick[name] for name in names])
            reading = Reading(streams(source)).go_on()
            check_exact_or_told(reading)
            told += reading.error is not None
            for _ in range(20):
                if reading.error is None:
                    break
                reading.go_on()
                check_exact_or_told(reading)
            faults.never()
            if reading.error is not None:
                reading.go_on()
        assert reading.error is None, reading.error
        assert reading.rows == expected()
    print(f"\n{tries} storms over {where}: {told} told and resumed, every row exactly once in all")


@pytest.mark.parametrize("refusal", [403, 400])
@pytest.mark.parametrize("good_for", [1, 3, None])
def test_signed_addresses_expire_and_the_token_stays_at_the_hub(
    good_for: int | None, refusal: int, own_hub: LoopbackHub
) -> None:
    files = {f"train-{n}.parquet": content for n, content in enumerate(published().files)}
    own_hub.add_repository("me/private", files, private=True, readers=["hf_secret"])
    with SignedStore(good_for, refusal) as store:
        send_elsewhere(own_hub, store)
        reading = Reading(
            lambda: laion_dataset.load_dataset("me/private", split="train", streaming=True, token="hf_secret")
        ).go_on()
        assert reading.error is None, reading.error
        assert reading.rows == expected()
        asked = store.requests()
        assert len(asked) > 2
        for line in asked:
            assert "hf_secret" not in repr(line)
            assert line.authorization is None
            assert "cookie" not in line.headers
        if good_for == 1:
            assert store.signed > 3
    for line in own_hub.requests():
        if "resolve" in line.path:
            assert line.authorization == "Bearer hf_secret"


def test_signed_addresses_that_never_work(own_hub: LoopbackHub) -> None:
    own_hub.add_repository("me/private", {"train.parquet": published().files[0]})
    with SignedStore(good_for=0) as store:
        send_elsewhere(own_hub, store)
        reading = Reading(streams({"path": "me/private"})).go_on()
        assert reading.rows == []
        check_sentence(reading.error)
        assert len(store.requests()) < 100


def _rewritten() -> dict[str, tuple[bytes, ...]]:
    """What may lie at the address afterwards: other rows in as many bytes, more rows, fewer, no parquet, nothing."""
    old = published().files
    flipped = tuple(content[:500] + bytes(255 - byte for byte in content[500:600]) + content[600:] for content in old)
    longer, other = (
        replace(published(), shards=tuple(replace(shard, **change) for shard in published().shards)).files
        for change in ({"n_rows": 1600}, {"seed": 9})
    )
    return {"same length": flipped, "longer": longer, "other rows": other, "no parquet": (b"gone",) * len(old)}


@pytest.mark.parametrize("after", [1, pytest.param(3, marks=CI), *(pytest.param(n, marks=SOAK) for n in (2, 4))])
@pytest.mark.parametrize("how", ["same length", "longer", "other rows", "no parquet", "deleted"])
def test_a_file_that_is_replaced_under_the_reader(how: str, after: int, web: Web) -> None:
    _, source = place("web", web=web, hub=LoopbackHub())
    names = list(web.files)
    new = _rewritten().get(how)
    with Faults(web) as faults:
        stream = streams(source)()

        def change(answer: Answer) -> Answer:
            for n, name in enumerate(names):
                if new is None:
                    web.files.pop(name, None)
                else:
                    web.files[name] = new[n]
            return answer  # the last true one

        faults.once(change, after)
        reading = Reading(lambda: stream).go_on()
    first = expected()[:1500]
    if reading.error is not None:
        check_sentence(reading.error)
    assert reading.rows[:1500] == first[: len(reading.rows)]  # of the first file nothing of the new one


def _numbered(first: int) -> bytes:
    file = io.BytesIO()
    table = numbered_table(3000, first)
    pq.write_table(table, file, row_group_size=500, compression="none", use_dictionary=False)
    return file.getvalue()


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_file_that_is_replaced_by_one_of_the_same_length(after: int, web: Web) -> None:
    """Only its ETag tells: rows of both would be read as if they were of one."""
    old, new = _numbered(97 * 2000), _numbered(97 * 4000)
    assert len(old) == len(new)
    web.files["/train.parquet"] = old
    source = {"data_files": f"{web.url_of('127.0.0.1')}/train.parquet", "columns": ["pair_id", "caption"]}
    with Faults(web) as faults:
        stream = streams(source)()

        def change(answer: Answer) -> Answer:
            web.files["/train.parquet"] = new
            return answer

        faults.once(change, after)
        reading = Reading(lambda: stream).go_on()
    found = [row["pair_id"] for row in reading.rows]
    assert found == list(range(97 * 2000, 97 * 2000 + len(found)))
    if len(found) < 3000:
        check_sentence(reading.error)


@pytest.mark.ci
@pytest.mark.parametrize("where", WHERES)
def test_a_host_that_drips_is_not_waited_for_without_end(where: str, own_hub: LoopbackHub, web: Web) -> None:
    """A byte now and then is a stall too: no timeout between two bytes sees it."""
    server, source = place(where, own_hub, web)
    stream = streams(source)()
    with Faults(server) as faults:
        faults.once(lambda answer: replace(answer, bytes_per_s=10.0), after=2)
        reading = Reading(lambda: stream).go_on()
    check_exact_or_told(reading)
