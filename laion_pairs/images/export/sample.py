"""One image with its caption and record, and the small files that stand for it in a tar or a folder. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laion_pairs.images.export.picture import Picture

__all__ = ["Sample"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One image that was had.

    Attributes:
        key: its name, unique in the export.
        picture: the file.
        caption: None where the row has none.
        record: see :mod:`laion_pairs.images.export.record`.
    """

    key: str
    picture: Picture
    caption: str | None
    record: Mapping[str, Any]

    def files(self) -> tuple[tuple[str, bytes], ...]:
        """``KEY.jpg``, ``KEY.txt`` (empty without a caption) and ``KEY.json``, names and contents."""
        text = (self.caption or "").encode("utf-8", "replace")
        record = json.dumps(self.record, default=str).encode()
        return (
            (f"{self.key}.{self.picture.extension}", self.picture.body),
            (f"{self.key}.txt", text),
            (f"{self.key}.json", record),
        )
