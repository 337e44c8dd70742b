"""Pairs by the dozen on a counting web server on loopback: most pictures are there, some are gone or slow."""

from __future__ import annotations

import io
from collections import Counter

import datasets
from PIL import Image

from laion_pairs.images import RemoteImageFeature
from laion_pairs.sample.image_host import ImageHost


class Gallery(ImageHost):
    """``/0.jpg``, ``/1.jpg``, …: picture n is ``PIXEL[n]`` all over. Every seventh is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.n_pictures = 0

    def urls(self, n_rows: int) -> list[str]:
        """The URLs of the first pictures, which are put there if they are not yet."""
        for number in range(self.n_pictures, n_rows):
            if is_gone(number):
                self.gone(f"/{number}.jpg")
            else:
                self.serve(f"/{number}.jpg", picture(number))
        self.n_pictures = max(self.n_pictures, n_rows)
        return [self.url(f"/{number}.jpg") for number in range(n_rows)]

    def slow(self, number: int, delay_s: float) -> None:
        """One picture keeps its client waiting."""
        self.serve(f"/{number}.jpg", picture(number), delay_s=delay_s)

    def pairs(self, n_rows: int) -> datasets.Dataset:
        """Rows with a lazy image and their number ``n``."""
        rows = datasets.Dataset.from_dict({"image": self.urls(n_rows), "n": list(range(n_rows))})
        return rows.cast_column("image", RemoteImageFeature())

    def requested(self) -> Counter[int]:
        """How often each picture was asked for."""
        return Counter(int(request.path[1:-4]) for request in self.requests())


def is_gone(number: int) -> bool:
    """Whether the gallery's picture is not there any more."""
    return number % 7 == 3


def picture(number: int) -> bytes:
    """A small picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (24, 16), (number % 256, 128, 0)).save(file, "PNG")
    return file.getvalue()


def there(n_rows: int) -> list[int]:
    """The numbers of the rows whose pictures are there."""
    return [number for number in range(n_rows) if not is_gone(number)]
