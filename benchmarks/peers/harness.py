"""What every peer script shares: its arguments, what it found, the moments that are timed. Standard library only.

    python peers/NAME.py --links FILE --work W --in-flight N --timeout-s S --report FILE --scratch DIR [--pictures DIR]

``--links`` holds one URL a line; a row is its line number. The same rows lie beside it as ``.parquet``, in columns URL
and TEXT. ``--pictures`` (the check before timing) keeps what came out:
``ROW.bin`` (the bytes) or ``ROW-HxW.rgb`` (raw RGB). Timed runs keep nothing. A script reads like this::

    run = Run.start()
    import …
    run.imported()
    for row, picture in …:
        run.good(row, picture)
    run.finish()
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["SIZES", "Run"]

#: work → (resize mode, side in pixels); None: the bytes as they came.
SIZES: dict[str, tuple[str, int] | None] = {
    "bytes": None,
    "center_crop_256": ("center_crop", 256),
    "keep_ratio_512": ("keep_ratio", 512),
}


@dataclass
class Run:
    """One run of one peer in this process."""

    urls: list[str]
    shard: Path
    work: str
    in_flight: int
    timeout_s: float
    report: Path
    pictures: Path | None
    scratch: Path
    moments: dict[str, float] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)

    @classmethod
    def start(cls) -> Run:
        """Read the arguments; raise the limit of open files as far as it goes."""
        parser = argparse.ArgumentParser()
        for name, kind in (("links", Path), ("work", str), ("in-flight", int), ("timeout-s", float), ("report", Path)):
            parser.add_argument(f"--{name}", type=kind, required=True)
        parser.add_argument("--pictures", type=Path)
        parser.add_argument("--scratch", type=Path, required=True)
        options = vars(parser.parse_args())
        links = options.pop("links")
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return cls(urls=links.read_text().split(), shard=links.with_suffix(".parquet"), **options)

    @property
    def resize(self) -> tuple[str, int] | None:
        """Mode and side of this run's work; None for bytes."""
        return SIZES[self.work]

    def imported(self) -> None:
        """Everything is imported; what follows is work."""
        self.moments["imported_at"] = time.time()
        self.moments["import_cpu_s"] = _cpu_s()
        self.moments["import_rss_mb"] = _rss_mb()

    def good(self, row: int, picture: Any) -> None:
        """Row ``row`` ended as ``picture``: bytes, or an RGB array (or Pillow image) of the wanted size."""
        if not self.rows:
            self.moments["first_at"] = time.time()
        self.rows.append(row)
        if self.pictures is not None:
            _keep(self.pictures, row, picture)

    def finish(self) -> None:
        """Write the report. Rows that came twice stay twice: the caller looks."""
        self.moments["finished_at"] = time.time()
        self.report.write_text(json.dumps({"rows": self.rows, **self.moments}))


def _keep(directory: Path, row: int, picture: Any) -> None:
    if isinstance(picture, bytes):
        (directory / f"{row}.bin").write_bytes(picture)
        return
    if hasattr(picture, "convert"):
        width, height = picture.size
        raw = picture.convert("RGB").tobytes()
    else:
        (height, width), raw = picture.shape[:2], picture.tobytes()
    if len(raw) != height * width * 3:
        raise ValueError(f"row {row}: {len(raw)} bytes are not {height} x {width} x 3")
    (directory / f"{row}-{height}x{width}.rgb").write_bytes(raw)


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
