"""Hosts that want to stop, starve or swell a whole run: what one of them does costs its own rows only."""

from __future__ import annotations

import gzip
import os

import pytest
from crowd import outcomes, policy
from hostile_host import HostileHost, answer, picture

from laion_pairs.images.answer import judge_status
from laion_pairs.images.bulk import Job, Settings, download, open_lane
from laion_pairs.images.bulk.hosts import Hosts
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome
from laion_pairs.sample.image_host import ImageHost

PNG = picture()


def test_a_body_that_swells_while_it_is_paused_ends_its_own_row_only() -> None:
    """What libcurl has inflated meanwhile goes over the limit as the transfer is resumed, outside of its loop."""
    bomb = gzip.compress(b"\xff\xd8\xff" + bytes(30 * 2**20))
    small = policy(max_bytes_in_flight=2**20, max_body_bytes=20 * 2**20)
    pages = {"/bomb": answer(200, bomb, "Content-Encoding: gzip"), "/a.png": answer(200, PNG)}
    with HostileHost(pages) as host:
        done = download((Job(host.url(path)) for path in ["/bomb"] * 4 + ["/a.png"] * 20), Settings(policy=small))
        assert outcomes(done) == {"too_large": 4, "ok": 20}


def test_the_budget_comes_back_whatever_happened() -> None:
    robots = b"User-agent: *\nDisallow: /secret\n" + b"#" * 50_000
    asking = policy(max_body_bytes=2**20, ask_robots_txt=True, max_retries=1, retry_delay_s=0.05)
    with ImageHost([f"127.0.0.{n}" for n in range(1, 6)]) as host:
        host.serve("/robots.txt", robots, "text/plain")
        host.serve("/a", PNG)
        host.redirect("/moved", "/a")
        host.gone("/gone")
        host.failing("/failing")
        host.truncated("/cut", PNG)
        host.huge("/huge", 2**22, says_so=False)
        host.not_an_image("/page")
        host.opted_out("/reserved", PNG)
        lane = open_lane(Settings(policy=asking))
        try:
            for address in host.addresses:
                for path in host.pages:
                    lane.submit(Job(host.url(path, address)))
            while lane.outstanding:
                lane.take()
            assert lane._budget._held == 0
        finally:
            lane.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files in /proc")
def test_hosts_that_keep_connections_open_do_not_use_up_the_files() -> None:
    kept = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n" % len(PNG) + PNG
    concurrency = 8
    with HostileHost({"/": kept}, address="0.0.0.0") as host:
        lane = open_lane(Settings(policy=policy(), concurrency=concurrency))
        try:
            before, most = host.connections, 0
            for n in range(150):
                lane.submit(Job(f"http://127.1.0.{n + 1}:{host.port}/"))
                if n % concurrency == concurrency - 1:
                    while lane.outstanding:
                        assert lane.take().outcome is Outcome.OK
                    most = max(most, _connections_to(host.port))
            assert host.connections - before >= 140
            assert most <= 3 * concurrency  # two of them, and what is being closed
        finally:
            lane.close()


def _connections_to(port: int) -> int:
    """Established ones, from this machine to ``port`` (proc(5), ``/proc/net/tcp``: 01 is established)."""
    with open("/proc/net/tcp") as file:
        lines = [line.split() for line in file][1:]
    return sum(line[2].endswith(f":{port:04X}") and line[3] == "01" for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 01 Jan 2030 00:00:00 +99999999999999999999",
        "Mon, 99999999999999999999 Jan 2030 00:00:00 GMT",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    ],
)
def test_a_date_beyond_all_calendars_names_no_pause(text: str) -> None:
    with pytest.raises(Refused) as refused:
        judge_status(429, [("retry-after", text)], 1)
    assert refused.value.outcome is Outcome.RATE_LIMITED
    assert refused.value.retry_after_s is None


def test_requests_that_are_told_to_pause_together_are_told_once() -> None:
    """Ten in flight that all come back with 429 mean a pause of 1 s; the next round 2 s, not 2 ** 9."""
    hosts: Hosts[int] = Hosts(DownloadPolicy(host_interval_s=0.0))
    for n in range(40):
        hosts.put("h", n, 0.0)
    limited = Refused(Outcome.RATE_LIMITED, "the host answered with status 429.")
    now_s = 0.0
    for pause_s in (1.0, 2.0, 4.0):
        flying = [turn[1] for _ in range(10) if (turn := hosts.next(now_s)) is not None]
        assert len(flying) == 10
        for host in flying:
            hosts.done(host, limited, now_s)
        assert hosts.next(now_s) is None
        assert hosts.due_s() == now_s + pause_s
        now_s += pause_s
