"""What a pair looks like, whichever release it came from: canonical columns, identity, URLs, score models, filters.

Pure: nothing here opens a file or a connection. Which release publishes which column is :mod:`laion_pairs.releases`.
"""

from __future__ import annotations

from laion_pairs.schema.columns import COLUMNS, NAMES, SCHEMA, Column
from laion_pairs.schema.pair_id import pair_ids
from laion_pairs.schema.predicate import Predicate
from laion_pairs.schema.score_models import ScoreModel
from laion_pairs.schema.selection import ALL, IMAGE, select_columns
from laion_pairs.schema.term import Term
from laion_pairs.schema.urls import normalise_url

__all__ = [
    "ALL",
    "COLUMNS",
    "IMAGE",
    "NAMES",
    "SCHEMA",
    "Column",
    "Predicate",
    "ScoreModel",
    "Term",
    "normalise_url",
    "pair_ids",
    "select_columns",
]
