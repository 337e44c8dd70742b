"""The pictures that ship with the package, one line of ``pairs.tsv`` each. Reads files of the package only."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

__all__ = ["PICTURES_DIR", "Picture", "sample_pictures"]

PICTURES_DIR = Path(str(resources.files("laion_pairs.sample"))) / "pictures"


@dataclass(frozen=True)
class Picture:
    """One picture: its file, the caption, where it comes from, and what the file is.

    ``width`` and ``height`` are pixels, ``bytes`` the file's size, ``md5`` the hex digest of the file, ``format`` one
    of JPEG, PNG and WEBP, ``source`` the path in Debian's openclipart packages, ``licence`` the link in its SVG.
    """

    file: str
    caption: str
    title: str
    author: str
    licence: str
    source: str
    width: int
    height: int
    format: str
    bytes: int
    md5: str

    @property
    def path(self) -> Path:
        """The file on disk."""
        return PICTURES_DIR / self.file

    @property
    def url_path(self) -> str:
        """The path under which the image host serves it."""
        return f"/pictures/{self.file}"


@cache
def sample_pictures() -> tuple[Picture, ...]:
    """All pictures, by file name."""
    with (PICTURES_DIR.parent / "pairs.tsv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file, delimiter="\t"))
    numbers = ("width", "height", "bytes")
    return tuple(
        Picture(**{name: int(text) if name in numbers else text for name, text in line.items()})  # type: ignore[arg-type]
        for line in lines
    )
