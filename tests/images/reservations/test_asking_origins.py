"""Asking hosts that behave and hosts that do not: what each answer means, who is asked, and how often."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hostile_host import HostileHost, answer, in_pieces, picture, redirect
from walking import End, walk_all

from laion_pairs.images import DownloadPolicy, fetch_image
from laion_pairs.images.address import Reach
from laion_pairs.images.answer import Redirect
from laion_pairs.images.hops import Hops
from laion_pairs.images.refusal import Refused
from laion_pairs.images.reservations import Reservations, Wait
from laion_pairs.images.transfer import Transfer
from laion_pairs.images.transport import Transfers
from laion_pairs.ledger import Outcome

PNG = picture()
ROBOTS, TDMREP = "/robots.txt", "/.well-known/tdmrep.json"
PLAIN = DownloadPolicy(allow_private=True, first_byte_timeout_s=0.7, total_timeout_s=8)
ASK_ROBOTS = replace(PLAIN, ask_robots_txt=True)
ASK_TDMREP = replace(PLAIN, ask_tdmrep=True)
ASK_BOTH = replace(PLAIN, ask_robots_txt=True, ask_tdmrep=True)
REFUSING = {ROBOTS: b"User-agent: *\nDisallow: /", TDMREP: b'[{"location": "/", "tdm-reservation": 1}]'}
ALLOWING = {ROBOTS: b"User-agent: *\nDisallow: /other", TDMREP: b'[{"location": "/other", "tdm-reservation": 1}]'}
FILES = [(ROBOTS, ASK_ROBOTS, "robots.txt"), (TDMREP, ASK_TDMREP, "tdmrep.json")]


@pytest.fixture
def host() -> Iterator[HostileHost]:
    with HostileHost({"/a.png": answer(200, PNG)}) as host:
        yield host


def asked_for(host: HostileHost) -> list[str]:
    return [line.split(" ")[1] for line in host.requests]


def walk(url: str, policy: DownloadPolicy) -> End:
    (end,) = walk_all([url], policy)
    return end


@pytest.mark.parametrize(("path", "policy", "name"), FILES)
class TestEachFile:
    """What holds for robots.txt and tdmrep.json alike."""

    @pytest.mark.parametrize("status", [404, 410])
    def test_no_file_is_no_reservation(self, host, path, policy, name, status):
        host.routes[path] = answer(status, b"nothing here")
        assert walk(host.url("/a.png"), policy) == End(Outcome.OK, body=PNG)
        assert asked_for(host) == [path, "/a.png"]

    def test_a_file_that_allows(self, host, path, policy, name):
        host.routes[path] = answer(200, ALLOWING[path])
        assert walk(host.url("/a.png"), policy) == End(Outcome.OK, body=PNG)

    def test_a_file_that_refuses(self, host, path, policy, name):
        host.routes[path] = answer(200, REFUSING[path])
        end = walk(host.url("/a.png"), policy)
        assert (end.outcome, end.signal) == (Outcome.OPTED_OUT, name)

    @pytest.mark.parametrize(
        "unreadable",
        [
            answer(500),
            answer(502, b"", "Retry-After: 1"),
            answer(503, b"", "Retry-After: 1"),
            answer(429),
            answer(403),
            answer(401),
            answer(400),
            answer(204),
            answer(302),
            answer(304),
            answer(200, b"<!doctype html><title>Welcome</title>"),
            answer(200, b"\0\1\2"),
            answer(200, b" " * (500 * 2**10 + 1)),
            answer(200, b" " * (500 * 2**10 + 1), length=False),
            answer(200, b"", "Content-Length: 99999999999", length=False),
            answer(200, b"# cut short", "Content-Length: 50", length=False),
            answer(200, b"# not gzip", "Content-Encoding: gzip"),
            redirect("/round"),
            redirect(""),
            redirect("file:///etc/passwd"),
            redirect("ftp://127.0.0.1/robots.txt"),
            redirect("http://user:secret@127.0.0.1/"),
            redirect("http://169.254.169.254/"),
            redirect("http://[::ffff:10.0.0.300]/"),
            redirect("http://127.0.0.1:1/"),
            redirect("http://nobody.invalid:99999/"),
            b"SSH-2.0-OpenSSH\r\n",
        ],
        ids=lambda sent: sent[:60].decode("latin-1").splitlines()[0] + f" ({len(sent)} bytes)",
    )
    def test_what_cannot_be_read_is_a_refusal_and_no_image_is_asked_for(self, host, path, policy, name, unreadable):
        host.routes |= {path: unreadable, "/round": redirect("/round")}
        end = walk(host.url("/a.png"), policy)
        if unreadable.startswith(b"SSH"):  # not even HTTP: no status; whatever it is called, there is no image
            assert end.outcome is not Outcome.OK
        else:
            assert (end.outcome, end.signal) == (Outcome.OPTED_OUT, f"{name} not readable")
        assert "/a.png" not in asked_for(host)

    def test_a_silent_host_is_a_refusal(self, host, path, policy, name):
        host.routes[path] = in_pieces(host.wait_closed, [b""], 30)
        end = walk(host.url("/a.png"), policy)
        assert (end.outcome, end.signal) == (Outcome.OPTED_OUT, f"{name} not readable")
        assert asked_for(host) == [path]

    def test_a_dripping_host_is_a_refusal(self, host, path, policy, name):
        host.routes[path] = in_pieces(host.wait_closed, [answer(200, b"", length=False), *[b" "] * 500], 0.1)
        end = walk(host.url("/a.png"), replace(policy, min_rate_window_s=0.5))
        assert (end.outcome, end.signal) == (Outcome.OPTED_OUT, f"{name} not readable")

    def test_redirects_are_followed_as_far_as_the_policy_goes(self, host, path, policy, name):
        for number in range(6):
            host.routes[f"/hop{number}"] = redirect(f"/hop{number + 1}")
        host.routes[path] = redirect("/hop2")
        host.routes["/hop6"] = answer(200, REFUSING[path])
        assert walk(host.url("/a.png"), policy).signal == name  # 5 redirects
        host.routes[path] = redirect("/hop1")
        assert walk(host.url("/a.png"), policy).signal == f"{name} not readable"  # 6

    def test_a_redirect_to_another_host_is_followed_for_the_origin_that_was_asked(self, host, path, policy, name):
        with HostileHost({"/a.png": answer(200, PNG)}, address="127.0.0.2") as other:
            host.routes[path] = redirect(other.url("/file"))
            other.routes["/file"] = answer(200, REFUSING[path])
            ends = walk_all([host.url("/a.png"), other.url("/a.png")], policy, in_flight=1)
            assert [end.outcome for end in ends] == [Outcome.OPTED_OUT, Outcome.OK]
            assert asked_for(other) == ["/file", path, "/a.png"]

    def test_a_redirect_from_a_public_host_never_reaches_a_private_one(self, host, path, policy, name):
        host.routes["/inside"] = answer(200, ALLOWING[path])
        hops = Hops(host.url("/a.png"), policy, None, Reservations(policy))
        asking = hops.first()
        asking.redirect, asking.reach = Redirect(host.url("/inside").encode()), Reach.PUBLIC  # as a public host would
        following = hops.after(asking)
        with Transfers() as transfers:
            transfers.start(following)
            (done,) = transfers.wait(5)
        assert done.refused.outcome is Outcome.FORBIDDEN_ADDRESS
        with pytest.raises(Refused) as caught:
            hops.after(done)
        assert caught.value.signal == f"{name} not readable"
        assert host.connections == 0

    def test_headers_on_the_file_are_about_the_file(self, host, path, policy, name):
        headers = ["X-Robots-Tag: noindex", "tdm-reservation: 1", "Content-Usage: train-ai=n"]
        host.routes[path] = answer(200, ALLOWING[path], *headers)
        assert walk(host.url("/a.png"), policy).outcome is Outcome.OK
        host.routes[path] = answer(404, b"", *headers)
        assert walk(host.url("/a.png"), policy).outcome is Outcome.OK
        host.routes["/a.png"] = answer(200, PNG, "X-Robots-Tag: noindex")
        assert walk(host.url("/a.png"), policy).signal == "X-Robots-Tag: noindex"

    def test_a_host_that_is_not_there_ends_as_it_would_without_asking(self, host, path, policy, name):
        assert walk("http://127.0.0.1:1/a.png", policy).outcome is Outcome.CONNECT_FAILED
        assert walk("http://nobody.invalid/a.png", policy).outcome is Outcome.DNS_FAILED
        assert walk(host.url("/a.png"), replace(policy, allow_private=False)).outcome is Outcome.FORBIDDEN_ADDRESS
        guarded = replace(policy, allow_private=False, allowed_ports=(host.port,))
        assert walk(host.url("/a.png"), guarded).outcome is Outcome.FORBIDDEN_ADDRESS
        assert host.connections == 0

    def test_every_origin_is_asked_once_however_many_images(self, path, policy, name):
        with HostileHost() as one, HostileHost(address="127.0.0.2") as other, HostileHost() as port:
            hosts = [one, other, port]
            for number in range(60):
                for host in hosts:
                    host.routes[f"/{number}.png"] = answer(200, PNG)
            one.routes[path] = answer(200, ALLOWING[path])
            other.routes[path] = answer(200, REFUSING[path])
            urls = [host.url(f"/{number}.png") for number in range(60) for host in hosts]
            outcomes = [end.outcome for end in walk_all(urls, policy, in_flight=40)]
            reserved = Outcome.OPTED_OUT
            assert outcomes == [Outcome.OK, reserved, Outcome.OK] * 60
            assert [asked_for(host).count(path) for host in hosts] == [1, 1, 1]

    def test_an_unreadable_answer_is_one_answer_for_all(self, host, path, policy, name):
        host.routes[path] = answer(500)
        ends = walk_all([host.url("/a.png")] * 40, policy, in_flight=10)
        assert {end.signal for end in ends} == {f"{name} not readable"}
        assert asked_for(host) == [path]

    def test_the_origin_behind_a_redirect_is_asked_too(self, host, path, policy, name):
        with HostileHost({"/b.png": answer(200, PNG)}, address="127.0.0.2") as other:
            host.routes["/moved"] = redirect(other.url("/b.png"))
            other.routes[path] = answer(200, REFUSING[path].replace(b"1}", b'"x"}'))
            end = walk(host.url("/moved"), policy)
            assert (end.outcome, end.signal) == (Outcome.OPTED_OUT, name)
            assert asked_for(host) == [path, "/moved"]
            assert asked_for(other) in ([path], [path, "/b.png"])  # a tdmrep.json can be overridden by a header


def test_without_the_switches_nobody_is_asked(host):
    host.routes |= {path: answer(200, body) for path, body in REFUSING.items()}
    assert walk(host.url("/a.png"), PLAIN).outcome is Outcome.OK
    assert fetch_image(host.url("/a.png"), PLAIN).ok
    assert asked_for(host) == ["/a.png"] * 2


def test_both_files_are_asked_for_in_turn(host):
    host.routes[ROBOTS] = answer(200, ALLOWING[ROBOTS])
    host.routes[TDMREP] = answer(200, REFUSING[TDMREP])
    assert walk(host.url("/a.png"), ASK_BOTH).signal == "tdmrep.json"
    host.routes[ROBOTS] = answer(500)
    host.requests.clear()
    assert walk(host.url("/a.png"), ASK_BOTH).signal == "robots.txt not readable"
    assert asked_for(host) == [ROBOTS]


def test_robots_txt_speaks_for_paths(host):
    host.routes[ROBOTS] = answer(200, b"User-agent: laion-dataset\nDisallow: /private/\n")
    host.routes["/private/a.png"] = answer(200, PNG)
    ends = walk_all([host.url("/private/a.png"), host.url("/a.png"), host.url("/private/../a.png")], ASK_ROBOTS)
    assert [end.outcome for end in ends] == [Outcome.OPTED_OUT, Outcome.OK, Outcome.OK]


@pytest.mark.parametrize(
    ("in_file", "headers", "signal"),
    [
        (1, [], "tdmrep.json"),
        (1, ["tdm-reservation: 0"], None),
        (1, ["TDM-Reservation:  0 "], None),
        (1, ["tdm-reservation: 1"], "tdm-reservation: 1"),
        (1, ["tdm-reservation: yes"], "tdm-reservation with an illegal value"),
        (1, ["tdm-reservation: 0", "tdm-reservation: 1"], "tdm-reservation: 1"),
        (1, ["tdm-reservation: 0", "X-Robots-Tag: noai"], "X-Robots-Tag: noai"),
        (1, ["X-Robots-Tag: all"], "tdmrep.json"),
        (0, [], None),
        (0, ["tdm-reservation: 1"], "tdm-reservation: 1"),
        ("yes", [], "tdmrep.json"),
        ("yes", ["tdm-reservation: 0"], None),
    ],
)
def test_a_header_overrides_tdmrep_json(host, in_file, headers, signal):
    host.routes[TDMREP] = answer(200, json.dumps([{"location": "/", "tdm-reservation": in_file}]).encode())
    host.routes["/a.png"] = answer(200, PNG, *headers)
    end = walk(host.url("/a.png"), ASK_TDMREP)
    assert end.signal == signal
    assert (end.outcome is Outcome.OK) == (signal is None)


def test_a_fetch_that_is_dropped_while_it_asks_lets_the_next_one_ask(host):
    reservations = Reservations(ASK_ROBOTS)
    first, second, third = (Hops(host.url("/a.png"), ASK_ROBOTS, None, reservations) for _ in range(3))
    assert isinstance(first.first(), Transfer)
    waits = [second.first(), third.first(), third.resume()]
    assert all(isinstance(wait, Wait) for wait in waits)
    assert reservations.take_answered() == []
    second.abandon()  # it does not ask: nothing changes
    assert isinstance(third.resume(), Wait)
    first.abandon()
    assert reservations.take_answered() == [waits[0].origin]
    assert isinstance(third.resume(), Transfer)
    first.abandon()  # not its claim any more
    assert isinstance(second.resume(), Wait)


def test_a_fetch_with_too_little_time_left_says_nothing_about_the_host(host):
    """Its own end is TIMED_OUT, and the origin is asked again by the next."""
    policy = replace(ASK_ROBOTS, first_byte_timeout_s=1.0, total_timeout_s=1.6)
    with HostileHost({"/b.png": answer(200, PNG)}, address="127.0.0.2") as slow:
        slow.routes[ROBOTS] = in_pieces(slow.wait_closed, [b""], 30)
        host.routes["/late"] = in_pieces(host.wait_closed, [b"", redirect(slow.url("/b.png"))], 0.95)
        reservations = Reservations(policy)
        (end,) = walk_all([host.url("/late")], policy, reservations=reservations)
        assert (end.outcome, end.signal) == (Outcome.TIMED_OUT, None)
        slow.routes[ROBOTS] = answer(404)
        (end,) = walk_all([slow.url("/b.png")], policy, reservations=reservations)
        assert end.outcome is Outcome.OK


def test_a_policy_that_asks_needs_somewhere_to_keep_the_answers(host):
    for reservations in (None, Reservations(PLAIN), Reservations(ASK_BOTH)):
        with pytest.raises(ValueError, match="Reservations"):
            Hops(host.url("/a.png"), ASK_ROBOTS, None, reservations)
    with pytest.raises(RuntimeError, match="Wait"):
        Hops(host.url("/a.png"), PLAIN).resume()


class TestFetchImage:
    """One fetch at a time, in any thread."""

    def test_the_answer_is_remembered_between_calls(self, host):
        host.routes[ROBOTS] = answer(200, ALLOWING[ROBOTS])
        host.routes["/other.png"] = answer(200, PNG)
        outcomes = [fetch_image(host.url(path), ASK_ROBOTS).outcome for path in ["/a.png", "/a.png", "/other.png"]]
        assert outcomes == [Outcome.OK, Outcome.OK, Outcome.OPTED_OUT]
        assert asked_for(host) == [ROBOTS, "/a.png", "/a.png"]

    def test_a_refusal_by_file_tells_what_was_requested(self, host):
        host.routes[ROBOTS] = answer(200, REFUSING[ROBOTS])
        fetched = fetch_image(host.url("/a.png"), ASK_ROBOTS)
        assert (fetched.outcome, fetched.final_url, fetched.status) == (Outcome.OPTED_OUT, None, None)
        assert "robots.txt" in fetched.detail

    def test_threads_ask_once(self, host):
        together = threading.Barrier(8)

        def slowly(connection) -> None:
            host.wait_closed(0.3)
            connection.sendall(answer(200, ALLOWING[ROBOTS]))

        def fetch(_: int) -> Outcome:
            together.wait(5)
            return fetch_image(host.url("/a.png"), ASK_ROBOTS).outcome

        host.routes[ROBOTS] = slowly
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(fetch, range(8))) == [Outcome.OK] * 8
        assert asked_for(host).count(ROBOTS) == 1

    def test_an_image_that_reserves_itself(self, host):
        xmp = b'<x xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining="DMI-PROHIBITED"/>'
        host.routes["/x.webp"] = answer(200, picture("WEBP", xmp=xmp))
        assert fetch_image(host.url("/x.webp"), PLAIN).ok
        fetched = fetch_image(host.url("/x.webp"), replace(PLAIN, read_xmp=True))
        assert fetched.outcome is Outcome.OPTED_OUT
        assert "XMP: DMI-PROHIBITED" in fetched.detail
        assert fetch_image(host.url("/a.png"), replace(PLAIN, read_xmp=True)).ok
        assert walk(host.url("/x.webp"), replace(PLAIN, read_xmp=True)).signal == "XMP: DMI-PROHIBITED"
