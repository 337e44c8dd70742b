"""The contract of fetching from the open web, through the bulk path with many in flight: outcomes, addresses, limits.

``crowd.HURRY`` switches manners off, test_contract_manners.py tests those.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest
from crowd import Crowd, fetch_all, outcomes, policy
from hostile_host import HostileHost, answer, in_pieces, picture, redirect
from test_fetch import ANSWERS, QUICK, SLOW
from test_session_isolation import SECRET, plant

from laion_pairs.images.bulk import Job, Settings, download
from laion_pairs.images.integrity import Integrity
from laion_pairs.images.pixels import Resize
from laion_pairs.ledger import Ledger, Outcome
from laion_pairs.sample.image_host import ImageHost
from laion_pairs.takedown import Entry, write_list

PNG = picture()
QUICK_LIMITS = {
    name: getattr(QUICK, name)
    for name in (
        "connect_timeout_s",
        "min_bytes_per_s",
        "min_rate_window_s",
        "max_body_bytes",
        "max_header_bytes",
        "max_redirects",
    )
}


def path_of(name: str) -> str:
    return "/" + name.replace(" ", "%20")


@pytest.mark.parametrize("resize", [None, Resize(mode="no")], ids=["bytes", "pixels"])
def test_every_answer_has_the_outcome_that_it_has_alone(resize: Resize | None) -> None:
    """The table of test_fetch.py, five times each, shuffled, 64 in flight; but what asks for a pause would get it."""
    routes = {path_of(name): sent for name, (sent, _, _) in ANSWERS.items()}
    routes["/%C3%A0"] = routes["/image"]
    names = [name for name, (_, outcome, _) in ANSWERS.items() if outcome is not Outcome.RATE_LIMITED] * 5
    random.Random(0).shuffle(names)
    expected = {name: outcome for name, (_, outcome, _) in ANSWERS.items()}
    if resize is None:  # bytes are judged by their header alone
        expected["cut png"] = Outcome.OK
    with HostileHost(routes) as host:
        limits = policy(**QUICK_LIMITS, first_byte_timeout_s=9, total_timeout_s=20, requests_per_host=64)
        done = fetch_all([host.url(path_of(name)) for name in names], limits, resize=resize)
    assert sorted(one.tag for one in done) == list(range(len(names)))
    wrong = {(names[one.tag], one.outcome) for one in done if one.outcome is not expected[names[one.tag]]}
    assert not wrong
    for one in done:
        delivered = one.body if resize is None else one.pixels
        assert (delivered is not None) == (one.outcome is Outcome.OK)
        assert one.detail.isprintable()
        assert "hunter2" not in repr(one)


def test_slow_answers_end_by_their_limits_side_by_side() -> None:
    with HostileHost() as host:
        expected = {}
        for name, (pieces, pause_s, outcome, _) in SLOW.items():
            if pieces is not None:
                host.routes[path_of(name)] = in_pieces(host.wait_closed, pieces, pause_s)
                expected[host.url(path_of(name))] = outcome
        urls = list(expected) * 4
        done = fetch_all(urls, policy(**QUICK_LIMITS, first_byte_timeout_s=1, total_timeout_s=1.8))
    assert [expected[urls[one.tag]] for one in done] == [one.outcome for one in done]


def test_every_outcome_is_reached(tmp_path: Path) -> None:
    """No member of the enum is only a word."""
    with ImageHost(["127.0.0.1", "127.0.0.2"]) as host, HostileHost() as gone, HostileHost() as plain:
        port_of_nobody = gone.port
        gone.__exit__(None, None, None)
        expected = {
            host.serve("/ok", PNG): Outcome.OK,
            "http://nowhere.invalid/": Outcome.DNS_FAILED,
            f"http://127.0.0.1:{port_of_nobody}/": Outcome.CONNECT_FAILED,
            plain.url("/").replace("http:", "https:"): Outcome.TLS_FAILED,
            host.silent("/silent"): Outcome.TIMED_OUT,
            host.drip("/drip", PNG, bytes_per_s=10): Outcome.TOO_SLOW,
            host.huge("/huge"): Outcome.TOO_LARGE,
            host.huge("/endless", says_so=False): Outcome.TOO_LARGE,
            host.serve("/pixels", picture("PNG", (2_000, 2_000), "1")): Outcome.TOO_MANY_PIXELS,
            host.redirect("/loop", "/loop"): Outcome.TOO_MANY_REDIRECTS,
            host.gone("/404", 404): Outcome.HTTP_CLIENT_ERROR,
            host.failing("/500", 500): Outcome.HTTP_SERVER_ERROR,
            host.failing("/429", 429): Outcome.RATE_LIMITED,
            "http://169.254.169.254/latest/meta-data/": Outcome.FORBIDDEN_ADDRESS,
            "file:///etc/hostname": Outcome.BAD_URL,
            host.not_an_image("/html"): Outcome.NOT_AN_IMAGE,
            host.corrupt("/corrupt", PNG, 0.6): Outcome.CORRUPT_IMAGE,
            host.opted_out("/shy", PNG): Outcome.OPTED_OUT,
            host.serve("/listed", PNG): Outcome.TAKEN_DOWN,
            host.serve("/tiny", picture("PNG", (4, 4))): Outcome.TOO_SMALL,
            host.serve("/long", picture("PNG", (80, 6))): Outcome.BAD_ASPECT_RATIO,
        }
        listed = tmp_path / "list.parquet"
        write_list(listed, [Entry("url", host.url("/listed"), "asked")], version="v1")
        limits = policy(
            first_byte_timeout_s=2, total_timeout_s=6, min_rate_window_s=0.5, max_body_bytes=10**6, max_pixels=10**6
        )
        right = "md5:" + hashlib.md5(PNG).hexdigest()
        jobs = [Job(url, tag=url, digest=right if url.endswith("/ok") else None) for url in expected]
        jobs.append(Job(host.url("/withdrawn"), tag="withdrawn", withdrawn="laion400m"))
        expected["withdrawn"] = Outcome.WITHDRAWN
        jobs.append(Job(host.serve("/other", PNG), tag="other", digest="md5:" + 32 * "0"))
        expected["other"] = Outcome.DIGEST_MISMATCH
        jobs.append(Job(host.serve("/odd", PNG), tag="odd", digest="md5:x"))
        expected["odd"] = Outcome.DIGEST_MISMATCH
        settings = Settings(
            policy=limits,
            resize=Resize(mode="no", min_side_px=5, max_aspect_ratio=10),
            takedown=(str(listed),),
            integrity=Integrity(mode="require"),
            ledger=str(tmp_path / "run.ledger"),
        )
        done = {one.tag: one.outcome for one in download(jobs, settings)}
    assert done == expected
    assert set(done.values()) == set(Outcome)
    counts = Ledger(tmp_path / "run.ledger").counts()
    assert counts["images"] == dict(Counter(o.value for o in expected.values()))
    assert counts["digests"] == {"malformed": 1}


PRIVATE = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]",
    "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::1]", "[2001:0:7f00:1::1]",
    "10.0.0.1", "172.16.0.1", "192.168.0.1", "[fc00::1]",
]  # fmt: skip
NEVER = [
    "0.0.0.0", "100.64.0.1", "169.254.169.254", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "[::]", "[fe80::1]", "[ff02::1]", "[2001:db8::1]", "[100::1]",
]  # fmt: skip


def test_only_public_addresses_are_dialled() -> None:
    with HostileHost({"/": answer(200, PNG)}) as host:
        urls = [f"http://{form}:{host.port}/" for form in PRIVATE + NEVER]
        urls += [f"http://{form}/" for form in PRIVATE + NEVER]
        assert outcomes(fetch_all(urls, policy(allow_private=False))) == {"forbidden_address": len(urls)}
        assert host.connections == 0


def test_some_addresses_are_refused_where_private_ones_are_allowed() -> None:
    done = fetch_all([f"http://{form}/" for form in NEVER])
    assert outcomes(done) == {"forbidden_address": len(NEVER)}


def test_an_address_in_a_url_is_the_one_that_is_dialled() -> None:
    """A handle that dialled a name's address before does not dial it again for the next URL."""
    page = {"/": answer(200, PNG)}
    with HostileHost(page) as one, HostileHost(page, address="127.0.0.2", port=one.port) as other:
        urls = [f"http://localhost:{one.port}/", other.url(), one.url(), other.url()]
        assert outcomes(fetch_all(urls, concurrency=1)) == {"ok": 4}
        assert (len(one.requests), len(other.requests)) == (2, 2)


BAD_URLS = [
    None, "", "x", "file:///etc/hostname", "ftp://127.0.0.1/", "data:image/png;base64,AA", "gopher://127.0.0.1/",
    "http://user:hunter2@127.0.0.1/", "http://user@127.0.0.1/", "http://127.0.0.1:0/", "http://127.0.0.1:99999/",
    "http://127.0.0.1/a b", "http://127.0.0.1/a\r\nX: y", "http://127.0.0.1/\n", " http://127.0.0.1/", "http:///a",
    "http://127.0.0.1\\@example.org/", "http://[::1%25lo]/", "//127.0.0.1/", "http://" + "a" * 9000, "http://a..b/",
    "dict://127.0.0.1:1/", "HTTP//127.0.0.1", "http://999.999.999.999/", "\ud800", "http://127.0.0.1/\x00",
]  # fmt: skip


def test_what_is_no_http_url_is_never_requested() -> None:
    done = fetch_all(BAD_URLS)
    assert {BAD_URLS[one.tag]: one.outcome for one in done if one.outcome is not Outcome.BAD_URL} == {}
    assert len(done) == len(BAD_URLS)
    assert "hunter2" not in repr(done)


def test_redirects_are_judged_like_first_hops() -> None:
    with ImageHost() as host, HostileHost({"/": answer(200, PNG)}) as target:
        bad = [url for url in BAD_URLS if url and url.isprintable() and ":" in url and " " not in url]
        expected = {host.redirect(f"/bad/{n}", url): Outcome.BAD_URL for n, url in enumerate(bad) if url.isascii()}
        for n, form in enumerate(NEVER):
            expected[host.redirect(f"/never/{n}", f"http://{form}/")] = Outcome.FORBIDDEN_ADDRESS
        expected[host.redirect("/good", target.url())] = Outcome.OK
        done = fetch_all(expected)
    assert {list(expected)[one.tag]: one.outcome for one in done} == expected
    assert target.connections == 1


BULK = textwrap.dedent(
    """
    import sys
    from laion_pairs.images import DownloadPolicy
    from laion_pairs.images.bulk import Job, Settings, download
    policy = DownloadPolicy(allow_private=True, contact="operator@example.org", max_retries=0)
    jobs = (Job(url) for url in sys.argv[1:])
    for done in download(jobs, Settings(policy=policy), ordered=True):
        print(done.outcome)
    """
)


def test_planted_secrets_are_seen_nowhere(tmp_path: Path) -> None:
    png = answer(200, PNG, f"Set-Cookie: seen={SECRET}; Path=/")
    with HostileHost() as proxy, HostileHost({"/a": png}) as host:
        host.routes["/r"] = redirect("/a", 302, f"Set-Cookie: seen={SECRET}; Path=/")
        host.routes["/auth"] = answer(401, b"", 'WWW-Authenticate: Basic realm="x"', "WWW-Authenticate: Negotiate")
        urls = [host.url("/a"), host.url("/r"), host.url("/a"), host.url("/auth")]
        run = subprocess.run(
            [sys.executable, "-c", BULK, *urls],
            env=plant(tmp_path, proxy.port),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.stdout.split() == ["ok", "ok", "ok", "http_client_error"], run.stderr
        assert proxy.connections == 0
        assert SECRET.encode() not in host.received
        headers = {line.split(b":")[0].lower() for line in host.received.split(b"\r\n") if b":" in line}
        assert headers == {b"host", b"user-agent", b"accept", b"accept-encoding"}
        assert b"operator@example.org" in host.received


def test_silent_hosts_hold_nobody_up() -> None:
    """Thirty silent hosts come first, 32 are in flight: everybody else is through before the first of them gives up."""
    silent = [f"127.0.1.{n}" for n in range(1, 31)]
    good = [f"127.0.2.{n}" for n in range(1, 11)]
    with ImageHost([*silent, *good]) as host:
        host.silent("/silent.jpg")
        host.serve("/a.png", PNG)
        urls = [host.url("/silent.jpg", address) for address in silent] + [
            host.url("/a.png", address) for address in good
        ] * 20
        done = fetch_all(urls, policy(first_byte_timeout_s=3, total_timeout_s=6), concurrency=32)
    assert [one.outcome.value for one in done] == ["ok"] * 200 + ["timed_out"] * 30


def test_one_host_with_everything_holds_nobody_up() -> None:
    """Rows of one slow host come first and are many: its limit keeps it to its share of what is in flight."""
    others = [f"127.0.2.{n}" for n in range(1, 11)]
    with Crowd(["127.0.1.1", *others]) as host:
        host.serve("/a.png", PNG)
        host.serve("/slow.png", PNG, delay_s=0.3)
        urls = [host.url("/slow.png", "127.0.1.1")] * 40 + [host.url("/a.png", address) for address in others] * 10
        done = fetch_all(urls, policy(requests_per_host=4), concurrency=16)
    assert outcomes(done) == {"ok": 140}
    first_half = [one.tag for one in done[:100]]
    assert sum(tag < 40 for tag in first_half) < 30, "the slow host's rows held the others up"


def test_ordered_is_in_order_whatever_the_hosts_do() -> None:
    with ImageHost([f"127.0.2.{n}" for n in range(1, 9)]) as host:
        urls = []
        for n in range(64):
            host.serve(f"/{n}.png", PNG, delay_s=0.2 * (n % 7 == 0))
            urls.append(host.url(f"/{n}.png", host.addresses[n % 8]))
        urls[5:5] = ["file:///x", None]
        done = fetch_all(urls, ordered=True)
    assert [one.tag for one in done] == list(range(66))
    assert outcomes(done) == {"ok": 64, "bad_url": 2}


def test_nothing_is_lost_doubled_or_uncounted(tmp_path: Path) -> None:
    """Jobs = answers = what the ledger counted = what the hosts saw."""
    addresses = [f"127.0.3.{n}" for n in range(1, 21)]
    dice = random.Random(1)
    with ImageHost(addresses) as host:
        host.serve("/ok.png", PNG)
        host.gone("/gone.jpg", 404)
        host.not_an_image("/page.jpg")
        host.opted_out("/shy.png", PNG)
        host.redirect("/moved.jpg", "/ok.png")
        requests = {"/ok.png": 1, "/gone.jpg": 1, "/page.jpg": 1, "/shy.png": 1, "/moved.jpg": 2}
        paths = dice.choices(list(requests), [6, 2, 1, 1, 1], k=1500)
        urls: list[str | None] = [host.url(path, dice.choice(addresses)) for path in paths] + [None] * 10
        done = fetch_all(urls, ledger=str(tmp_path / "run.ledger"), concurrency=128)
        seen = host.count()
    assert sorted(one.tag for one in done) == list(range(1510))
    counts = Ledger(tmp_path / "run.ledger").counts()
    assert counts["images"] == outcomes(done)
    assert seen == sum(requests[path] for path in paths)
    assert counts["http_status"] == {"404": paths.count("/gone.jpg")}
    assert counts["opt_out_signals"] == {"X-Robots-Tag: noai": paths.count("/shy.png")}
    assert sum(counts["failing_hosts"].values()) == paths.count("/gone.jpg") + paths.count("/page.jpg")
    assert set(counts["failing_hosts"]) <= set(addresses)
    n_ok = paths.count("/ok.png") + paths.count("/moved.jpg")
    assert counts["images"]["ok"] == n_ok
    assert counts["bytes"]["received"] >= n_ok * len(PNG)


def test_what_is_taken_down_or_withdrawn_is_a_number_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    body = picture("PNG", (9, 9))
    with ImageHost(["127.0.44.1"]) as host:
        urls = [host.serve(f"/planted-{n}.png", PNG) for n in range(5)]
        by_bytes = host.serve("/planted-bytes.png", body)
        pointer = host.redirect("/planted-pointer", urls[0])
        entries = [Entry("url", url, "asked") for url in urls]
        entries.append(Entry("sha256", hashlib.sha256(body).hexdigest(), "asked"))
        write_list(tmp_path / "list.parquet", entries, version="v1")
        settings = Settings(policy=policy(), takedown=(str(tmp_path / "list.parquet"),), ledger=str(tmp_path / "l"))
        jobs = [Job(url, tag=n) for n, url in enumerate([*urls, by_bytes, pointer])]
        jobs.append(Job(host.url("/planted-withdrawn"), tag=7, withdrawn="laion400m"))
        done = list(download(jobs, settings))
        asked = {line.path for line in host.requests()}
    assert outcomes(done) == {"taken_down": 7, "withdrawn": 1}
    assert asked == {"/planted-bytes.png", "/planted-pointer"}
    written = repr(done) + caplog.text + "".join(capfd.readouterr())
    written += "".join(part.read_text() for part in (tmp_path / "l").iterdir())
    assert "planted" not in written
    assert "127.0.44.1" not in written
    assert all(one.body is None and one.pixels is None and one.sha256 is None for one in done)


MEMORY = textwrap.dedent(
    """
    import sys, time
    from laion_pairs.images import DownloadPolicy
    from laion_pairs.images.bulk import Job, Settings, download

    def peak_mib():
        return int(dict(line.split(":", 1) for line in open("/proc/self/status"))["VmHWM"].split()[0]) / 1024

    policy = DownloadPolicy(allow_private=True, max_bytes_in_flight=64 << 20, host_interval_s=0, max_retries=0,
                            breaker_failures=10**9, stop_after_failures=0, total_timeout_s=60, connect_timeout_s=60,
                            first_byte_timeout_s=60)
    urls = sys.argv[3:]
    list(download((Job(url) for url in urls[:1]), Settings(policy=policy)))
    before = peak_mib()
    n = 0
    jobs = (Job(urls[n % len(urls)]) for n in range(int(sys.argv[1])))
    for done in download(jobs, Settings(policy=policy, keep_body=True, concurrency=64)):
        n += 1
        time.sleep(float(sys.argv[2]))
    print(n, round(peak_mib() - before))
    """
)


@pytest.mark.skipif(sys.platform != "linux", reason="reads VmHWM from /proc, which only Linux has")
@pytest.mark.parametrize("pause_s", [0.0, pytest.param(0.05, marks=pytest.mark.ci)])
def test_bytes_in_flight_are_bounded(pause_s: float) -> None:
    """24 images of 19 MiB are 456 MiB, all at once in flight; the policy allows 64 MiB, for a slow consumer too."""
    with ImageHost([f"127.0.4.{n}" for n in range(1, 9)]) as host:
        host.serve("/big.jpg", PNG + bytes(19 << 20))
        urls = [host.url("/big.jpg", address) for address in host.addresses]
        run = subprocess.run(
            [sys.executable, "-c", MEMORY, "24", str(pause_s), *urls], capture_output=True, text=True, timeout=120
        )
    assert run.returncode == 0, run.stderr
    n, grown_mib = map(int, run.stdout.split())
    assert n == 24
    # one image more, twice while it is put together, and what the allocator keeps: 80 MiB seen
    assert grown_mib < 64 + 160, f"{grown_mib} MiB for 64 MiB in flight"
