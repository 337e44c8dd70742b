"""The loop with many transfers in flight: all of them end, each with its own answer, in bounded time."""

from __future__ import annotations

import time

import pytest
from hostile_host import HostileHost, answer, in_pieces, picture, redirect

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.hops import Hops
from laion_pairs.images.refusal import Refused
from laion_pairs.images.transfer import Transfer
from laion_pairs.images.transport import Transfers
from laion_pairs.ledger import Outcome

PNG = picture()
POLICY = DownloadPolicy(allow_private=True, first_byte_timeout_s=1.0, total_timeout_s=9)


def run_all(urls: list[str], in_flight: int) -> list[Outcome]:
    """What the bulk pipeline does, in ten lines."""
    outcomes: dict[int, Outcome] = {}
    waiting = [(Hops(url, POLICY), index) for index, url in enumerate(urls)][::-1]
    running: dict[Hops, int] = {}

    def take(hops: Hops, step) -> None:
        try:
            answer_ = step()
        except Refused as refused:
            outcomes[running.pop(hops)] = refused.outcome
        else:
            if isinstance(answer_, Transfer):
                transfers.start(answer_)
            else:
                assert answer_ == PNG
                outcomes[running.pop(hops)] = Outcome.OK

    with Transfers() as transfers:
        while waiting or running:
            while waiting and len(transfers) < in_flight:
                hops, index = waiting.pop()
                running[hops] = index
                take(hops, hops.first)
            for done in transfers.wait(1.0):
                take(done.owner, lambda done=done: done.owner.after(done))
        assert len(transfers) == 0
    return [outcomes[index] for index in range(len(urls))]


@pytest.mark.parametrize("in_flight", [1, 7, 200])
def test_every_fetch_ends_with_its_own_answer(in_flight):
    with HostileHost({"/ok": answer(200, PNG), "/gone": answer(410), "/moved": redirect("/ok")}) as host:
        kinds = [("/ok", Outcome.OK), ("/gone", Outcome.HTTP_CLIENT_ERROR), ("/moved", Outcome.OK)]
        kinds += [(None, Outcome.BAD_URL)]
        wanted = kinds * 50
        urls = [host.url(path) if path else "file:///etc/passwd" for path, _ in wanted]
        assert run_all(urls, in_flight) == [outcome for _, outcome in wanted]


def test_silent_hosts_hold_nobody_up():
    with HostileHost({"/ok": answer(200, PNG)}) as host:
        host.routes["/silent"] = in_pieces(host.wait_closed, [b""], 9)
        start_s = time.monotonic()
        outcomes = run_all([host.url("/silent"), host.url("/ok")] * 100, in_flight=200)
        assert outcomes == [Outcome.TIMED_OUT, Outcome.OK] * 100
        assert time.monotonic() - start_s < 4


def test_a_wait_of_no_time_works_on_what_is_ready():
    with HostileHost({"/": answer(200, PNG)}) as host, Transfers() as transfers:
        hops = Hops(host.url("/"), POLICY)
        transfers.start(hops.first())
        end_s = time.monotonic() + POLICY.total_timeout_s
        done: list[Transfer] = []
        while not done and time.monotonic() < end_s:
            done = transfers.wait(0.0)
        assert hops.after(done[0]) == PNG


def test_connections_are_kept_alive_within_a_loop():
    body = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n" % len(PNG) + PNG
    with HostileHost({"/": body}) as host:
        assert run_all([host.url()] * 20, in_flight=1) == [Outcome.OK] * 20
        assert host.connections == 1


def test_one_loop_serves_one_policy():
    with Transfers() as transfers, HostileHost({"/": answer(200, PNG)}) as host:
        transfers.start(Hops(host.url(), POLICY).first())
        with pytest.raises(ValueError, match="one policy"):
            transfers.start(Hops("http://example.org/", DownloadPolicy()).first())


def test_wait_keeps_its_time_and_close_drops_what_runs():
    with HostileHost() as host:
        host.routes["/"] = in_pieces(host.wait_closed, [b""], 9)
        hops = Hops(host.url(), DownloadPolicy(allow_private=True))
        with Transfers() as transfers:
            assert transfers.wait(0.2) == []  # nothing runs: nothing to wait for
            transfers.start(hops.first())
            start_s = time.monotonic()
            assert transfers.wait(0.2) == []
            assert 0.15 < time.monotonic() - start_s < 0.4
            assert len(transfers) == 1
        assert len(transfers) == 0
