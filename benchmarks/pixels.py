"""From a file's bytes to a 256 px centre crop: python benchmarks/pixels.py [FILE…] [--rounds 7] [--size 256]

Ours against Pillow, Pillow's ``draft`` and (where it is installed) simplejpeg with OpenCV, on the same files, in turn,
in one thread and one process: CPU milliseconds an image, by format. Then what our shorter decode changes: PSNR to a
full decode and the same filter, and to Lanczos. Exits with 1 when a picture is below 35 dB.

Without FILE, the corpus of ``benchmarks/corpus.py`` is used where it has been made.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import simplejpeg
from corpus import default_cache
from PIL import Image
from rounds import machine, spread

from laion_pairs.images import DownloadPolicy
from laion_pairs.images.decoding import decode_image
from laion_pairs.images.pixels import Resize, check, encode, render
from laion_pairs.images.refusal import Refused

LEAST_DB = 35
POLICY = DownloadPolicy()
Way = Callable[[bytes, Resize], np.ndarray]


def ours(body: bytes, resize: Resize) -> np.ndarray:
    return render(body, resize, POLICY).pixels


def pillow(body: bytes, resize: Resize, filter_: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
    return _cropped(Image.open(BytesIO(body)).convert("RGB"), resize, filter_)


def pillow_draft(body: bytes, resize: Resize) -> np.ndarray:
    image = Image.open(BytesIO(body))
    image.draft("RGB", (resize.size, resize.size))
    return _cropped(image.convert("RGB"), resize, Image.Resampling.BICUBIC)


def _cropped(image: Image.Image, resize: Resize, filter_: Image.Resampling) -> np.ndarray:
    to = resize.geometry(*image.size)
    across, down = image.width / to.scaled_width, image.height / to.scaled_height
    box = (to.left * across, to.top * down, (to.left + to.width) * across, (to.top + to.height) * down)
    return np.asarray(image.resize((to.width, to.height), filter_, box=box))


def opencv() -> Way | None:
    """simplejpeg's own choice of a scale and OpenCV's linear filter, as the usual fast pipeline is written."""
    try:
        import cv2
    except ImportError:
        return None
    cv2.setNumThreads(1)

    def way(body: bytes, resize: Resize) -> np.ndarray:
        if body[:2] == b"\xff\xd8":
            pixels = simplejpeg.decode_jpeg(body, "RGB", min_height=resize.size, min_width=resize.size)
        else:
            pixels = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR_RGB)
        to = resize.geometry(pixels.shape[1], pixels.shape[0])
        scaled = cv2.resize(pixels, (to.scaled_width, to.scaled_height), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(scaled[to.top : to.top + to.height, to.left : to.left + to.width])

    return way


def decodes(body: bytes) -> bool:
    try:
        decode_image(body, POLICY)
    except Refused:
        return False
    return True


def cpu_ms(work: Callable[[bytes], object], bodies: Sequence[bytes]) -> float:
    began = time.process_time()
    for body in bodies:
        work(body)
    return (time.process_time() - began) / len(bodies) * 1e3


def psnr_db(got: np.ndarray, wanted: np.ndarray) -> float:
    error = float(((got.astype(np.float64) - wanted) ** 2).mean())
    return 99.0 if error == 0 else 10 * math.log10(255**2 / error)


def timed(ways: dict[str, Way], bodies: Sequence[bytes], resize: Resize, rounds: int) -> None:
    """A line for each way: ``median (min–max)`` over the rounds, and how many times ours it is."""
    found: dict[str, list[float]] = defaultdict(list)
    for turn in range(rounds + 1):
        for name, way in ways.items():
            spent = cpu_ms(lambda body, way=way: way(body, resize), bodies)  # type: ignore[misc]
            if turn:
                found[name].append(spent)
    for name, values in found.items():
        ratio = np.median([theirs / mine for theirs, mine in zip(values, found["ours"], strict=True)])
        print(f"  {name:24} {spread(values, 'ms', 2):28} {ratio:.2f} x ours")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--limit", type=int, default=400, help="so many of the files, evenly chosen")
    return parser.parse_args()


def main() -> int:
    options = parsed()
    resize = Resize(size=options.size)
    files = sorted(options.files or default_cache().glob("corpus-*/p/*"))
    if not files:
        print("no files: name some, or run benchmarks/download.py once, which makes the corpus", file=sys.stderr)
        return 2
    bodies = [path.read_bytes() for path in files[:: max(1, len(files) // options.limit)]]
    bodies = [body for body in bodies if decodes(body)]  # the corpus has damaged files too
    formats = Counter(check(body, Resize(mode="no"), POLICY).format for body in bodies)
    print(f"{machine()}; {len(bodies)} files: {dict(formats)}; {options.rounds} rounds, in turn; CPU, median (min–max)")
    ways: dict[str, Way] = {"ours": ours, "Pillow": pillow, "Pillow, draft": pillow_draft}
    if (cv2_way := opencv()) is not None:
        ways["simplejpeg + OpenCV"] = cv2_way
    print(f"to a {options.size} px centre crop, all files")
    timed(ways, bodies, resize, options.rounds)
    for format_ in formats:
        print(f"{format_} only")
        timed(
            ways, [b for b in bodies if check(b, Resize(mode="no"), POLICY).format == format_], resize, options.rounds
        )
    pictures = [ours(body, resize) for body in bodies]
    headers = [cpu_ms(lambda body: check(body, resize, POLICY), bodies) * 1e3 for _ in range(options.rounds)]
    print(f"header alone             {spread(headers, 'µs', 1)}")
    for encoding in ("jpg", "webp", "png"):
        began = time.process_time()
        sizes = [len(encode(picture, encoding, 95)) for picture in pictures]
        spent = (time.process_time() - began) / len(sizes) * 1e3
        print(f"encode {encoding:17} {spent:.2f} ms, {np.mean(sizes) / 1000:.1f} kB")
    return compared(ways, bodies, resize)


def compared(ways: dict[str, Way], bodies: Sequence[bytes], resize: Resize) -> int:
    print("PSNR in dB: mean, 5th percentile, least; to a full decode and Catmull-Rom | Lanczos")
    full = [decode_image(body, POLICY) for body in bodies]
    references = [
        [_cropped(image, resize, filter_) for image in full]
        for filter_ in (Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
    ]
    least = 99.0
    for name, way in ways.items():
        got = [way(body, resize) for body in bodies]
        figures = [[psnr_db(a, b) for a, b in zip(got, wanted, strict=True)] for wanted in references]
        if name == "ours":
            least = min(map(min, figures))
        said = " | ".join(f"{np.mean(of):.1f} {np.percentile(of, 5):.1f} {min(of):.1f}" for of in figures)
        print(f"  {name:24} {said}")
    if least < LEAST_DB:
        print(f"one of our pictures has {least:.1f} dB, less than {LEAST_DB}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
