"""Whether everybody did the same work: the same good rows, and pictures that match a careful reference.

The reference is Pillow's full decode and its antialiased bicubic filter. Bytes must be the file's own, bit by bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from peers.harness import SIZES
from PIL import Image
from web import GOOD, JUDGED, Link

__all__ = ["LEAST_PSNR_DB", "Agreement", "compare_pictures", "compare_rows"]

#: Of all pixels of all compared pictures together.
LEAST_PSNR_DB = 35.0


@dataclass(frozen=True)
class Agreement:
    """PSNR over all pixels of all pictures, of the median and of the worst picture, in dB; infinite for equal bytes."""

    pictures: int
    all_db: float
    median_db: float
    worst_db: float

    def __str__(self) -> str:
        if self.all_db == float("inf"):
            return f"{self.pictures} files, equal to the byte"
        return (
            f"{self.pictures} pictures, PSNR {self.all_db:.1f} dB over all, median {self.median_db:.1f}, "
            f"worst {self.worst_db:.1f}"
        )


def compare_rows(links: Sequence[Link], rows: Sequence[int], lists_rows: bool) -> str:
    """What is wrong with the good rows that a tool reported, in one sentence; empty when nothing is.

    Photos must be there, redirected ones too; dead links must not. A page and half a picture may be judged either way.
    """
    must = {row for row, link in enumerate(links) if link.kind in GOOD}
    may = {row for row, link in enumerate(links) if link.kind in JUDGED}
    if not lists_rows:
        fits = len(must) <= len(rows) <= len(must) + len(may)
        return "" if fits else f"{len(rows)} good images, of {len(must)} to {len(must) + len(may)} expected"
    found = set(rows)
    faults = {
        "came twice": len(rows) - len(found),
        "missing": len(must - found),
        "good that are dead": len(found - must - may),
    }
    told = ", ".join(f"{count} {fault}" for fault, count in faults.items() if count)
    kinds = Counter(links[row].kind for row in (must - found) | (found - must - may))
    return f"{told} ({dict(kinds)})" if told else ""


def compare_pictures(links: Sequence[Link], originals: Path, kept: Path, work: str, stretches: bool) -> Agreement:
    """Every picture under ``kept`` of a good link against the reference made from its file under ``originals``.

    Raises ValueError when a picture has another size than asked, or bytes are not the file's.
    """
    squared_errors: list[float] = []

    for path in sorted(kept.iterdir()):
        row, _, shape = path.stem.partition("-")
        link = links[int(row)]
        if link.kind not in GOOD:
            continue
        original = originals / link.file
        if SIZES[work] is None:
            if path.read_bytes() != original.read_bytes():
                raise ValueError(f"row {row} ({link.file}): not the bytes of the file")
            squared_errors.append(0.0)
            continue
        height, width = map(int, shape.split("x"))
        reference = _reference(original, work, (width, height), stretches)
        picture = np.frombuffer(path.read_bytes(), np.uint8).reshape(height, width, 3)
        squared_errors.append(float(((reference.astype(np.float32) - picture) ** 2).mean()))
    if not squared_errors:
        raise ValueError("no picture was kept")
    errors = np.array(squared_errors)
    return Agreement(len(errors), _psnr_db(errors.mean()), _psnr_db(np.median(errors)), _psnr_db(errors.max()))


def _reference(original: Path, work: str, size: tuple[int, int], stretches: bool) -> np.ndarray:
    mode, side = SIZES[work] or ("no", 0)
    picture = Image.open(original).convert("RGB")
    if stretches:
        return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))
    scale = side / min(picture.size)
    whole = max(side, round(picture.width * scale)), max(side, round(picture.height * scale))
    expected = (side, side) if mode == "center_crop" else whole
    if max(abs(size[0] - expected[0]), abs(size[1] - expected[1])) > 1:  # tools round halves differently
        raise ValueError(f"{original.name}: {size[0]} x {size[1]} px instead of {expected[0]} x {expected[1]}")
    if mode == "keep_ratio":
        return np.asarray(picture.resize(size, Image.Resampling.BICUBIC))
    picture = picture.resize(whole, Image.Resampling.BICUBIC)
    left, top = (whole[0] - side) // 2, (whole[1] - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side)))


def _psnr_db(mean_squared_error: float) -> float:
    return float("inf") if mean_squared_error == 0 else float(10 * np.log10(255**2 / mean_squared_error))
