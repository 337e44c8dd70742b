"""What is remembered of origins: for how long, how many, and who is told."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.images.reservations import Reservations, Wait
from laion_pairs.images.reservations.origin import Origin
from laion_pairs.images.reservations.robots import RobotsFile
from laion_pairs.images.reservations.verdict import OriginVerdict
from laion_pairs.images.url_check import check_url
from laion_pairs.ledger import Outcome

POLICY = DownloadPolicy(ask_robots_txt=True, ask_tdmrep=True)
DEAD = Refused(Outcome.CONNECT_FAILED, "the host did not accept a connection.")


def origin(number: int = 0) -> Origin:
    return Origin("http", f"host{number}.example", 80, public_only=True)


@pytest.mark.parametrize(
    ("url", "path", "text"),
    [
        ("http://host.example/a/b?c", "/robots.txt", "http://host.example/robots.txt"),
        ("https://host.example:8443/a", "/robots.txt", "https://host.example:8443/robots.txt"),
        ("https://HOST.example:443/", "/.well-known/tdmrep.json", "https://host.example/.well-known/tdmrep.json"),
        ("http://[2001:4860::1]/a", "/robots.txt", "http://[2001:4860::1]/robots.txt"),
    ],
)
def test_where_the_files_of_an_origin_lie(url, path, text):
    assert Origin.of(check_url(url), public_only=True).url(path).text == text


def test_what_was_learned_inside_does_not_speak_for_the_web():
    url = check_url("http://host.example/")
    assert Origin.of(url, public_only=True) != Origin.of(url, public_only=False)


def test_nothing_is_kept_for_more_than_a_day_and_trouble_much_shorter():
    kept = [OriginVerdict(), OriginVerdict(unreadable="robots.txt"), OriginVerdict(dead=DEAD)]
    a_day, a_while, a_moment = (verdict.keep_s for verdict in kept)
    assert a_day == 24 * 3600
    assert a_moment < DownloadPolicy().retry_delay_s < a_while < 3600


def test_an_old_answer_is_asked_for_again(monkeypatch):
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    reservations = Reservations(POLICY)
    assert reservations.look_up(origin(), "asker") is None
    reservations.tell(origin(), "asker", OriginVerdict())
    now_s += 24 * 3600 - 1
    assert reservations.look_up(origin(), "other") == OriginVerdict()
    now_s += 2
    assert reservations.look_up(origin(), "other") is None


def test_memory_is_bounded_in_origins_and_in_bytes():
    reservations = Reservations(POLICY)
    for number in range(60_000):
        reservations.look_up(origin(number), "asker")
        reservations.tell(origin(number), "asker", OriginVerdict())
    assert reservations.look_up(origin(59_999), "asker") == OriginVerdict()
    assert reservations.look_up(origin(0), "asker") is None
    reservations.give_up(origin(0), "asker")
    long = OriginVerdict(robots=RobotsFile(b"# " + b"long " * 100_000))
    for number in range(100):
        reservations.look_up(origin(100_000 + number), "asker")
        reservations.tell(origin(100_000 + number), "asker", long)
    kept = sum(reservations.look_up(origin(100_000 + number), number) is long for number in range(100))
    assert 50 < kept < 70
    assert reservations.look_up(origin(30_000), "asker") is None  # pushed out by the long ones


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from(["look", "tell", "give", "take"])))


@given(STEPS)
@settings(max_examples=200)
def test_one_asks_at_a_time_and_everybody_who_waited_is_told(steps):
    reservations = Reservations(POLICY)
    askers: dict[Origin, int] = {}
    parked: set[Origin] = set()
    told: set[Origin] = set()
    for asker, number, act in steps:
        where = origin(number)
        if act == "look":
            found = reservations.look_up(where, asker)
            if found is None:
                assert where not in askers
                askers[where] = asker
            elif isinstance(found, Wait):
                assert where in askers
                parked.add(where)
        elif act == "take":
            assert set(reservations.take_answered()) == told
            told.clear()
        elif act == "give" or askers.get(where) == asker:
            answering = act == "tell"
            if answering:
                reservations.tell(where, asker, OriginVerdict(dead=DEAD))
            else:
                reservations.give_up(where, asker)
            if askers.get(where) == asker:
                del askers[where]
                told |= {where} & parked
                parked.discard(where)


def test_a_thread_that_blocks_is_woken_and_leaves_nothing_behind():
    reservations = Reservations(POLICY)
    reservations.look_up(origin(), "asker")
    wait = reservations.look_up(origin(), "other")
    start_s = time.monotonic()
    wait.block(0.05)  # nobody answers
    assert time.monotonic() - start_s > 0.04
    reservations.tell(origin(), "asker", OriginVerdict())
    wait.block(60)  # answered: at once
    assert reservations.take_answered() == []


def test_what_a_verdict_says():
    url = "http://host.example/a"
    assert OriginVerdict().refuse(url) is None
    for verdict, outcome, signal in [
        (OriginVerdict(dead=DEAD), Outcome.CONNECT_FAILED, None),
        (OriginVerdict(unreadable="tdmrep.json"), Outcome.OPTED_OUT, "tdmrep.json not readable"),
        (OriginVerdict(robots=RobotsFile(b"User-agent: *\nDisallow: /a")), Outcome.OPTED_OUT, "robots.txt"),
    ]:
        with pytest.raises(Refused) as caught:
            verdict.refuse(url)
        assert (caught.value.outcome, caught.value.signal) == (outcome, signal)
