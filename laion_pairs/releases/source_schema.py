"""What the columns of one kind of file are called, and which canonical column each of them is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from laion_pairs.schema import ScoreModel

__all__ = ["SourceSchema", "without_index"]

_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def without_index(columns: Iterable[str]) -> tuple[str, ...]:
    """``columns`` without pandas' leaked index, which belongs to no schema."""
    return tuple(name for name in columns if not _PANDAS_INDEX.fullmatch(name))


@dataclass(frozen=True)
class SourceSchema:
    """One published column set.

    Attributes:
        id: ``S1`` … ``S19``, with a letter for a variant. Schemas of one id differ only in what nobody confirmed.
        title: what it is, in a few words.
        columns: every column in published order, and its type as text. Types are what was published; readers accept
            what a round trip through pandas makes of them (float64 sizes).
        canonical: canonical column -> the file's column. A canonical column that is not here is null, except
            ``pair_id``, which is computed from url and caption.
        score_models: canonical score column -> the model behind it, as far as the columns alone tell.
        notes: canonical column -> why that column and not another.
        pairs: False for files that hold tags by hash; they are recognised, and not mapped.
        confirmed: False where nobody has confirmed that the release has these columns.
    """

    id: str
    title: str
    columns: Mapping[str, str] = field(hash=False)
    canonical: Mapping[str, str] = field(hash=False)
    score_models: Mapping[str, ScoreModel] = field(default_factory=dict, hash=False)
    notes: Mapping[str, str] = field(default_factory=dict, hash=False)
    pairs: bool = True
    confirmed: bool = True
