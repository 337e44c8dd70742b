"""What is written about one row: its own columns, and what was found. By img2dataset's names where it has one. Pure.

==================================  ===================================================================================
column                              meaning
==================================  ===================================================================================
``key``                             of the sample, also in the names of its files
``status``                          ``success``, ``failed_to_download`` or ``failed_to_resize``
``error_message``                   one sentence on a failure
``width``, ``height``               pixels of the file that was written
``original_width``, ``…_height``    pixels of the file that the host sent, as its header says
``sha256``                          of the bytes that the host sent
``outcome``                         ours: a word of the closed list, ``ok`` or why not
``trust``                           ours: what integrity says of the image
==================================  ===================================================================================

Before them stand the row's own columns that are numbers, truth values or texts. One that has a name of this table is
written as ``published_NAME``: ``published_width`` is what the release says, ``width`` what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from laion_pairs.images.bulk import Downloaded
from laion_pairs.images.export.picture import Picture
from laion_pairs.ledger import Outcome

__all__ = ["FOUND", "PUBLISHED", "failed_step", "make_record", "own_columns", "record_schema"]

FOUND: pa.Schema = pa.schema(
    {
        "key": pa.string(),
        "status": pa.string(),
        "error_message": pa.string(),
        "width": pa.int32(),
        "height": pa.int32(),
        "original_width": pa.int32(),
        "original_height": pa.int32(),
        "sha256": pa.string(),
        "outcome": pa.string(),
        "trust": pa.string(),
    }
)
PUBLISHED = "published_"

_RESIZE_OUTCOMES = frozenset(
    {
        Outcome.NOT_AN_IMAGE,
        Outcome.CORRUPT_IMAGE,
        Outcome.TOO_MANY_PIXELS,
        Outcome.TOO_SMALL,
        Outcome.BAD_ASPECT_RATIO,
    }
)
"""Failures of the file rather than of the fetch: img2dataset's ``failed_to_resize``."""


def own_columns(rows: pa.Schema) -> dict[str, str]:
    """The row's columns that are written, and as what."""
    kept = [field.name for field in rows if _is_scalar(field.type)]
    return {name: PUBLISHED + name if name in FOUND.names else name for name in kept}


def record_schema(rows: pa.Schema) -> pa.Schema:
    """The Arrow schema of the records of such rows."""
    own = [rows.field(name).with_name(written) for name, written in own_columns(rows).items()]
    return pa.schema([*(pa.field(field.name, field.type) for field in own), *FOUND])


def make_record(
    row: Mapping[str, Any], own: Mapping[str, str], key: str, done: Downloaded, picture: Picture | None
) -> dict[str, Any]:
    """The record of one row; ``own`` is what :func:`own_columns` said."""
    return {written: row.get(name) for name, written in own.items()} | {
        "key": key,
        "status": failed_step(done.outcome) or "success",
        "error_message": None if picture else done.detail or done.outcome.meaning,
        "width": picture.width if picture else None,
        "height": picture.height if picture else None,
        "original_width": done.original_width,
        "original_height": done.original_height,
        "sha256": picture.sha256 if picture else None,
        "outcome": done.outcome.value,
        "trust": done.trust.value if done.trust is not None else None,
    }


def failed_step(outcome: Outcome) -> str | None:
    """img2dataset's word for a failure; None for a success."""
    if outcome is Outcome.OK:
        return None
    return "failed_to_resize" if outcome in _RESIZE_OUTCOMES else "failed_to_download"


def _is_scalar(dtype: pa.DataType) -> bool:
    return any(
        test(dtype)
        for test in (
            pa.types.is_boolean,
            pa.types.is_integer,
            pa.types.is_floating,
            pa.types.is_string,
            pa.types.is_large_string,
        )
    )
