"""From rows to rows with their outcome and their file, as they finish; bounded, and never idle while rows are left."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from laion_pairs.images.bulk import Downloaded, Job, Settings, open_lane
from laion_pairs.images.export.picture import Picture, make_picture
from laion_pairs.images.export.settings import ExportSettings
from laion_pairs.images.remote_image import RemoteImage

__all__ = ["IMAGE", "FetchedRow", "fetch_rows"]

IMAGE = "image"
"""The column with the lazy images."""

ENCODERS = os.cpu_count() or 1
HELD_PER_ENCODER = 8
"""Images that wait for one encoder or for their turn to be written: what bounds the decoded pixels that are held."""


@dataclass(frozen=True, slots=True)
class FetchedRow:
    """One row that has its outcome.

    Attributes:
        index: of the row in the stream.
        row: its columns.
        done: how it ended, without pixels and bytes.
        picture: the file; None unless ``OK``.
    """

    index: int
    row: Mapping[str, Any]
    done: Downloaded
    picture: Picture | None


def fetch_rows(
    rows: Iterator[tuple[int, Mapping[str, Any]]],
    export: ExportSettings,
    download: Settings,
    *,
    may_ask: Callable[[], bool] = lambda: True,
) -> Iterator[FetchedRow]:
    """Every row of ``rows`` (its index, its columns) once, as they finish.

    Args:
        rows: pulled in the caller's thread, only as they are needed.
        export: what becomes of an image; it is encoded in threads of its own.
        download: how images are fetched.
        may_ask: asked before each row; while it is False, none is pulled, and what is under way finishes.
    """
    lane = open_lane(download)
    pool = ThreadPoolExecutor(ENCODERS, thread_name_prefix="laion-encode")
    encoding: deque[tuple[int, Mapping[str, Any], Future[tuple[Downloaded, Picture | None]]]] = deque()

    def finished(*, at_least: int) -> Iterator[FetchedRow]:
        while encoding and (len(encoding) > at_least or encoding[0][2].done()):
            index, row, future = encoding.popleft()
            yield FetchedRow(index, row, *future.result())

    try:
        more = True
        while True:
            while more and lane.wants_more and may_ask():
                pulled = next(rows, None)
                if pulled is None:
                    more = False
                else:
                    lane.submit(_job(*pulled))
            if lane.outstanding:
                done = lane.take()
                index, row = done.tag
                encoding.append((index, row, pool.submit(make_picture, done, export)))
                yield from finished(at_least=ENCODERS * HELD_PER_ENCODER)
            elif encoding:
                yield from finished(at_least=0)
            elif not more:
                lane.finish()
                return
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        lane.close()


def _job(index: int, row: Mapping[str, Any]) -> Job:
    image = row[IMAGE]
    handle = image if isinstance(image, RemoteImage) else RemoteImage(image if image is not None else {})
    return Job(
        url=handle.url,
        digest=handle.digest,
        stored=handle["bytes"],
        withdrawn=handle.withdrawn,
        tag=(index, {name: value for name, value in row.items() if name != IMAGE}),
    )
