"""The contract's manners, measured at the hosts: how many at a time, how fast, what is tried again, when a host is left
alone, and when a run gives up.

Waits are checked from below only (a host must not be asked earlier), so a slow machine changes nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd, fetch_all, outcomes, policy
from hostile_host import HostileHost, answer, picture

from laion_pairs.errors import DownloadStopped
from laion_pairs.images.bulk import Downloaded, Job, Settings, download
from laion_pairs.ledger import Ledger, Outcome
from laion_pairs.sample.image_host import ImageHost
from laion_pairs.sample.loopback import Answer, Request

PNG = picture()


class Script(ImageHost):
    """Gives each path its answers one after the other, the last for ever, and notes when it was asked."""

    def __init__(self, *addresses: str) -> None:
        super().__init__(addresses or ("127.0.0.1",))
        self.scripts: dict[str, list[Answer]] = {}
        self.asked_s: dict[str, list[float]] = {}

    def answer(self, request: Request) -> Answer:
        self.asked_s.setdefault(request.path, []).append(time.monotonic())
        script = self.scripts[request.path]
        return script.pop(0) if len(script) > 1 else script[0]


GOOD = Answer(200, (), PNG)
LATER = Answer(500)


def limited(pause: str) -> Answer:
    return Answer(429, (("Retry-After", pause),))


# How many at a time, and how fast


def test_requests_per_host_are_limited_where_they_arrive() -> None:
    hosts = [f"127.0.5.{n}" for n in range(1, 5)]
    with Crowd(hosts, hold_s=0.02) as host:
        host.serve("/a.png", PNG)
        done = fetch_all([host.url("/a.png", address) for address in hosts * 40], policy(requests_per_host=3))
    assert outcomes(done) == {"ok": 160}
    assert {name: host.peak[name] for name in hosts} == dict.fromkeys(hosts, 3)
    assert host.peak["*"] > 6, "hosts were asked one after the other"


def test_redirects_do_not_gang_up_on_their_target() -> None:
    """Many hosts that all point to one: it is asked as gently as if the rows had named it."""
    pointers = [f"127.0.6.{n}" for n in range(1, 41)]
    with Crowd(["127.0.7.1"], hold_s=0.05) as target, ImageHost(pointers) as host:
        target.serve("/a.png", PNG)
        host.redirect("/r", target.url("/a.png"))
        done = fetch_all([host.url("/r", address) for address in pointers] * 2, policy(requests_per_host=3))
    assert outcomes(done) == {"ok": 80}
    assert target.peak["127.0.7.1"] <= 3


def test_concurrency_is_limited_over_all_hosts() -> None:
    hosts = [f"127.0.5.{n}" for n in range(1, 41)]
    with Crowd(hosts, hold_s=0.05) as host:
        host.serve("/a.png", PNG)
        done = fetch_all([host.url("/a.png", address) for address in hosts * 4], concurrency=8)
    assert outcomes(done) == {"ok": 160}
    assert host.peak["*"] <= 8


def test_requests_to_one_host_keep_their_distance() -> None:
    with Crowd(["127.0.5.1", "127.0.5.2"]) as host:
        host.serve("/a.png", PNG)
        urls = [host.url("/a.png", address) for address in host.addresses] * 15
        done = fetch_all(urls, policy(host_interval_s=0.05))
        arrived = host.arrived_s
    assert outcomes(done) == {"ok": 30}
    assert [len(times) for times in arrived.values()] == [15, 15]
    for times in arrived.values():
        assert times[-1] - times[0] >= 14 * 0.05 - 0.1  # an arrival can be late, so single gaps can be shorter


def test_two_names_of_one_host_are_two_hosts_and_a_port_is_not() -> None:
    """The pace is by host: no other port, path, letter case or dot at the end gets around it."""
    with Crowd() as host:
        host.serve("/a.png", PNG)
        forms = ["127.0.0.1", "127.1", "2130706433", "0x7f000001"]
        urls = [f"http://{form}:{host.port}/a.png?{n}" for n in range(5) for form in forms]
        fetch_all(urls, policy(requests_per_host=2, host_interval_s=0.03))
        assert host.peak["127.0.0.1"] <= 2
        times = sorted(time_s for times in host.arrived_s.values() for time_s in times)
    assert times[-1] - times[0] >= 19 * 0.03 - 0.1


# What is tried again

NEVER_AGAIN: dict[str, Answer] = {
    "/shy": Answer(200, (("X-Robots-Tag", "noai"),), PNG),
    "/shy-503": Answer(503, (("X-Robots-Tag", "noai"), ("Retry-After", "0"))),
    "/shy-429": Answer(429, (("tdm-reservation", "1"), ("Retry-After", "0"))),
    "/shy-500": Answer(500, (("Content-Usage", "train-ai=n"),)),
    "/shy-302": Answer(302, (("Location", "/good"), ("X-Robots-Tag", "noimageai"))),
    "/forbidden": Answer(302, (("Location", "http://169.254.169.254/"),)),
    "/bad": Answer(302, (("Location", "file:///etc/hostname"),)),
    "/gone": Answer(404),
    "/page": Answer(200, (), b"<html>"),
    "/cut": Answer(200, (), PNG[:20]),
    "/good": GOOD,
}


def test_only_what_a_retry_can_change_is_tried_again() -> None:
    with Script() as host:
        host.scripts = {path: [given] for path, given in NEVER_AGAIN.items()}
        host.scripts["/later"] = [LATER]
        host.scripts["/cut-off"] = [Answer(200, (), PNG, cut_at=30)]
        urls = [host.url(path) for path in host.scripts]
        done = fetch_all(urls, policy(max_retries=3, retry_delay_s=0.01))
        asked = {path: host.count(path) for path in host.scripts}
    assert asked == {**dict.fromkeys(NEVER_AGAIN, 1), "/later": 4, "/cut-off": 4}
    assert {urls[one.tag]: one.tries for one in done} == {host.url(path): n for path, n in asked.items()}


def test_opt_outs_met_on_a_retry_end_it() -> None:
    with Script() as host:
        host.scripts["/a"] = [LATER, Answer(503, (("X-Robots-Tag", "noai"),)), GOOD]
        done = fetch_all([host.url("/a")], policy(max_retries=5, retry_delay_s=0.01))
        assert host.count() == 2
    assert outcomes(done) == {"opted_out": 1}


def test_retries_come_later_each_later_than_the_one_before_and_others_go_on(tmp_path: Path) -> None:
    with Script("127.0.5.1", "127.0.5.2") as host:
        host.scripts = {"/a": [LATER, LATER, GOOD], "/b": [GOOD]}
        urls = [host.url("/a", "127.0.5.1")] + [host.url("/b", "127.0.5.2")] * 50
        given = policy(max_retries=2, retry_delay_s=0.3)
        done = fetch_all(urls, given, ledger=str(tmp_path / "l"), concurrency=4)
        first, second, third = host.asked_s["/a"]
    assert done[-1].tag == 0
    assert (done[-1].outcome, done[-1].tries) == (Outcome.OK, 3)
    assert second - first >= 0.28
    assert third - second >= 0.58
    assert Ledger(tmp_path / "l").counts()["retries"] == {"further_tries": 2, "helped": 1}


def test_a_host_that_asks_for_a_pause_gets_it() -> None:
    """Retry-After holds for the host: other rows of it wait, too, and are not lost; other hosts go on."""
    with Script("127.0.5.1", "127.0.5.2") as host:
        host.scripts = {"/a": [limited("1"), GOOD], "/b": [GOOD], "/c": [GOOD]}
        urls = [host.url("/a", "127.0.5.1")]
        urls += [host.url("/b", "127.0.5.1")] * 5 + [host.url("/c", "127.0.5.2")] * 20
        given = policy(max_retries=1, retry_delay_s=0.01, requests_per_host=1)
        done = fetch_all(urls, given)
        asked_s = host.asked_s
    assert outcomes(done) == {"ok": 26}
    assert {one.tag for one in done[:20]} == set(range(6, 26))
    assert min(asked_s["/a"][1:] + asked_s["/b"]) - asked_s["/a"][0] >= 0.95


@pytest.mark.parametrize("pause", ["3600", "9" * 30, formatdate(time.time() + 3600, usegmt=True)])
def test_a_host_that_asks_for_a_long_pause_is_left(pause: str) -> None:
    with Script("127.0.5.1", "127.0.5.2") as host:
        host.scripts = {"/a": [limited(pause)], "/b": [GOOD]}
        urls = [host.url("/a", "127.0.5.1")] * 20 + [host.url("/b", "127.0.5.2")]
        given = policy(max_retries=3, retry_delay_s=0.01, requests_per_host=1, max_retry_after_s=10)
        done = fetch_all(urls, given)
        assert host.count("/a") == 1, "a host that had asked for a pause was asked again"
    assert outcomes(done) == {"rate_limited": 20, "ok": 1}


STRANGE_PAUSES = ["", "soon", "-5", "nan", "1e400", "inf", "Thu, 99 Foo", "0", "0x10", "\xb2"]


def test_a_strange_pause_is_no_trap() -> None:
    """What cannot be read is like none: the host is asked again a little later."""
    with Script(*[f"127.0.5.{n}" for n in range(1, 11)]) as host:
        host.scripts = {f"/{n}": [limited(pause), GOOD] for n, pause in enumerate(STRANGE_PAUSES)}
        urls = [host.url(f"/{n}", host.addresses[n]) for n in range(len(STRANGE_PAUSES))]
        done = fetch_all(urls, policy(max_retries=1, retry_delay_s=0.01))
    assert {STRANGE_PAUSES[one.tag]: (one.outcome.value, one.tries) for one in done} == dict.fromkeys(
        STRANGE_PAUSES, ("ok", 2)
    )


# When a host is left alone


def test_a_dead_host_is_left_alone_and_probed() -> None:
    """While its circuit is open a host is asked once a pause, and no row waits for it; when it answers, it is back."""

    def jobs() -> Iterator[Job]:
        for tag in range(300):
            time.sleep(0.005)
            yield Job(url, tag=tag)

    given = policy(breaker_failures=5, breaker_pause_s=0.3, requests_per_host=1)
    with Script() as host:
        url = host.url("/a")
        host.scripts = {"/a": [*[LATER] * 7, GOOD]}
        done = list(download(jobs(), Settings(policy=given), ordered=True))
        asked_s = host.asked_s["/a"]
    words = [one.outcome.value for one in done]
    n_bad = words.index("ok")
    assert words == ["http_server_error"] * n_bad + ["ok"] * (300 - n_bad)
    assert n_bad > 20, "rows that came while the circuit was open were requested"
    assert len(asked_s) == 7 + 300 - n_bad
    assert all(probe - before >= 0.28 for before, probe in pairwise(asked_s[4:8]))


def test_an_open_circuit_is_the_hosts_own() -> None:
    with Script("127.0.5.1", "127.0.5.2") as host:
        host.scripts = {"/a": [LATER], "/b": [GOOD]}
        urls = [host.url(*which) for which in [("/a", "127.0.5.1"), ("/b", "127.0.5.2")] * 50]
        done = fetch_all(urls, policy(breaker_failures=3, breaker_pause_s=30.0, requests_per_host=1))
        assert host.count("/a") == 3
    assert Counter(one.outcome for one in done if one.tag % 2) == {Outcome.OK: 50}
    assert {one.outcome for one in done if one.tag % 2 == 0} == {Outcome.HTTP_SERVER_ERROR}


def test_gone_pictures_open_no_circuit() -> None:
    """404 says that a host is well: fifty in a row do not stop the next one from being fetched."""
    with Script() as host:
        host.scripts = {"/gone": [Answer(404)], "/a": [GOOD]}
        urls = [host.url("/gone")] * 50 + [host.url("/a")] * 5
        done = fetch_all(urls, policy(breaker_failures=5, breaker_pause_s=60.0, requests_per_host=1), ordered=True)
    assert [one.outcome.value for one in done] == ["http_client_error"] * 50 + ["ok"] * 5


# When a run gives up


def stopped(urls: list[str], **changes: Any) -> tuple[str, int]:
    """What the exception says, and how many jobs were told before."""
    done: list[Downloaded] = []
    with pytest.raises(DownloadStopped) as stop:
        done.extend(download((Job(url) for url in urls), Settings(policy=policy(**changes), concurrency=32)))
    return str(stop.value), len(done)


def test_three_hundred_failures_in_a_row_stop_the_run_and_name_the_cause() -> None:
    with HostileHost() as host:
        dead = f"http://127.0.0.1:{host.port}/"
    message, n = stopped([dead] * 2000, stop_after_failures=300)
    assert "300" in message
    assert "firewall" in message
    assert 250 <= n <= 300 + 64


CAUSES = [
    (answer(403), "refuse this agent"),
    (answer(200, b"<html>"), "column"),
    (answer(500), "server errors"),
]


@pytest.mark.parametrize(("given", "words"), CAUSES)
def test_the_cause_is_the_likely_one(given: bytes, words: str) -> None:
    with HostileHost({"/": given}) as host:
        message, _ = stopped([host.url()] * 600, stop_after_failures=100)
    assert words in message


def test_a_column_without_links_is_named() -> None:
    message, _ = stopped(["a caption, not a link"] * 600, stop_after_failures=100)
    assert "column" in message


def test_one_good_image_starts_the_count_again() -> None:
    with HostileHost({"/": answer(200, PNG)}) as host:
        urls = (["x"] * 80 + [host.url()]) * 5
        settings = Settings(policy=policy(stop_after_failures=100))
        done = list(download((Job(url) for url in urls), settings, ordered=True, window=16))
    assert outcomes(done) == {"ok": 5, "bad_url": 400}


def test_what_is_taken_down_or_reserved_is_no_failure() -> None:
    """A list that is full of withdrawn or reserved rows is not a broken line."""
    with HostileHost({"/": answer(200, PNG, "X-Robots-Tag: noai")}) as host:
        jobs = [Job(host.url(), withdrawn="laion400m") for _ in range(150)] + [Job(host.url()) for _ in range(150)]
        done = list(download(jobs, Settings(policy=policy(stop_after_failures=50))))
    assert outcomes(done) == {"withdrawn": 150, "opted_out": 150}


def test_what_was_counted_before_a_stop_is_in_the_ledger(tmp_path: Path) -> None:
    settings = Settings(policy=policy(stop_after_failures=100), ledger=str(tmp_path / "l"))
    done: list[Downloaded] = []
    with pytest.raises(DownloadStopped):
        done.extend(download((Job("x") for _ in range(1000)), settings))
    assert len(done) >= 50
    assert Ledger(tmp_path / "l").counts()["images"]["bad_url"] >= len(done)
