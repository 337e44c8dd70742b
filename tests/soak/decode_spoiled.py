"""A child of test_download_soak.py: spoiled images through the bulk path, decoded; prints how much it grew.

python decode_spoiled.py ROWS LEDGER HOST…
"""

from __future__ import annotations

import json
import sys

from stream_rows import resident_mib

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.bulk import Job, Settings, download
from laion_pairs.images.pixels import Resize


def main(n_rows: int, ledger: str, hosts: list[str]) -> None:
    policy = DownloadPolicy(
        allow_private=True, host_interval_s=0.0, max_retries=0, breaker_failures=10**9, stop_after_failures=0
    )
    jobs = (Job(f"http://{hosts[n % len(hosts)]}/{n}", tag=n) for n in range(n_rows))
    tags, first_tenth_mib = set(), 0
    for done in download(jobs, Settings(policy=policy, resize=Resize(size=32), ledger=ledger, concurrency=64)):
        tags.add(done.tag)
        if len(tags) == n_rows // 10:
            first_tenth_mib = resident_mib()
    assert len(tags) == n_rows
    print(json.dumps({"first_tenth_mib": first_tenth_mib, "last_mib": resident_mib()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
