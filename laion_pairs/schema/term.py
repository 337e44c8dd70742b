"""One term of a filter: a column, an operator and a literal, checked against the column's canonical type."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laion_pairs.errors import FilterError
from laion_pairs.schema.columns import NAMES, SCHEMA

__all__ = ["COMPARISONS", "OPERATORS", "Literal", "Term", "parse_term"]

Literal = float | int | str

COMPARISONS: dict[str, Callable[[Any, pa.Scalar], Any]] = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_LISTS = ("in", "not in")
_NULLS = ("is null", "is not null")
OPERATORS = (*COMPARISONS, *_LISTS, *_NULLS)

_NSFW = ("UNLIKELY", "UNSURE", "NSFW")


@dataclass(frozen=True)
class Term:
    """``column op value``. ``value`` is a literal, a tuple of literals for (not) in, None for is (not) null.

    Build it with :func:`parse_term`, which checks; literals of float32 columns are held as the float32's value.
    """

    column: str
    op: str
    value: Literal | tuple[Literal, ...] | None = None

    def mask(self, column: pa.Array | pa.ChunkedArray) -> pa.BooleanArray | pa.ChunkedArray:
        """Which values of ``column`` (in its canonical type) satisfy the term; null satisfies only ``is null``."""
        if self.op == "is null":
            return pc.is_null(column)
        if self.op == "is not null":
            return pc.is_valid(column)
        if isinstance(self.value, tuple):
            found = pc.is_in(column, value_set=pa.array(self.value, SCHEMA.field(self.column).type))
            return found if self.op == "in" else pc.and_(pc.invert(found), pc.is_valid(column))
        return pc.fill_null(COMPARISONS[self.op](column, self.scalar()), False)

    def scalar(self, type: pa.DataType | None = None) -> pa.Scalar:
        """The literal of a comparison, in the column's canonical type or in ``type``."""
        return pa.scalar(self.value, type or SCHEMA.field(self.column).type)


def parse_term(term: object) -> Term:
    """Read ``(column, op, value)``, or ``(column, "is null")`` with or without a third None. Raises FilterError."""
    if not isinstance(term, (tuple, list)) or not 2 <= len(term) <= 3 or not all(isinstance(x, str) for x in term[:2]):
        raise FilterError(f'{term!r} is not a filter term: write (column, operator, value): ("punsafe", "<", 0.1).')
    column = term[0]
    op = " ".join(term[1].lower().split())
    op = "=" if op == "==" else op
    _check_column(column)
    if op not in OPERATORS:
        raise FilterError(f"{term[1]!r} in {term!r} is not an operator: use one of {', '.join(OPERATORS)}.")
    if op in _NULLS:
        if len(term) == 3 and term[2] is not None:
            raise FilterError(f"{term!r} has a value, but {op!r} takes none: leave it out.")
        return Term(column, op)
    if len(term) == 2:
        raise FilterError(f"{term!r} has no value: write ({column!r}, {op!r}, value).")
    if op in _LISTS:
        if not isinstance(term[2], (list, tuple, set, frozenset)) or not term[2]:
            raise FilterError(f"{term!r} needs a list of at least one value after {op!r}.")
        values = sorted(term[2], key=str) if isinstance(term[2], (set, frozenset)) else term[2]
        return Term(column, op, tuple(_literal(column, value) for value in values))
    return Term(column, op, _literal(column, term[2]))


def _check_column(column: str) -> None:
    if column in NAMES:
        return
    if column == "image":
        raise FilterError("'image' cannot be filtered on: it is a handle. Filter on url, width, height or digest.")
    near = difflib.get_close_matches(column.lower(), NAMES, n=3, cutoff=0.5)
    did_you_mean = f" Did you mean {' or '.join(near)}?" if near else ""
    raise FilterError(
        f"{column!r} is not a column that can be filtered on.{did_you_mean} Filters use the canonical columns, "
        f"whatever a release calls its own: {', '.join(NAMES)}."
    )


def _literal(column: str, value: object) -> Literal:
    """``value`` as the canonical type of ``column`` holds it, or FilterError."""
    type = SCHEMA.field(column).type
    if value is None:
        raise FilterError(f'A comparison of {column!r} with None is never true: write ({column!r}, "is null").')
    if pa.types.is_string(type):
        return _string(column, value)
    number = _number(column, type, value)
    if pa.types.is_floating(type):
        with np.errstate(over="ignore"):
            narrowed = float(np.float32(number))
        if not math.isfinite(narrowed):
            raise FilterError(f"{value!r} cannot be compared with {column!r}: it is not a finite {type} number.")
        return narrowed
    whole = int(number) if math.isfinite(number) else None
    limit = 2 ** (type.bit_width - 1)
    if whole is None or whole != number or not -limit <= whole < limit:
        raise FilterError(f"{value!r} cannot be compared with {column!r}: it is not a whole number within {type}.")
    return whole


def _string(column: str, value: object) -> str:
    if not isinstance(value, str):
        raise FilterError(f"{value!r} cannot be compared with {column!r}, which holds text: write a string.")
    if column == "nsfw" and value not in _NSFW:
        raise FilterError(f"{value!r} is no value of 'nsfw': it is {', '.join(_NSFW)} or null.")
    return str(value)


def _number(column: str, type: pa.DataType, value: object) -> float | int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise FilterError(f"{value!r} cannot be compared with {column!r}, which holds {type} numbers: write a number.")
    return operator.index(value) if isinstance(value, (int, np.integer)) else float(value)
