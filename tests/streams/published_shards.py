"""Random shards in published columns, and the rows that they are: what streams are compared with.

The rows come from ``pyarrow``'s own read of the file and from what is written here, row by row in plain Python; nothing
here is produced by the code under test.
"""

from __future__ import annotations

import io
import math
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import mmh3
import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
STR, I32, I64, F32, F64 = pa.string(), pa.int32(), pa.int64(), pa.float32(), pa.float64()
CANONICAL = (
    *("url", "caption", "width", "height", "similarity", "punsafe", "pwatermark", "aesthetic", "nsfw"),
    *("language", "license", "pair_id", "digest"),
)
FLOATS = ("similarity", "punsafe", "pwatermark", "aesthetic")
CODECS = ("none", "snappy", "gzip", "zstd", "lz4", "brotli")


def float32(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _score(value: float | None, low: float, high: float) -> float | None:
    if value is None or math.isnan(value):
        return None
    return float32(value) if low <= float32(value) <= high else None


def _pixels(value: int | None) -> int | None:
    return value if value is not None and value >= 1 else None


def _text(value: str | None) -> str | None:
    return value or None


def _nsfw(value: str | None) -> str | None:
    word = (value or "").strip().upper()
    return word if word in ("UNLIKELY", "UNSURE", "NSFW") else None


def murmur(url: str | None, caption: str | None) -> int:
    """LAION's published formula."""
    return int(mmh3.hash64(((url or "") + (caption or "")).encode())[0])


@dataclass(frozen=True)
class Schema:
    """Columns as published: how a value is made, and which canonical column each becomes.

    ``sources`` names, for each canonical column, the file's; ``own`` what ``columns="all"`` adds.
    """

    name: str
    columns: dict[str, tuple[pa.DataType, Callable[[random.Random, int], Any]]]
    sources: dict[str, str]
    own: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def table(self, n_rows: int, seed: int, nulls: float) -> pa.Table:
        dice = random.Random(seed)
        arrays = {}
        for name, (type, make) in self.columns.items():
            values = [None if dice.random() < nulls else make(dice, n) for n in range(n_rows)]
            arrays[name] = pa.array(values, type)
        return pa.table(arrays)

    def canonical(self, published: Row) -> Row:
        """One row as it must be delivered, without its image."""
        row = {name: published[source] for name, source in self.sources.items()}
        row = {name: row.get(name) for name in CANONICAL}
        for name in ("url", "caption", "language", "license"):
            row[name] = _text(row[name])
        row["width"], row["height"] = _pixels(row["width"]), _pixels(row["height"])
        row["similarity"] = _score(row["similarity"], -1, 1)
        row["punsafe"], row["pwatermark"] = _score(row["punsafe"], 0, 1), _score(row["pwatermark"], 0, 1)
        row["aesthetic"] = _score(row["aesthetic"], -5, 15)
        row["nsfw"] = _nsfw(row["nsfw"])
        if "pair_id" not in self.sources:
            row["pair_id"] = murmur(row["url"], row["caption"])
        row["digest"] = f"md5:{row['digest']}" if row["digest"] else None
        return row | {name: published[source] for name, source in self.own.items()}


WORDS = ("a", "fox", "Müller's", "犬", "", "🦊", "red", "«quoted»", "x" * 400, "line\nbreak", '"', "NULL")
SCORES = (0.0, 0.1, float32(0.1), 0.3, float32(0.3), 0.30000001, 0.5, 0.99, 1.0, -0.5, 6016.0, float("nan"))


def _url(dice: random.Random, n: int) -> str:
    return f"https://host{n % 7}.example/{dice.getrandbits(48):x}/{n}.jpg" if dice.random() < 0.97 else ""


def _caption(dice: random.Random, n: int) -> str:
    return " ".join(dice.choices(WORDS, k=dice.randrange(5)))


def _side(dice: random.Random, n: int) -> int:
    return dice.choice((0, 1, 100, 256, 511, 512, 1024, 2048, n + 1))


def _number(dice: random.Random, n: int) -> float:
    return dice.choice(SCORES) if dice.random() < 0.5 else dice.random()


def _sorted(dice: random.Random, n: int) -> float:
    return n / 1000 % 1  # statistics of row groups rule some of them out


def _ten(dice: random.Random, n: int) -> float:
    return dice.choice((0.0, 4.5, 5.0, 7.0, 7.5, 8.0, 99.0))


def _bits(dice: random.Random, n: int) -> int:
    return dice.getrandbits(63) - 2**62


def _vote(dice: random.Random, n: int) -> str:
    return dice.choice(("UNLIKELY", "unsure ", "NSFW", "UNTAGGED"))


def _md5(dice: random.Random, n: int) -> str:
    return f"{dice.getrandbits(128):032x}"


def _boxes(dice: random.Random, n: int) -> list[list[float]]:
    return [[dice.random()] * dice.randrange(4) for _ in range(dice.randrange(4))]


def _count(dice: random.Random, n: int) -> int:
    return n


_PAIR = {"url": "URL", "caption": "TEXT", "width": "WIDTH", "height": "HEIGHT"}
_TAGS = {name: name for name in ("similarity", "punsafe", "pwatermark")}

SCHEMAS = {
    schema.name: schema
    for schema in (
        Schema(
            "LAION-400M",  # its WIDTH holds the height, and the other way round
            {
                "SAMPLE_ID": (I64, _count),
                "URL": (STR, _url),
                "TEXT": (STR, _caption),
                "HEIGHT": (I32, _side),
                "WIDTH": (I32, _side),
                "LICENSE": (STR, lambda dice, n: dice.choice(("?", "", "by/2.0"))),
                "NSFW": (STR, _vote),
                "similarity": (F64, _number),
            },
            {**_PAIR, "width": "HEIGHT", "height": "WIDTH", "license": "LICENSE", "nsfw": "NSFW"}
            | {"similarity": "similarity"},
            {"SAMPLE_ID": "SAMPLE_ID"},
        ),
        Schema(
            "aesthetic",
            {
                "URL": (STR, _url),
                "TEXT": (STR, _caption),
                "WIDTH": (I32, _side),
                "HEIGHT": (I32, _side),
                "similarity": (F64, _number),
                "hash": (I64, _bits),
                "punsafe": (F32, _sorted),
                "pwatermark": (F32, _number),
                "aesthetic": (F32, _ten),
            },
            {**_PAIR, **_TAGS, "aesthetic": "aesthetic", "pair_id": "hash"},
        ),
        Schema(
            "Re-LAION",
            {
                "url": (STR, _url),
                "similarity": (F64, _sorted),
                "hash": (I64, _bits),
                "pwatermark": (F32, _number),
                "punsafe": (F32, _number),
                "caption": (STR, _caption),
                "key": (STR, lambda dice, n: f"{n:09d}"),
                "status": (STR, lambda dice, n: "success"),
                "error_message": (STR, lambda dice, n: None),
                "width": (I32, lambda dice, n: 256),
                "height": (I32, lambda dice, n: 192),
                "original_width": (I32, _side),
                "original_height": (I32, _side),
                "exif": (STR, lambda dice, n: "{}" + " " * dice.randrange(400)),
                "md5": (STR, _md5),
            },
            {"url": "url", "caption": "caption", "width": "original_width", "height": "original_height", **_TAGS}
            | {"pair_id": "hash", "digest": "md5"},
            {name: name for name in ("key", "status", "error_message", "exif")}
            | {"source_width": "width", "source_height": "height"},
        ),
        Schema(
            "DataComp",
            {
                "uid": (STR, _md5),
                "url": (STR, _url),
                "text": (STR, _caption),
                "original_width": (I64, _side),
                "original_height": (I64, _side),
                "clip_b32_similarity_score": (F32, _number),
                "clip_l14_similarity_score": (F32, _ten),
                "face_bboxes": (pa.list_(pa.list_(F64)), _boxes),
                "sha256": (STR, lambda dice, n: None),
            },
            {"url": "url", "caption": "text", "width": "original_width", "height": "original_height"}
            | {"similarity": "clip_b32_similarity_score"},
            {name: name for name in ("uid", "clip_l14_similarity_score", "face_bboxes")},
        ),
        Schema(
            "canonical",
            {
                "url": (STR, _url),
                "caption": (STR, _caption),
                "width": (I32, _side),
                "height": (I32, _side),
                "similarity": (F32, _number),
                "pair_id": (I64, _bits),
                "punsafe": (F32, _sorted),
                "language": (STR, lambda dice, n: dice.choice(("en", "de", ""))),
            },
            {name: name for name in ("url", "caption", "width", "height", "similarity", "punsafe", "pair_id")}
            | {"language": "language"},
            options={"column_mapping": True},
        ),
        Schema("Conceptual Captions", {"image_url": (STR, _url), "caption": (STR, _caption)},
               {"url": "image_url", "caption": "caption"}),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How a writer may lay a file out."""

    codec: str = "snappy"
    row_group_rows: int = 1000
    dictionary: bool = True
    page: str = "1.0"
    page_bytes: int = 1 << 20
    statistics: bool = True

    def write(self, table: pa.Table) -> bytes:
        file = io.BytesIO()
        pq.write_table(
            table,
            file,
            row_group_size=self.row_group_rows,
            compression=self.codec,
            use_dictionary=self.dictionary,
            data_page_version=self.page,
            data_page_size=self.page_bytes,
            write_batch_size=min(1024, self.row_group_rows),
            write_statistics=self.statistics,
        )
        return file.getvalue()


@dataclass(frozen=True)
class Shard:
    """A file to be made."""

    n_rows: int
    seed: int = 0
    nulls: float = 0.1
    layout: Layout = Layout()


@dataclass(frozen=True)
class Published:
    """Some shards of one schema. ``options`` are what `load_dataset` needs to know of them."""

    schema_name: str
    shards: tuple[Shard, ...]

    @property
    def schema(self) -> Schema:
        return SCHEMAS[self.schema_name]

    @cached_property
    def files(self) -> tuple[bytes, ...]:
        made = ((shard, self.schema.table(shard.n_rows, shard.seed, shard.nulls)) for shard in self.shards)
        return tuple(shard.layout.write(table) for shard, table in made)

    @property
    def options(self) -> Row:
        mapping = dict(self.schema.sources) if self.schema.options.get("column_mapping") else None
        return {"column_mapping": mapping} if mapping else {}

    def rows(self, filters: Any = None, columns: Sequence[str] | str | None = None) -> list[Row]:
        """Every row that must be delivered, in order, as `readable` shows one."""
        return [_selected(row, columns) for row in self.canonical_rows() if keeps(filters, row)]

    def canonical_rows(self) -> list[Row]:
        return [
            self.schema.canonical(published)
            for content in self.files
            for published in pq.read_table(io.BytesIO(content)).to_pylist()
        ]


def _selected(row: Row, columns: Sequence[str] | str | None) -> Row:
    if columns is None or columns == "all":
        names = ["image", *CANONICAL, *([name for name in row if name not in CANONICAL] if columns else [])]
    else:
        names = list(columns)
    image = None if row["url"] is None else (row["url"], row["width"], row["height"], row["digest"])
    return {name: image if name == "image" else row[name] for name in names}


def readable(row: Row) -> Row:
    """A delivered row with its lazy image as what it knows; `datasets` 3.6 decodes none behind a filter()."""
    image = row.get("image")
    if image is None:
        return row
    if isinstance(image, dict):
        return row | {"image": (image["path"], image["width"], image["height"], image["digest"])}
    return row | {"image": (image.url, image.width, image.height, image.digest)}


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}


def keeps(filters: Any, row: Row) -> bool:
    """SQL's answer, row by row."""
    if filters is None:
        return True
    branches = filters if isinstance(filters[0], list) else [filters]
    return any(all(_holds(*term, row=row) for term in branch) for branch in branches)


def _holds(column: str, op: str, literal: Any = None, *, row: Row) -> bool:
    value = row[column]
    if op in ("is null", "is not null"):
        return (value is None) == (op == "is null")
    if value is None:
        return False
    if column in FLOATS:
        literal = [float32(one) for one in literal] if isinstance(literal, list) else float32(literal)
    return COMPARE[op](value, literal)
