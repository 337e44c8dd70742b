"""How an image column lies in Arrow: one struct a row, made from the canonical columns in one vectorised step.

Boundary: Arrow only; no `datasets`, no pixels, never opens a connection.

==========  ==========  ==================================================================================
field       type        meaning
==========  ==========  ==================================================================================
``bytes``   binary      the encoded image, where it was stored; null for a lazy image
``path``    string      where the image lives: its URL
``width``   int32       pixels of the original, as published
``height``  int32       pixels of the original, as published
``digest``  string      ``md5:…`` or ``sha256:…`` of the image's bytes, where published
``unsafe``  bool        true when the pair's scores say that the picture needs a warning; null when unscored
==========  ==========  ==================================================================================

``bytes`` and ``path`` are the storage of `datasets.Image`, so a column can be cast to it.
"""

from __future__ import annotations

from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["STORAGE", "UNSAFE_FROM", "as_storage", "image_array"]

STORAGE: pa.DataType = pa.struct(
    {
        "bytes": pa.binary(),
        "path": pa.string(),
        "width": pa.int32(),
        "height": pa.int32(),
        "digest": pa.string(),
        "unsafe": pa.bool_(),
    }
)

UNSAFE_FROM = 0.5
"""A picture with a ``punsafe`` of this or more is shown only when asked for."""

SAFE_NSFW = "UNLIKELY"
"""The one ``nsfw`` word whose pictures are shown at once."""

Batch: TypeAlias = "pa.RecordBatch | pa.Table"


def image_array(batch: Batch) -> pa.StructArray:
    """Make the image column of a batch: one lazy image a row, null where the row has no URL.

    Args:
        batch: canonical columns: ``url``, and as many of ``width``, ``height``, ``digest``, ``punsafe`` and ``nsfw``
            as were read. What is missing is null in the images. Pass ``punsafe`` and ``nsfw`` also when the user did
            not ask for these columns: notebooks hide unsafe pictures by them.
    """
    url = _column(batch, "url", pa.string())
    fields = {
        "bytes": pa.nulls(len(url), pa.binary()),
        "path": url,
        "width": _column(batch, "width", pa.int32()),
        "height": _column(batch, "height", pa.int32()),
        "digest": _column(batch, "digest", pa.string()),
        "unsafe": _unsafe(_column(batch, "punsafe", pa.float32()), _column(batch, "nsfw", pa.string())),
    }
    return pa.StructArray.from_arrays(list(fields.values()), fields=list(STORAGE), mask=pc.is_null(url))


def as_storage(array: pa.Array) -> pa.StructArray:
    """Cast what can stand for images to `STORAGE`: URLs, encoded images, or structs with ``path`` or ``bytes``.

    A struct's fields that images do not have are left out, and fields that it lacks are null, so the storage of
    `datasets.Image` and of other versions of this package both fit.

    Raises:
        TypeError: the array's type is none of these.
    """
    if array.type == STORAGE:
        return array
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        given = {"path": array}
    elif pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        given = {"bytes": array}
    elif pa.types.is_null(array.type):
        given = {}
    elif pa.types.is_struct(array.type) and {"bytes", "path"} & {field.name for field in array.type}:
        given = {field.name: array.field(field.name) for field in array.type}
    else:
        raise TypeError(
            f"asked for images, found a column of type {array.type}: "
            "cast a column of URLs (string), of encoded images (binary), or of structs with 'path' or 'bytes'"
        )
    columns = [
        given[field.name].cast(field.type) if field.name in given else pa.nulls(len(array), field.type)
        for field in STORAGE
    ]
    return pa.StructArray.from_arrays(columns, fields=list(STORAGE), mask=array.is_null())


def _unsafe(punsafe: pa.Array, nsfw: pa.Array) -> pa.BooleanArray:
    """True where either score warns; null where there is neither score."""
    scored = pc.greater_equal(punsafe, pa.scalar(UNSAFE_FROM, pa.float32()))
    tagged = pc.not_equal(nsfw, SAFE_NSFW)
    return pc.coalesce(pc.or_kleene(scored, tagged), scored, tagged)


def _column(batch: Batch, name: str, dtype: pa.DataType) -> pa.Array:
    if name not in batch.schema.names:
        return pa.nulls(batch.num_rows, dtype)
    column = batch.column(name)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column.cast(dtype)
