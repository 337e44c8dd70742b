"""The floor in Python: a bare libcurl multi loop, one thread, handles reused; no guard, no headers, no judgement.

Pixels are made in as many threads as the machine has cores. ``bare_pycurl_careful.py`` is the same with better pixels.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from typing import Any

from harness import Run

run = Run.start()
import pycurl  # noqa: E402

if run.resize:
    import pixels
run.imported()

#: Bodies that wait for a decoder, at most.
WAITING = 64


def main(to_pixels: Callable[..., Any] | None) -> None:
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, run.in_flight)
    idle = [_handle() for _ in range(run.in_flight)]
    pool = ThreadPoolExecutor(os.cpu_count()) if to_pixels else None
    decoding: deque[tuple[int, Future]] = deque()
    rows, in_flight = iter(enumerate(run.urls)), 0
    more = True
    while more or in_flight or decoding:
        while more and idle and len(decoding) < WAITING:
            row, url = next(rows, (-1, ""))
            if row < 0:
                more = False
                break
            handle = idle.pop()
            handle.row, handle.body = row, BytesIO()
            handle.setopt(pycurl.URL, url)
            handle.setopt(pycurl.WRITEFUNCTION, handle.body.write)
            multi.add_handle(handle)
            in_flight += 1
        multi.perform()
        while True:
            waiting, done, failed = multi.info_read()
            for handle in done:
                if handle.getinfo(pycurl.RESPONSE_CODE) == 200:
                    body = handle.body.getvalue()
                    if pool is None:
                        run.good(handle.row, body)
                    else:
                        decoding.append((handle.row, pool.submit(to_pixels, body, *run.resize)))
            for handle in [*done, *(entry[0] for entry in failed)]:
                multi.remove_handle(handle)
                idle.append(handle)
                in_flight -= 1
            if not waiting:
                break
        while decoding and (decoding[0][1].done() or not in_flight or len(decoding) >= WAITING):
            row, future = decoding.popleft()
            if (picture := future.result()) is not None:
                run.good(row, picture)
        if in_flight:
            multi.select(0.05 if not decoding else 0.005)


def _handle() -> pycurl.Curl:
    handle = pycurl.Curl()
    handle.setopt(pycurl.FOLLOWLOCATION, 1)
    handle.setopt(pycurl.FORBID_REUSE, 1)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.TIMEOUT_MS, int(run.timeout_s * 1000))
    return handle


if __name__ == "__main__":
    main(pixels.to_quick_pixels if run.resize else None)
    run.finish()
