"""Fetches inside a network namespace of their own, where public addresses and the DNS server are ours.

Run as root by test_public_network.py: ``unshare --net --mount python public_network.py``. Nothing can leave the
namespace: it has a loopback device only. Prints one JSON object: a scene's name to what happened in it.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import tempfile
import threading
import time

from hostile_host import HostileHost, answer, picture, redirect

from laion_pairs.images import DownloadPolicy, Fetched, fetch_image
from laion_pairs.images.hops import Hops
from laion_pairs.images.refusal import Refused
from laion_pairs.images.transfer import Transfer
from laion_pairs.images.transport import Transfers

PNG = picture()
PUBLIC, OTHER_PUBLIC, PUBLIC_V6, DEAD_PUBLIC = "93.184.216.34", "93.184.216.35", "2606:2800:220:1::1", "93.184.216.99"
A, AAAA = 1, 28


class Names:
    """A DNS server on 127.0.0.1:53. A name has a list of answers, given one after the other, the last for ever."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, int], list[list[str]]] = {}
        self.asked: list[str] = []
        self.silent: set[str] = set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(512)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode())
                at += 1 + query[at]
            name, (kind,) = ".".join(labels), struct.unpack(">H", query[at + 1 : at + 3])
            if name in self.silent:
                continue
            self.asked.append(name)
            given = self.answers.get((name, kind), [[]])
            addresses = given.pop(0) if len(given) > 1 else given[0]
            family = socket.AF_INET if kind == A else socket.AF_INET6
            packed = [socket.inet_pton(family, address) for address in addresses]
            records = b"".join(struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(data)) + data for data in packed)
            header = query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(packed), 0, 0)
            self._socket.sendto(header + query[12 : at + 5] + records, client)


def prepare_network() -> None:
    for command in (
        "ip link set lo up",
        *(f"ip addr add {address}/32 dev lo" for address in (PUBLIC, OTHER_PUBLIC)),
        f"ip -6 addr add {PUBLIC_V6}/128 dev lo",
    ):
        subprocess.run(command.split(), check=True)
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
        file.write("nameserver 127.0.0.1\noptions timeout:9 attempts:1\n")
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)


def told(fetched: Fetched, *targets: HostileHost) -> dict[str, object]:
    """What a scene reports: the outcome, and how many connections and bytes the forbidden hosts saw."""
    return {
        "outcome": fetched.outcome.value,
        "redirects": fetched.redirects,
        "elapsed_s": fetched.elapsed_s,
        "connections": sum(target.connections for target in targets),
        "bytes": sum(len(target.received) for target in targets),
    }


def kept_alive(public: HostileHost, target: HostileHost, policy: DownloadPolicy) -> dict[str, object]:
    """A loop has an open connection to a private host when a public one redirects there: it must not be used."""
    target.routes["/"] = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n" % len(PNG) + PNG
    public.routes["/kept"] = redirect(target.url().replace(":80", ""))
    outcomes = []
    with Transfers() as transfers:
        for url in (target.url(), target.url(), f"http://{PUBLIC}/kept"):
            hops = Hops(url, policy)
            step: Transfer | bytes = hops.first()
            try:
                while isinstance(step, Transfer):
                    transfers.start(step)
                    step = hops.after(transfers.wait(9)[0])
                outcomes.append("ok")
            except Refused as refused:
                outcomes.append(refused.outcome.value)
    return {"outcomes": outcomes, "requests": len(target.requests), "connections": target.connections}


def main() -> None:
    prepare_network()
    names = Names()
    scenes: dict[str, object] = {}
    private_too = DownloadPolicy(allow_private=True)
    page = {"/": answer(200, PNG)}

    with (
        HostileHost(page, address=PUBLIC, port=80) as public,
        HostileHost(page, address=PUBLIC_V6, port=80),
        HostileHost(page, address=PUBLIC, port=8080) as public_8080,
        HostileHost(page, address="127.0.0.1", port=80) as target,
        HostileHost(page, address="::1", port=80) as target_v6,
        HostileHost(page, address="127.0.0.1") as private,
        HostileHost(address="127.0.0.2", port=80) as target_kept,
    ):
        targets = (target, target_v6, public_8080)
        scenes["public"] = told(fetch_image(f"http://{PUBLIC}/"), *targets)
        scenes["public over IPv6"] = told(fetch_image(f"http://[{PUBLIC_V6}]/"), *targets)
        names.answers[("good.example", A)] = [[PUBLIC]]
        scenes["public name"] = told(fetch_image("http://good.example/"), *targets)

        forms = ["127.0.0.1", "127.1", "2130706433", "localhost", "[::1]", "[::ffff:127.0.0.1]"]
        names.answers[("inside.example", A)] = [["127.0.0.1"]]
        names.answers[("inside6.example", AAAA)] = [["::1"]]
        names.answers[("mapped.example", AAAA)] = [["::ffff:127.0.0.1"]]
        names.answers[("nat64.example", AAAA)] = [["64:ff9b::7f00:1"]]
        names.answers[("local-nat64.example", AAAA)] = [["64:ff9b:1::7f00:1"]]
        names.answers[("6to4.example", AAAA)] = [["2002:7f00:1::1"]]
        names.answers[("teredo.example", AAAA)] = [["2001:0:7f00:1::1"]]
        names.answers[("metadata.example", A)] = [["169.254.169.254"]]
        names.answers[("cgnat.example", A)] = [["100.64.0.1"]]
        forms += [name for name, _ in names.answers if name != "good.example"]
        for form in forms:
            scenes[f"direct to {form}"] = told(fetch_image(f"http://{form}/"), *targets)
            public.routes["/r"] = redirect(f"http://{form}/")
            scenes[f"redirect to {form}"] = told(fetch_image(f"http://{PUBLIC}/r"), *targets)
            scenes[f"redirect to {form}, private allowed"] = told(
                fetch_image(f"http://{PUBLIC}/r", private_too), *targets
            )

        names.answers[("rebind.example", A)] = [[PUBLIC], ["127.0.0.1"]]
        checked = socket.gethostbyname("rebind.example")  # what a check before the fetch would see
        scenes["rebinding"] = told(fetch_image("http://rebind.example/"), *targets) | {"checked": checked}
        names.answers[("twice.example", A)] = [[PUBLIC], ["127.0.0.1"]]
        public.routes["/twice"] = answer(200, PNG)
        assert fetch_image("http://twice.example/twice").ok
        scenes["rebinding between two fetches"] = told(fetch_image("http://twice.example/"), *targets)
        names.answers[("both.example", A)] = [[DEAD_PUBLIC, "127.0.0.1"]]
        quick = DownloadPolicy(connect_timeout_s=1, total_timeout_s=2)
        scenes["one public and one private address"] = told(fetch_image("http://both.example/", quick), *targets)

        scenes["another port of a public host"] = told(fetch_image(f"http://{PUBLIC}:8080/"), *targets)
        scenes["another port, private allowed"] = told(fetch_image(f"http://{PUBLIC}:8080/", private_too), *targets)
        public.routes["/p"] = redirect(f"http://{PUBLIC}:8080/")
        scenes["redirect to another port"] = told(fetch_image(f"http://{PUBLIC}/p"), *targets)

        private.routes["/out"] = redirect(f"http://{PUBLIC}/")
        private.routes["/out-and-in"] = redirect(f"http://{PUBLIC}/back")
        public.routes["/back"] = redirect("http://127.0.0.1/")
        scenes["private to public, private allowed"] = told(fetch_image(private.url("/out"), private_too), *targets)
        scenes["private to public to private"] = told(fetch_image(private.url("/out-and-in"), private_too), *targets)

        scenes["private to public to a private connection kept alive"] = kept_alive(public, target_kept, private_too)

        names.silent.add("silent.example")
        start_s = time.monotonic()
        scenes["silent name server"] = told(
            fetch_image("http://silent.example/", DownloadPolicy(connect_timeout_s=0.5)), *targets
        ) | {"wall_s": time.monotonic() - start_s}
    print(json.dumps(scenes))


if __name__ == "__main__":
    main()
