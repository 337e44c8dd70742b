"""Manners towards hosts, given the clock: whose turn it is, and who is left alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.images.bulk.hosts import Hosts
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

POLICY = DownloadPolicy(
    requests_per_host=2, host_interval_s=0.5, breaker_failures=3, breaker_pause_s=60, max_retry_after_s=30
)


def refused(outcome: Outcome = Outcome.TIMED_OUT, retry_after_s: float | None = None) -> Refused:
    return Refused(outcome, "as the test wants it.", retry_after_s=retry_after_s)


def turns(hosts: Hosts[str], now_s: float) -> list[str]:
    """Everything whose turn is now."""
    found = []
    while (turn := hosts.next(now_s)) is not None:
        found.append(turn[0])
    return found


def test_a_host_gets_so_many_at_a_time_and_so_fast():
    hosts: Hosts[str] = Hosts(POLICY)
    assert [hosts.put("a", item, 0.0) for item in ("a1", "a2", "a3")] == [True, False, False]
    item, host = hosts.next(0.0) or ("", None)
    assert item == "a1"
    assert turns(hosts, 0.49) == []
    assert hosts.due_s() == 0.5
    assert turns(hosts, 0.5) == ["a2"]
    assert turns(hosts, 9.0) == []  # two are in flight
    hosts.done(host, None, 9.0)
    assert turns(hosts, 9.0) == ["a3"]


def test_a_busy_host_holds_up_nobody_else():
    hosts: Hosts[str] = Hosts(POLICY)
    for number in range(100):
        hosts.put("busy", f"busy{number}", 0.0)
    for number in range(100):
        hosts.put(f"host{number}", f"other{number}", 0.0)
    assert sorted(turns(hosts, 0.0)) == sorted(["busy0", *(f"other{number}" for number in range(100))])


def test_a_circuit_opens_probes_and_closes():
    hosts: Hosts[str] = Hosts(POLICY)
    why = refused()
    for now_s in (0.0, 1.0, 2.0):
        hosts.put("dead", "row", now_s)
        _, host = hosts.next(now_s)
        hosts.put("dead", "waits", now_s) if now_s == 2.0 else None
        dropped = hosts.done(host, why, now_s)
    assert dropped == [("waits", why)]
    assert hosts.put("dead", "row", 61.9) is why
    assert turns(hosts, 61.9) == []
    # after the pause one request at a time probes
    assert hosts.put("dead", "probe", 62.0) is True
    hosts.put("dead", "next", 62.0)
    _, host = hosts.next(62.0)
    assert turns(hosts, 70.0) == []
    assert hosts.done(host, why, 70.0) == [("next", why)]  # it failed: open again
    assert hosts.put("dead", "row", 100.0) is why
    assert turns(hosts, 100.0) == []
    hosts.put("dead", "probe", 130.0)
    _, host = hosts.next(130.0)
    assert hosts.done(host, None, 130.0) == []  # it answered: closed
    hosts.put("dead", "one", 131.0)
    hosts.put("dead", "two", 131.0)
    assert turns(hosts, 131.0) + turns(hosts, 131.5) == ["one", "two"]


@pytest.mark.parametrize(
    "outcome", [Outcome.HTTP_CLIENT_ERROR, Outcome.NOT_AN_IMAGE, Outcome.OPTED_OUT, Outcome.TOO_LARGE, None]
)
def test_what_says_nothing_against_a_host_opens_no_circuit(outcome):
    hosts: Hosts[str] = Hosts(POLICY)
    for now_s in range(20):
        hosts.put("fine", "row", float(now_s))
        _, host = hosts.next(float(now_s))
        hosts.done(host, None if outcome is None else refused(outcome), float(now_s))
    assert hosts.put("fine", "row", 20.0) is True


@pytest.mark.parametrize(("retry_after_s", "pause_s"), [(None, 1.0), (7.0, 7.0), (30.0, 30.0), (0.0, 0.5)])
def test_a_host_that_asks_for_a_pause_gets_it(retry_after_s, pause_s):
    hosts: Hosts[str] = Hosts(POLICY)
    hosts.put("busy", "one", 0.0)
    _, host = hosts.next(0.0)
    assert hosts.done(host, refused(Outcome.RATE_LIMITED, retry_after_s), 0.0) == []
    hosts.put("busy", "two", 0.0)
    assert turns(hosts, pause_s - 0.01) == []
    assert turns(hosts, pause_s) == ["two"]


def test_a_host_that_only_asks_for_pauses_is_left_alone():
    hosts: Hosts[str] = Hosts(POLICY)
    now_s, why = 0.0, refused(Outcome.RATE_LIMITED, 3.0)
    for _ in range(POLICY.breaker_failures):
        hosts.put("busy", "row", now_s)
        _, host = hosts.next(now_s)
        hosts.done(host, why, now_s)
        now_s += 4.0
    assert hosts.put("busy", "row", now_s) is why
    assert turns(hosts, now_s + POLICY.breaker_pause_s) == []
    hosts.put("busy", "probe", now_s + POLICY.breaker_pause_s)
    _, host = hosts.next(now_s + POLICY.breaker_pause_s)
    hosts.done(host, None, now_s + POLICY.breaker_pause_s)
    assert hosts.put("busy", "row", now_s + POLICY.breaker_pause_s + 1) is True


def test_pauses_that_nobody_names_double():
    hosts: Hosts[str] = Hosts(replace(POLICY, breaker_failures=100))
    now_s, waits = 0.0, []
    for _ in range(7):
        hosts.put("busy", "row", now_s)
        due_s = max(now_s, hosts.due_s())
        _, host = hosts.next(due_s)
        waits.append(due_s - now_s)
        now_s = due_s
        hosts.done(host, refused(Outcome.RATE_LIMITED), now_s)
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]


def test_a_pause_that_is_too_long_is_not_waited_for():
    hosts: Hosts[str] = Hosts(POLICY)
    hosts.put("busy", "one", 0.0)
    _, host = hosts.next(0.0)
    hosts.put("busy", "two", 0.0)
    why = refused(Outcome.RATE_LIMITED, 3600.0)
    assert hosts.done(host, why, 0.0) == [("two", why)]
    assert hosts.put("busy", "three", 3599.0) is why
    assert turns(hosts, 3599.0) == []
    assert hosts.put("busy", "four", 3600.0) is True


def test_hosts_that_are_done_with_are_forgotten():
    hosts: Hosts[str] = Hosts(POLICY)
    for number in range(200_000):
        hosts.put(f"host{number}", "row", float(number))
        _, host = hosts.next(float(number))
        hosts.done(host, refused() if number % 4 == 0 else None, float(number))
    assert len(hosts._hosts) <= 40_000


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["put", "next", "fail", "limit", "done"])), max_size=60)
)
def test_nothing_is_lost_and_no_limit_is_broken(steps):
    hosts: Hosts[int] = Hosts(POLICY)
    now_s, put, out, flying = 0.0, 0, 0, []
    starts: dict[str, list[float]] = {}
    for name, step in steps:
        now_s += 0.2
        if step == "put":
            put += 1
            out += isinstance(hosts.put(name, put, now_s), Refused)
        elif step == "next":
            turn = hosts.next(now_s)
            if turn is not None:
                flying.append(turn)
                starts.setdefault(turn[1].name, []).append(now_s)
        elif flying:
            _, host = flying.pop()
            why = {"fail": refused(), "limit": refused(Outcome.RATE_LIMITED), "done": None}[step]
            out += 1 + len(hosts.done(host, why, now_s))
        counts = [host.name for _, host in flying]
        assert all(counts.count(host) <= POLICY.requests_per_host for host in counts)
    for times in starts.values():
        assert all(later - sooner >= POLICY.host_interval_s - 1e-9 for sooner, later in pairwise(times))
    waiting = sum(len(host.waiting) for host in hosts._hosts.values())
    assert put == out + len(flying) + waiting
    while flying or waiting:  # and everything ends
        now_s = max(now_s + 1, min(hosts.due_s(), now_s + 100))
        while (turn := hosts.next(now_s)) is not None:
            flying.append(turn)
        for _, host in flying:
            out += 1 + len(hosts.done(host, None, now_s))
        flying = []
        waiting = sum(len(host.waiting) for host in hosts._hosts.values())
    assert put == out
