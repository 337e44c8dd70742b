"""What the machine itself allows, whatever the software: python benchmarks/floors.py [--rows 6000] [--rounds 5]

- fetch: bare sockets and epoll in C (`floors/fetch.c`, needs `cc`), the same web as `download.py`
- decode: libjpeg-turbo alone over the corpus's JPEGs, one thread: whole, and at the smallest scale that is large enough
- resize: OpenCV alone, from what those decodes gave to 256 px, by pixel area and by the cheap cubic kernel

CPU milliseconds an item, median (min–max). PNG and WEBP, a tenth of the corpus, are timed apart.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
from corpus import Corpus, default_cache, make_corpus
from download_report import spread_of
from measured import measure
from rounds import machine
from web import clean_links, serve

#: Files of a kind that each round decodes.
SAMPLE = 400


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--cache", type=Path, default=default_cache())
    options = parser.parse_args()
    cv2.setNumThreads(1)
    corpus = make_corpus(options.cache)
    print(f"{machine()}; {options.rounds} rounds; CPU ms an item\ncorpus: {corpus.describe()}")
    print(f"fetch, C                     {_fetch(corpus, options)}")
    jpegs, others = _bodies(corpus, ".jpg"), [*_bodies(corpus, ".png"), *_bodies(corpus, ".webp")]
    for name, step, items in _steps(jpegs, others):
        print(f"{name:28} {_cpu_ms(step, items, options.rounds)}", flush=True)
    return 0


def _steps(jpegs: list[bytes], others: list[bytes]) -> list[tuple[str, Callable[[Any], Any], list]]:
    whole, scaled = [_whole(body) for body in jpegs], [_scaled(body) for body in jpegs]
    return [
        ("JPEG header", simplejpeg.decode_jpeg_header, jpegs),
        ("JPEG whole", _whole, jpegs),
        ("JPEG scaled, short side 256", _scaled, jpegs),
        (
            "JPEG scaled, short side 512",
            lambda body: simplejpeg.decode_jpeg(body, min_height=512, min_width=512),
            jpegs,
        ),
        ("whole → 256, pixel area", lambda pixels: _resized(pixels, cv2.INTER_AREA), whole),
        ("scaled → 256, cubic", lambda pixels: _resized(pixels, cv2.INTER_CUBIC), scaled),
        ("PNG and WEBP whole", lambda body: cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR), others),
    ]


def _whole(body: bytes) -> np.ndarray:
    return simplejpeg.decode_jpeg(body)


def _scaled(body: bytes, side: int = 256) -> np.ndarray:
    return simplejpeg.decode_jpeg(body, min_height=side, min_width=side)


def _resized(pixels: np.ndarray, kernel: int) -> np.ndarray:
    scale = 256 / min(pixels.shape[:2])
    size = max(256, round(pixels.shape[1] * scale)), max(256, round(pixels.shape[0] * scale))
    return cv2.resize(pixels, size, interpolation=kernel)


def _bodies(corpus: Corpus, suffix: str) -> list[bytes]:
    names = [name for name in corpus.names if name.endswith(suffix)]
    step = max(1, len(names) // SAMPLE)
    return [(corpus.directory / "p" / name).read_bytes() for name in names[::step]]


def _cpu_ms(step: Callable[[Any], Any], items: Sequence[Any], rounds: int) -> str:
    figures = []
    for _ in range(rounds):
        began = time.process_time()
        for item in items:
            step(item)
        figures.append((time.process_time() - began) * 1000 / len(items))
    return spread_of(figures, 2)


def _fetch(corpus: Corpus, options: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory() as scratch, serve(corpus, options.port):
        program, urls = Path(scratch) / "fetch", Path(scratch) / "urls.txt"
        source = Path(__file__).with_name("floors") / "fetch.c"
        try:
            subprocess.run(["cc", "-O2", str(source), "-o", str(program)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            return f"not measured: {error}"
        urls.write_text("".join(f"{link.url}\n" for link in clean_links(corpus, options.rows, options.port)))
        figures, walls = [], []
        for _ in range(options.rounds):
            log = Path(scratch) / "log"
            cost = measure([str(program), str(urls), str(options.in_flight)], {}, log, limit_s=120)
            if cost.failure or int(log.read_text()) != options.rows:
                return f"not measured: {cost.failure or log.read_text()}"
            figures.append(cost.cpu_s * 1000 / options.rows)
            walls.append(options.rows / cost.wall_s)
    return f"{spread_of(figures, 3)}; {spread_of(walls, 0)} a second"


if __name__ == "__main__":
    sys.exit(main())
