"""Which columns a load delivers: the canonical ones in the order asked for, the lazy image among them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from laion_pairs.errors import UnknownColumn
from laion_pairs.schema.columns import NAMES

__all__ = ["ALL", "IMAGE", "select_columns"]

IMAGE = "image"
"""The lazy image; made from other columns by :mod:`laion_pairs.images`."""

ALL = "all"
"""Every canonical column, and the files' own ones after them."""


def select_columns(columns: Sequence[str] | str | None) -> tuple[str, ...]:
    """The columns to deliver, in order: as asked for, or ``image`` and every canonical column for None and ``"all"``.

    Raises:
        UnknownColumn: a name is not canonical, is given twice, or nothing is asked for.
    """
    if columns is None or columns == ALL:
        return (IMAGE, *NAMES)
    if not isinstance(columns, Sequence):
        raise UnknownColumn(f"columns is {columns!r}; give a list of names of {_known()}")
    asked = (columns,) if isinstance(columns, str) else tuple(columns)
    if not asked:
        raise UnknownColumn(f"columns is empty; name at least one of {_known()}, or leave it out for all of them")
    for name in asked:
        if name not in (IMAGE, *NAMES):
            near = difflib.get_close_matches(str(name), (IMAGE, *NAMES), n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(repr(word) for word in near)}? " if near else ""
            raise UnknownColumn(
                f"columns asks for {name!r}, which is no canonical column; {hint}there are {_known()}, "
                f'and columns="all" adds the columns that a release has of its own'
            )
    if len(set(asked)) != len(asked):
        raise UnknownColumn(f"columns names a column twice: {', '.join(asked)}")
    return asked


def _known() -> str:
    return ", ".join((IMAGE, *NAMES))
