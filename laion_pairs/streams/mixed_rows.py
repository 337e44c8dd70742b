"""A mix of sources that give rows, such as downloaded pictures: one at a time, and none is pulled before its turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from datasets import Features
from datasets.iterable_dataset import _BaseExamplesIterable

from laion_pairs.streams.held_state import OpenState
from laion_pairs.streams.mix import Mix, Mixed
from laion_pairs.streams.reading import Example
from laion_pairs.streams.uniting import check_columns, needs_protection, protected

__all__ = ["MixedRows"]


class MixedRows(Mixed, _BaseExamplesIterable):  # type: ignore[misc] # datasets has no types
    """The rows of a mix.

    The state is ``{"order": …, "draw": number of the next draw, "ended": sources without rows, as text such as "0 2",
    "sources": {"0": …, "1": …}}``: the sources' own, which they move along themselves. No list is in it, because 3.6
    mixes those of one state into those of another.

    Raises:
        SchemaError: on iteration, where the features are unknown and the rows of two sources have different columns.
    """

    def __init__(self, sources: Sequence[Any], mix: Mix) -> None:
        _BaseExamplesIterable.__init__(self)
        Mixed.__init__(self, sources, mix)

    @property
    def features(self) -> Features | None:
        return self._mix.features

    @property
    def is_typed(self) -> bool:
        return self._mix.features is not None

    def _init_state_dict(self) -> dict[str, Any]:
        sources = OpenState({str(number): source._init_state_dict() for number, source in enumerate(self.ex_iterables)})
        state = OpenState(order=str(self._mix.order), draw=0, ended="", sources=sources, type=type(self).__name__)
        self._state_dict: OpenState = state
        return state

    def __iter__(self) -> Iterator[Example]:
        if self._state_dict is None:
            self._init_state_dict()
        state = self._state_dict
        if (
            state["draw"] == 0 and not state.is_foreign
        ):  # a worker that has given nothing saves one of no worker's order
            state["order"] = str(self._mix.order)
        self._mix.order.check(state["order"])
        columns = _Columns()
        rows = [self._rows(number, columns) for number in range(len(self.ex_iterables))]
        ended = [int(number) for number in state["ended"].split()]
        while not self._mix.is_over(ended):
            for number in self._mix.draw(state["draw"], ended).tolist():
                row = next(rows[number], None)
                state["draw"] += 1
                if row is None:
                    ended.append(number)
                    state["ended"] = " ".join(map(str, ended))
                    break
                yield state["draw"], row

    def _rows(self, number: int, columns: _Columns) -> Iterator[dict[str, Any]]:
        """A source's rows, protected by what protects any of them."""
        source, features = self.ex_iterables[number], self._mix.features
        examples = iter(source)
        if features is None:
            for _, row in examples:
                columns.check(number, row)
                yield row
            return
        own = source.features
        changed = [name for name in features if needs_protection(own[name], features[name])]
        for _, row in examples:
            if changed:
                row = {**row, **{name: protected(own[name], features[name], row[name]) for name in changed}}
            yield row


class _Columns:
    """The columns of the first row of each source, where nobody knows them before."""

    def __init__(self) -> None:
        self._of: dict[int, dict[str, Any]] = {}

    def check(self, number: int, row: dict[str, Any]) -> None:
        if number not in self._of:
            self._of[number] = dict.fromkeys(row)
            first = next(iter(self._of))
            check_columns(self._of[first], row, first, number)
