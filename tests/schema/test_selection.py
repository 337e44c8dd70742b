"""``columns=``: what is delivered, in which order, and what a mistake is told."""

from __future__ import annotations

import pytest

from laion_pairs.errors import UnknownColumn
from laion_pairs.schema import NAMES
from laion_pairs.schema.selection import select_columns

EVERYTHING = ("image", *NAMES)

SELECTIONS = [
    (None, EVERYTHING),
    ("all", EVERYTHING),
    (["image", "caption", "width", "height"], ("image", "caption", "width", "height")),
    (["caption", "url"], ("caption", "url")),
    ("caption", ("caption",)),
]

MISTAKES = [
    (["captoin"], "did you mean 'caption'"),
    (["URL"], "no canonical column"),
    ([], "columns is empty"),
    (["url", "url"], "twice"),
    ("ALL", "no canonical column"),
    (["image", 3], "no canonical column"),
    (5, "give a list"),
]


@pytest.mark.parametrize(("asked", "delivered"), SELECTIONS)
def test_selected(asked: object, delivered: tuple[str, ...]) -> None:
    assert select_columns(asked) == delivered  # type: ignore[arg-type]


@pytest.mark.parametrize(("asked", "sentence"), MISTAKES)
def test_mistakes_say_what_to_do(asked: object, sentence: str) -> None:
    with pytest.raises(UnknownColumn, match=sentence):
        select_columns(asked)  # type: ignore[arg-type]
