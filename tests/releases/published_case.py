"""One published file, and the canonical rows that it is. Nothing here is produced by the code under test.

``pair_id``, where it is computed, is LAION's formula written out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import mmh3
import pyarrow as pa

STR, I32, I64, F32, F64 = pa.string(), pa.int32(), pa.int64(), pa.float32(), pa.float64()
NAN = float("nan")
MD5 = "0123456789abcdef0123456789abcdef"
SHA = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"


def murmur(url: str | None, text: str | None) -> int:
    return mmh3.hash64(((url or "") + (text or "")).encode("utf-8"))[0]


@dataclass(frozen=True)
class Case:
    """``rows`` as a file of ``fields`` holds them; ``expected`` as they are delivered."""

    schema_id: str
    release: str | None
    fields: list[tuple[str, pa.DataType]]
    rows: list[tuple[Any, ...]]
    expected: list[tuple[Any, ...]]
    nulled: dict[str, int] = field(default_factory=dict)
    own: list[str] = field(default_factory=list)
    label: str = ""
    derived: bool = False  # not the published types: pandas' round trip, or types that nobody published

    @property
    def id(self) -> str:
        return f"{self.schema_id}{'-' if self.label else ''}{self.label}"

    def table(self) -> pa.Table:
        columns = [[row[i] for row in self.rows] for i in range(len(self.fields))]
        arrays = [pa.array(column, type) for column, (_, type) in zip(columns, self.fields, strict=True)]
        return pa.table(arrays, pa.schema(self.fields))


U = "http://a.example/{}.jpg".format


def with_language(rows: list[tuple[Any, ...]], at: int, languages: list[str]) -> list[tuple[Any, ...]]:
    """``rows`` with a language in column ``at``."""
    return [(*row[:at], language, *row[at:]) for row, language in zip(rows, languages, strict=True)]
