"""The canonical columns are the ones that were promised, in order and type."""

from __future__ import annotations

import laion_pairs.schema as schema
from laion_pairs.schema import COLUMNS, NAMES, SCHEMA

PROMISED = """
url string | caption string | width int32 | height int32 | similarity float | punsafe float | pwatermark float
| aesthetic float | nsfw string | language string | license string | pair_id int64 | digest string
"""


def test_names_order_and_types() -> None:
    assert [f"{field.name} {field.type}" for field in SCHEMA] == [" ".join(c.split()) for c in PROMISED.split("|")]
    assert list(NAMES) == SCHEMA.names == [column.name for column in COLUMNS]


def test_every_column_is_described_in_one_sentence() -> None:
    for column in COLUMNS:
        assert column.doc.endswith(".")
        assert "\n" not in column.doc


def test_all_is_what_there_is() -> None:
    for name in schema.__all__:
        assert hasattr(schema, name)
    assert schema.__all__ == sorted(schema.__all__, key=lambda name: (not name.isupper(), name.islower(), name))
