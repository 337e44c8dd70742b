"""A child of test_download_soak.py: many rows of mixed outcomes through ``download_images``; prints what it saw.

python stream_rows.py ROWS LEDGER HOST…
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import datasets

import laion_dataset

KINDS = [  # what the URL is, how it ends, its share in percent
    ("http://{host}/ok/{n}.png", "ok", 50),
    ("http://{host}/moved/{n}.png", "ok", 4),
    ("http://{host}/gone/{n}.jpg", "http_client_error", 15),
    ("http://{host}/page/{n}.jpg", "not_an_image", 6),
    ("http://{host}/shy/{n}.png", "opted_out", 4),
    ("http://{host}/failing/{n}.jpg", "http_server_error", 2),
    ("http://{host}/loop/{n}.jpg", "too_many_redirects", 1),
    ("http://127.0.52.1:9/{n}.jpg", "connect_failed", 3),
    ("http://169.254.169.254/{n}", "forbidden_address", 5),
    ("file:///etc/hostname?{n}", "bad_url", 10),
]

FULL_AFTER = 50_000
"""Pictures after which every bounded memory (hosts, addresses, domains, placeholders: ten thousands each) is full."""


def resident_mib() -> int:
    return int(dict(line.split(":", 1) for line in Path("/proc/self/status").open())["VmRSS"].split()[0]) // 1024


def rows(n_rows: int, hosts: str) -> Iterator[dict[str, object]]:
    names = hosts.split()  # a list would be taken for shards
    dice = random.Random(0)
    kinds = dice.choices(range(len(KINDS)), [share for _, _, share in KINDS], k=10_000)
    for n in range(n_rows):
        yield {"url": KINDS[kinds[n % 10_000]][0].format(host=names[n % len(names)], n=n), "n": n}


def main(n_rows: int, ledger: str, hosts: list[str]) -> None:
    dice = random.Random(0)
    kinds = dice.choices(range(len(KINDS)), [share for _, _, share in KINDS], k=10_000)
    expected = Counter(KINDS[kinds[n % 10_000]][1] for n in range(n_rows))
    source = datasets.IterableDataset.from_generator(rows, gen_kwargs={"n_rows": n_rows, "hosts": " ".join(hosts)})
    source = source.cast(datasets.Features(url=datasets.Value("string"), n=datasets.Value("int64")))
    policy = laion_dataset.DownloadPolicy(
        allow_private=True,
        host_interval_s=0.0,
        max_retries=0,
        breaker_failures=10**9,
        stop_after_failures=0,
        max_redirects=2,
    )
    images = laion_dataset.download_images(source, url_column="url", decode="bytes", policy=policy, ledger=ledger)
    seen = bytearray(n_rows)
    delivered = doubled = early_mib = 0
    early = min(expected["ok"] // 2, FULL_AFTER)
    for row in images:
        doubled += seen[row["n"]]
        seen[row["n"]] = 1
        delivered += 1
        if not early_mib and delivered >= early:
            early_mib = resident_mib()
    told = {"delivered": delivered, "doubled": doubled, "expected": expected}
    print(json.dumps({**told, "early_mib": early_mib, "last_mib": resident_mib()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
