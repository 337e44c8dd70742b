"""The canonical columns: what every release looks like once it is loaded.

This is the one list that builder, reader, filters and dataset card agree on. ``image`` is not in it: it is made from
``url``, ``width``, ``height`` and ``digest`` by :mod:`laion_pairs.images`. A release that lacks a column has nulls
there, and a null stays null: it never becomes -1 or the empty string.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

__all__ = ["COLUMNS", "NAMES", "SCHEMA", "Column"]


@dataclass(frozen=True)
class Column:
    """One canonical column: its name, its Arrow type, and one sentence (with its unit) for cards and ``--help``."""

    name: str
    type: pa.DataType
    doc: str


COLUMNS: tuple[Column, ...] = (
    Column("url", pa.string(), "Where the image lives."),
    Column("caption", pa.string(), "The alt text found beside the image."),
    Column("width", pa.int32(), "Width of the original image in pixels, as published."),
    Column("height", pa.int32(), "Height of the original image in pixels, as published."),
    Column("similarity", pa.float32(), "CLIP cosine of image and caption, -1 to 1; the release says which CLIP."),
    Column("punsafe", pa.float32(), "Probability that the image is unsafe for work, 0 to 1."),
    Column("pwatermark", pa.float32(), "Probability that the image carries a watermark, 0 to 1."),
    Column("aesthetic", pa.float32(), "Predicted aesthetic score, about 0 to 10; the release says which model."),
    Column("nsfw", pa.string(), "Category vote of the crawler: UNLIKELY, UNSURE or NSFW."),
    Column("language", pa.string(), "Language code of the caption, as published."),
    Column("license", pa.string(), "Licence text or link found beside the image, as published."),
    Column("pair_id", pa.int64(), "LAION's hash of url and caption; computed where it is not published; not unique."),
    Column("digest", pa.string(), "Hash of the image bytes, as md5:<hex> or sha256:<hex>, where published."),
)

NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
SCHEMA: pa.Schema = pa.schema([pa.field(column.name, column.type) for column in COLUMNS])
