"""Daft as its documentation has it: ``download``, ``decode_image``, ``resize`` as expressions, streamed out by batches.

Daft stretches pictures to a size; it has no crop. Its retries are switched off as everybody's.
"""

from __future__ import annotations

from typing import Any

from harness import Run

run = Run.start()
import daft  # noqa: E402
from daft.functions import decode_image, download, resize  # noqa: E402
from daft.io import HTTPConfig, IOConfig  # noqa: E402

run.imported()


def main() -> None:
    http = HTTPConfig(
        connect_timeout_ms=int(run.timeout_s * 1000), read_timeout_ms=int(run.timeout_s * 1000), num_tries=1
    )
    frame = daft.from_pydict({"row": list(range(len(run.urls))), "url": run.urls})
    body = download(frame["url"], max_connections=run.in_flight, on_error="null", io_config=IOConfig(http=http))
    frame = frame.with_column("picture", body)
    if run.resize is not None:
        decoded = decode_image(frame["picture"], on_error="null", mode="RGB")
        frame = frame.with_column("picture", resize(decoded, run.resize[1], run.resize[1]))
    frame = frame.where(frame["picture"].not_null()).select("row", "picture")
    for part in frame.iter_partitions():
        table = part.to_arrow()
        pictures = table["picture"] if run.pictures else [None] * len(table)
        for row, picture in zip(table["row"].to_pylist(), pictures, strict=True):
            run.good(row, _kept(picture))


def _kept(picture: Any) -> Any:
    """A cell as the check keeps it: bytes, or (height, width, 3) of a Daft image; None when nothing is kept."""
    if picture is None or run.resize is None:
        return picture and picture.as_py()
    cell = picture.as_py()
    cell = cell["data"] if isinstance(cell, dict) else cell
    return memoryview(bytes(cell)).cast("B", (run.resize[1], run.resize[1], 3))


main()
run.finish()
