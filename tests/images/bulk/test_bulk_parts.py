"""The small parts of the engine: retries, the budget of bytes, names, the streak that stops a run."""

from __future__ import annotations

import io
import socket
import threading
import time

import pytest
from PIL import Image

from laion_pairs.errors import DownloadStopped
from laion_pairs.images.bulk import Job, Settings, open_lane
from laion_pairs.images.bulk.budget import Budget
from laion_pairs.images.bulk.file_limit import room_for_sockets
from laion_pairs.images.bulk.names import Names, is_address
from laion_pairs.images.bulk.retries import Retries
from laion_pairs.images.bulk.streak import Streak
from laion_pairs.images.pixels import Resize
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome
from laion_pairs.sample import ImageHost

POLICY = DownloadPolicy(max_retries=2, retry_delay_s=10, max_retry_after_s=60)


def refused(outcome: Outcome, retry_after_s: float | None = None) -> Refused:
    return Refused(outcome, "as the test wants it.", retry_after_s=retry_after_s)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_what_a_retry_can_change_is_tried_again(outcome):
    assert Retries(POLICY).put("row", 1, refused(outcome), 0.0) is outcome.retryable


@pytest.mark.parametrize(
    ("tries", "retry_after_s", "due_s"),
    [(1, None, 10.0), (2, None, 20.0), (3, None, None), (1, 45.0, 45.0), (1, 3.0, 10.0), (1, 61.0, None)],
)
def test_a_retry_comes_later(tries, retry_after_s, due_s):
    retries: Retries[str] = Retries(POLICY)
    assert retries.put("row", tries, refused(Outcome.RATE_LIMITED, retry_after_s), 0.0) is (due_s is not None)
    if due_s is not None:
        assert retries.due_s() == due_s
        assert retries.take_due(due_s - 0.01) == []
        assert retries.take_due(due_s) == ["row"]
        assert retries.take_due(1e9) == []


def test_a_spent_budget_lets_one_transfer_go_on_while_somebody_waits():
    budget = Budget(100)
    first, second = object(), object()
    assert budget.may_hold(first, 60)
    assert not budget.may_hold(second, 60)
    budget.wait_begins()
    assert budget.may_hold(second, 60)
    assert not budget.may_hold(first, 60)  # one at a time
    assert budget.may_hold(second, 60)
    budget.ended(second)
    assert budget.may_hold(first, 60)
    budget.wait_ends()
    assert budget.spent
    budget.hold(-240)
    assert not budget.spent


def test_what_is_under_way_is_reckoned_with_the_last_images():
    budget = Budget(1000, typical_bytes=100)
    assert [n for n in range(20) if budget.has_room(n)] == list(range(10))
    for _ in range(500):
        budget.learn(250)
    assert [n for n in range(20) if budget.has_room(n)] in ([0, 1, 2], [0, 1, 2, 3])
    budget.hold(900)
    assert not budget.has_room(0)


@pytest.mark.parametrize("ordered", [False, True])
def test_pictures_that_grow_when_they_are_decoded_stay_within_the_budget(ordered):
    """16 kB files that decode to 3 MB each: a consumer that pauses finds no more than the budget and a few."""
    file = io.BytesIO()
    Image.new("RGB", (1000, 1000), (200, 30, 30)).save(file, "JPEG")
    limit = 30_000_000
    limited = DownloadPolicy(allow_private=True, host_interval_s=0, max_bytes_in_flight=limit, requests_per_host=64)
    most = 0
    with ImageHost() as host:
        url = host.serve("/a.jpg", file.getvalue())
        lane = open_lane(Settings(policy=limited, resize=Resize(mode="no"), concurrency=64), ordered=ordered)
        try:
            for _ in range(120):
                while lane.wants_more:
                    lane.submit(Job(url))
                assert lane.take().outcome is Outcome.OK
                time.sleep(0.01)
                most = max(most, lane._budget._held)
        finally:
            lane.close()
    assert most < limit + 10 * 3_000_000


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", True), ("::1", True), ("example.org", False), ("a1.b2", True), ("1.example", False)],
)
def test_an_address_is_told_from_a_name(host, address):
    assert is_address(host) is address  # of checked URLs: what ends in a number is IPv4 there, or refused


def test_names_are_looked_up_beside_each_other():
    answered = threading.Event()
    names = Names(5.0, lambda _name: answered.set())
    try:
        end_s = time.monotonic() + 20
        while (found := names.look_up("localhost")) is None and time.monotonic() < end_s:
            answered.wait(0.1)
        assert isinstance(found, tuple)
        assert {"127.0.0.1", "::1"} & set(found)
        assert names.look_up("localhost") == found
    finally:
        names.close()


def test_a_name_without_an_address_is_refused():
    answered = threading.Event()
    names = Names(2.0, lambda _name: answered.set())
    try:
        end_s = time.monotonic() + 20
        while (found := names.look_up("no-such-host.invalid")) is None and time.monotonic() < end_s:
            answered.wait(0.1)
        assert isinstance(found, Refused)
        assert found.outcome is Outcome.DNS_FAILED
    finally:
        names.close()


def test_so_many_failures_in_a_row_stop_a_run_and_name_the_cause():
    streak = Streak(60)
    for _ in range(59):
        assert streak.add(Outcome.DNS_FAILED) is None
    assert streak.add(Outcome.OK) is None
    for _ in range(59):
        assert streak.add(Outcome.DNS_FAILED) is None
    assert streak.add(Outcome.TAKEN_DOWN) is None  # nobody's failure, and no success
    stopped = streak.add(Outcome.DNS_FAILED)
    assert isinstance(stopped, DownloadStopped)
    assert "60 images in a row" in str(stopped)
    assert "name server" in str(stopped)


def test_a_limit_of_zero_never_stops():
    streak = Streak(0)
    assert all(streak.add(Outcome.TIMED_OUT) is None for _ in range(1000))


def test_there_is_room_for_the_sockets_or_fewer_are_used():
    assert 1 <= room_for_sockets(10**9) <= 10**9
    assert room_for_sockets(64) == 64
    first = socket.socket()
    first.close()
