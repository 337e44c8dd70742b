"""Filters on canonical columns: which rows a user or a recipe keeps.

As Python values (what ``filters=`` takes)::

    None                                            every row
    [("punsafe", "<", 0.1), ("width", ">=", 512)]   all of these
    [[("nsfw", "=", "UNLIKELY")], [("punsafe", "<", 0.1)]]   any of these groups

As text (what ``--filter`` takes), terms joined with ``and``::

    punsafe < 0.1 and width >= 512
    nsfw in ('UNLIKELY', 'UNSURE') and caption is not null

Operators: ``=`` (or ``==``), ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``in``, ``not in``, ``is null``, ``is not null``.
In text a literal is a number, a word, or a quoted string (the quote doubled inside it). Any other form is refused
rather than guessed.

A literal is compared in its column's type: 0.1 on a float32 column is float32's 0.1. Nulls are SQL's: a comparison with
a null is not true, so the row is dropped; only ``is null`` keeps it. Pure: never reads a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import product

import pyarrow as pa
import pyarrow.compute as pc

from laion_pairs.errors import FilterError
from laion_pairs.schema.term import Term, parse_term
from laion_pairs.schema.term_text import parse_terms, render_term

__all__ = ["Predicate"]

_FORMS = (
    'filters are None, a list of terms such as [("punsafe", "<", 0.1)], or a list of such lists, of which any may hold'
)


@dataclass(frozen=True)
class Predicate:
    """Any of ``branches`` holds, and in a branch all of its terms hold. One branch without terms keeps every row."""

    branches: tuple[tuple[Term, ...], ...] = ((),)

    @classmethod
    def parse(cls, filters: object) -> Predicate:
        """Read ``filters=`` as the module describes. A ``Predicate`` is returned as it is.

        Raises:
            FilterError: another form, an unknown column or operator, or a literal that does not fit its column.
        """
        if filters is None:
            return cls()
        if isinstance(filters, Predicate):
            return filters
        if not isinstance(filters, list) or not filters:
            raise FilterError(f"{filters!r} is not a filter: {_FORMS}.")
        if all(isinstance(group, list) and group for group in filters):
            return cls(tuple(tuple(map(parse_term, group)) for group in filters))
        if any(isinstance(group, list) for group in filters):
            raise FilterError(f"{filters!r} is not a filter (an empty list, or terms beside lists): {_FORMS}.")
        return cls((tuple(map(parse_term, filters)),))

    @classmethod
    def parse_text(cls, text: str) -> Predicate:
        """Read one or more terms joined with ``and``, as the command line takes them. Raises FilterError."""
        return cls((parse_terms(text),))

    @property
    def columns(self) -> frozenset[str]:
        """The canonical columns that must be read to decide."""
        return frozenset(term.column for branch in self.branches for term in branch)

    def mask(self, batch: pa.RecordBatch | pa.Table) -> pa.BooleanArray | pa.ChunkedArray:
        """Return which rows of ``batch`` (canonical columns) are kept: true or false, never null."""
        everything = pa.repeat(True, batch.num_rows)
        branches = (
            reduce(pc.and_, (term.mask(batch.column(term.column)) for term in branch), everything)
            for branch in self.branches
        )
        return reduce(pc.or_, branches)

    def __and__(self, other: Predicate) -> Predicate:
        """Rows that both keep."""
        return Predicate(tuple(dict.fromkeys(_unique(a + b) for a, b in product(self.branches, other.branches))))

    def render(self) -> str:
        """The text of this predicate. ``parse_text`` reads it back where there is one branch with terms."""
        branches = [" and ".join(map(render_term, branch)) for branch in self.branches]
        if "" in branches:
            return "every row"
        return branches[0] if len(branches) == 1 else " or ".join(f"({branch})" for branch in branches)


def _unique(terms: Iterable[Term]) -> tuple[Term, ...]:
    return tuple(dict.fromkeys(terms))
