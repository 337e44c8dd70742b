"""Rows of a resumed stream that have to come out first, in a given order, though they finish in any. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

__all__ = ["Turns"]

T = TypeVar("T")


class Turns(Generic[T]):
    """Lets rows through when it is their turn. Without anything in ``first``, that is at once.

    Args:
        first: numbers of the rows that come before all others.
    """

    def __init__(self, first: Iterable[int]) -> None:
        self._first = deque(first)
        self._early: dict[int, T] = {}

    @property
    def waiting(self) -> int:
        """How many rows wait for their turn."""
        return len(self._early)

    def in_turn(self, number: int, item: T) -> Iterator[T]:
        """Take one row, and give those whose turn it is now."""
        if not self._first:
            yield item
            return
        self._early[number] = item
        while self._first and self._first[0] in self._early:
            yield self._early.pop(self._first.popleft())
        if not self._first:
            yield from self._early.values()
            self._early.clear()
