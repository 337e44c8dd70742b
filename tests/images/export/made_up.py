"""Rows and ends of downloads that tests make up, without a network."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from laion_pairs.images import RemoteImage
from laion_pairs.images.bulk import Downloaded
from laion_pairs.images.export.fetching import FetchedRow
from laion_pairs.images.export.picture import make_picture
from laion_pairs.images.export.settings import ExportSettings
from laion_pairs.images.integrity import Trust
from laion_pairs.ledger import Outcome

ROWS = pa.schema(
    {
        "image": pa.struct({"path": pa.string()}),
        "url": pa.string(),
        "caption": pa.string(),
        "width": pa.int32(),
        "pair_id": pa.int64(),
        "embedding": pa.list_(pa.float32()),
    }
)


def picture_bytes(format: str = "JPEG", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize(size).save(file, format, **options)
    return file.getvalue()


def row(index: int) -> dict[str, Any]:
    return {
        "image": RemoteImage(f"http://a.example/{index}.jpg"),
        "url": f"http://a.example/{index}.jpg",
        "caption": f"picture {index}",
        "width": 400,
        "pair_id": index,
    }


def had(body: bytes, *, changed: bool = True, side: int | None = 16) -> Downloaded:
    """An image that was had; ``side`` of the resized pixels, None where nothing was decoded."""
    with Image.open(io.BytesIO(body)) as image:
        done = Downloaded(
            tag=None,
            outcome=Outcome.OK,
            body=body,
            changed=changed,
            format=image.format,
            original_width=image.width,
            original_height=image.height,
            trust=Trust.UNVERIFIED,
        )
        if side is not None:
            done.pixels = np.asarray(image.convert("RGB").resize((side, side)))
    return done


def fetched(index: int, settings: ExportSettings, outcome: Outcome = Outcome.OK) -> FetchedRow:
    """The row ``index``, as it comes out of the fetching."""
    if outcome is not Outcome.OK:
        return FetchedRow(index, row(index), Downloaded(tag=None, outcome=outcome, detail=f"{outcome} it was"), None)
    return FetchedRow(index, row(index), *make_picture(had(picture_bytes()), settings))


class ListRows:
    """A stream of rows that says where it is, as ``datasets.IterableDataset`` does."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.at = 0
        self.read = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while self.at < len(self.rows):
            self.at += 1
            self.read += 1
            yield self.rows[self.at - 1]

    def state_dict(self) -> dict[str, Any]:
        return {"at": self.at}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.at = state["at"]
