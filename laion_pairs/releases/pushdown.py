"""From a filter on canonical columns to one on a file's own columns, so that a reader can skip row groups.

What is pushed keeps every row that the filter keeps, and perhaps more: the exact filter runs again on the canonical
columns. Only plain columns are pushed (text, sizes, scores, a published hash); what is converted by more than a cast
(nsfw, digest, a computed pair_id) is not. ``is null`` is not, because a value may become null on the way; ``not in``
skips no row group worth the work.

A float64 source becomes a float32 by rounding to the nearest, so the bound of ``<=`` and ``>=`` moves outwards by one
float32 step: ``similarity >= 0.3`` must keep a float64 a hair below float32's 0.3. For ``<`` and ``>`` rounding is
monotonic: a value that rounds below the bound was below it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import and_, ge, gt, le, lt, ne, or_

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laion_pairs.schema import SCHEMA, Predicate, Term

__all__ = ["push_down"]

_OPERATORS: dict[str, Callable[[pc.Expression, pc.Expression], pc.Expression]] = {
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
_CONVERTED = ("nsfw", "digest")


def push_down(predicate: Predicate, sources: Mapping[str, str], file_schema: pa.Schema) -> pc.Expression | None:
    """Return a filter on the file's columns that keeps at least what ``predicate`` keeps; None if it would keep all.

    Args:
        sources: canonical column -> the file's column.
        file_schema: the file's columns and types.
    """
    branches = []
    for branch in predicate.branches:
        pushed = [_push_term(term, sources, file_schema) for term in branch]
        terms = [expression for expression in pushed if expression is not None]
        if not terms:
            return None
        branches.append(reduce(and_, terms))
    return reduce(or_, branches)


def _push_term(term: Term, sources: Mapping[str, str], file_schema: pa.Schema) -> pc.Expression | None:
    source = sources.get(term.column)
    if source is None or term.column in _CONVERTED or term.op in ("is null", "not in"):
        return None
    column = pc.field(source)
    if term.op == "is not null":
        return column.is_valid()
    type = file_schema.field(source).type
    if not _is_plain(SCHEMA.field(term.column).type, type):
        return None
    if isinstance(term.value, tuple):
        return reduce(or_, (_equals(column, value, type) for value in term.value))
    if term.op == "=":
        return _equals(column, term.value, type)
    return _OPERATORS[term.op](column, _bound(term.op, term.value, type))


def _equals(column: pc.Expression, value: object, type: pa.DataType) -> pc.Expression:
    return (column >= _bound(">=", value, type)) & (column <= _bound("<=", value, type))


def _bound(op: str, value: object, type: pa.DataType) -> pc.Expression:
    if pa.types.is_float64(type) and isinstance(value, float) and op in ("<=", ">="):
        value = float(np.nextafter(np.float32(value), np.float32(np.inf if op == "<=" else -np.inf)))
    return pc.scalar(pa.scalar(value, type))


def _is_plain(canonical: pa.DataType, type: pa.DataType) -> bool:
    """Whether a cast is all that lies between the file's column and the canonical one."""
    if pa.types.is_string(canonical):
        return bool(pa.types.is_string(type) or pa.types.is_large_string(type))
    if pa.types.is_int64(canonical):
        return bool(pa.types.is_int64(type))
    if pa.types.is_int32(canonical):
        return type in (pa.int32(), pa.int64(), pa.float64())
    return type in (pa.float32(), pa.float64())
