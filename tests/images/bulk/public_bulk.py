"""Downloads in bulk inside a network namespace, where public addresses and the name server are ours.

Run as root by test_public_bulk.py: ``unshare --net --mount python public_bulk.py``. Prints one JSON object: a scene's
name to what happened in it.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from hostile_host import HostileHost, answer, picture, redirect  # noqa: E402
from public_network import AAAA, OTHER_PUBLIC, PUBLIC, A, Names, prepare_network  # noqa: E402

from laion_pairs.errors import DownloadStopped  # noqa: E402
from laion_pairs.images import DownloadPolicy  # noqa: E402
from laion_pairs.images.bulk import Job, Settings, download  # noqa: E402

PAGE = {"/": answer(200, picture())}
QUICK = {
    "host_interval_s": 0.0,
    "max_retries": 0,
    "breaker_failures": 10**9,
    "stop_after_failures": 0,
    "connect_timeout_s": 3.0,
}


def fetch(urls: list[str], concurrency: int = 256, **changes: object) -> list[tuple[str, str]]:
    """Every URL and its outcome, in the order in which they ended."""
    policy = DownloadPolicy(**{**QUICK, **changes})
    jobs = (Job(url, tag=url) for url in urls)
    return [(one.tag, one.outcome.value) for one in download(jobs, Settings(policy=policy, concurrency=concurrency))]


def main() -> None:
    prepare_network()
    scenes: dict[str, object] = {}

    stopped = "not stopped"
    try:
        fetch([f"http://host{n}.example/" for n in range(200)], stop_after_failures=50)
    except DownloadStopped as error:
        stopped = str(error)
    scenes["no name server"] = stopped

    names = Names()
    with (
        HostileHost(PAGE, address=PUBLIC, port=80) as public,
        HostileHost(PAGE, address=OTHER_PUBLIC, port=80),
        HostileHost(PAGE, address="127.0.0.1", port=80) as target,
        HostileHost(PAGE, address="::1", port=80) as target_v6,
        HostileHost(PAGE, address=PUBLIC, port=8080) as public_8080,
    ):
        good = [f"good{n}.example" for n in range(40)]
        names.answers.update({(name, A): [[PUBLIC if n % 2 else OTHER_PUBLIC]] for n, name in enumerate(good)})
        gone = [f"gone{n}.example" for n in range(20)]
        silent = [f"silent{n}.example" for n in range(40)]
        names.silent.update(silent)
        order = [*silent, *gone, *good]
        scenes["silent names first"] = [
            (url.split("/")[2].rstrip("0123456789").partition(".")[0].rstrip("0123456789"), outcome)
            for url, outcome in fetch([f"http://{name}/" for name in order], concurrency=64)
        ]

        names.silent.add("flaky.example")
        names.answers[("flaky.example", A)] = [[PUBLIC]]
        threading.Timer(1.5, names.silent.clear).start()
        flaky = fetch(["http://flaky.example/"], connect_timeout_s=1.0, max_retries=1, retry_delay_s=5.5)
        scenes["a name that is answered later"] = flaky[0][1]

        names.asked.clear()
        scenes["one name"] = Counter(outcome for _, outcome in fetch([f"http://{good[0]}/"] * 300))
        scenes["one name was asked for"] = names.asked.count(good[0])

        names.answers[("inside.example", A)] = [["127.0.0.1"]]
        names.answers[("inside6.example", AAAA)] = [["::1"]]
        names.answers[("mapped.example", AAAA)] = [["::ffff:127.0.0.1"]]
        names.answers[("nat64.example", AAAA)] = [["64:ff9b::7f00:1"]]
        names.answers[("metadata.example", A)] = [["169.254.169.254"]]
        names.answers[("both.example", A)] = [["127.0.0.1", "10.0.0.1"]]
        names.answers[("rebind.example", A)] = [[PUBLIC], ["127.0.0.1"]]
        inside = [
            "127.0.0.1", "127.1", "2130706433", "localhost", "[::1]", "[::ffff:127.0.0.1]", "inside.example",
            "inside6.example", "mapped.example", "nat64.example", "metadata.example", "both.example",
        ]  # fmt: skip
        for n, form in enumerate(inside):
            public.routes[f"/r{n}"] = redirect(f"http://{form}/")
        public.routes["/port"] = redirect(f"http://{PUBLIC}:8080/")
        direct = [f"http://{form}/" for form in inside] + [f"http://{PUBLIC}:8080/"]
        redirected = [f"http://{PUBLIC}/r{n}" for n in range(len(inside))] + [f"http://{PUBLIC}/port"]
        scenes["direct"] = fetch(direct * 3)
        scenes["redirected"] = fetch(redirected * 3)
        scenes["redirected, private allowed"] = fetch(redirected * 3, allow_private=True)
        scenes["touched"] = [len(host.received) for host in (target, target_v6, public_8080)]

        first = fetch(["http://rebind.example/"])
        second = fetch(["http://rebind.example/"] * 20)
        scenes["rebinding"] = [outcome for _, outcome in first + second]
        scenes["touched after rebinding"] = len(target.received)
    print(json.dumps(scenes))


if __name__ == "__main__":
    main()
