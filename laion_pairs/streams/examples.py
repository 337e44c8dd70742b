"""The examples of a load as `datasets` wants them: its private protocol over :mod:`laion_pairs.shards`.

Private, but the same from 3.6 to 5.2: ``__iter__``, ``iter_arrow``, ``features``, ``_init_state_dict`` and the
splitting and shuffling of sources. What `datasets` does not do for its own examples:

* ``features`` are the dataset's own, so that plain iteration gets the rows that are made here, a slice at a time;
* the state names a row group, a row in it, and the commit, so that a resume reads what is left of that row group;
* any number of nodes and workers can share the shards (:mod:`laion_pairs.streams.splitting`).

It does not call itself typed, as it could: `datasets` 5.2 would then leave the lazy images of ``filter``,
``select_columns`` and ``cast`` undecoded, because it reads these from tables, and 3.6 could not filter at all. The
price is that a ``map`` without ``batched=True`` is as slow as the stock one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from datasets import Features
from datasets.iterable_dataset import _BaseExamplesIterable

from laion_pairs.errors import ShardError
from laion_pairs.shards import ReadPlan, Shard, Span, open_reader, read_layouts
from laion_pairs.streams.rows import TAKES_TABLES_APART, RowMaker
from laion_pairs.streams.splitting import Piece, ShardCount, Share, share_spans, split_pieces, worker_count

__all__ = ["Reading", "ShardExamples"]


@dataclass(frozen=True)
class Reading:
    """How every shard of a load is read; picklable.

    Attributes:
        to_table: makes a table with the schema of ``features`` of a delivered batch.
        features: of the rows.
        token: for the Hub.
        commit: that the shards are read at, or None.
    """

    plan: ReadPlan
    to_table: Callable[[pa.RecordBatch], pa.Table]
    features: Features
    token: str | bool | None = None
    commit: str | None = None


class _Batch(NamedTuple):
    """Rows still to be delivered of one place, and the state in which the next place is read."""

    key: str
    table: pa.Table
    n_before: int
    next_row: int


class ShardExamples(_BaseExamplesIterable):  # type: ignore[misc] # datasets has no types
    """The examples of some pieces of a load, in their order.

    Args:
        seed: of the order of row groups in a piece; None leaves them as they are in the file.

    Raises:
        ShardError: on iteration, when the state that was loaded is of another commit; and whatever
            :func:`laion_pairs.shards.open_reader` raises.
    """

    _sleep_on_threads_shutdown = False
    """What `datasets` 5 asks of every source it interleaves: nothing here keeps a thread that it would wait for."""

    def __init__(self, reading: Reading, pieces: tuple[Piece, ...], seed: int | None = None) -> None:
        super().__init__()
        self._reading, self._pieces, self._seed = reading, pieces, seed

    @classmethod
    def of_shards(cls, reading: Reading, shards: tuple[Shard, ...]) -> ShardExamples:
        """All examples of these shards."""
        return cls(reading, tuple(Piece(number, shard) for number, shard in enumerate(shards)))

    @property
    def features(self) -> Features:
        return self._reading.features

    @property
    def commit(self) -> str | None:
        """Of the repository that the shards are read at, or None."""
        return self._reading.commit

    def _init_state_dict(self) -> dict[str, Any]:
        self._state_dict: dict[str, Any] = self._beginning()
        return self._state_dict

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        maker = RowMaker(self._reading.features)
        state = self._state()
        for batch in self._batches(state):
            n_rows = batch.n_before
            n_last = n_rows + batch.table.num_rows
            for row in maker.rows(batch.table):
                n_rows += 1
                if n_rows == n_last:
                    state.update(first_row=batch.next_row, rows=0)
                else:
                    state["rows"] = n_rows
                yield batch.key, row

    @property
    def iter_arrow(self) -> Callable[[], Iterator[tuple[str, pa.Table]]]:
        return self._tables

    def _tables(self) -> Iterator[tuple[str, pa.Table]]:
        state = self._state()
        for batch in self._batches(state):
            state.update(first_row=batch.next_row, rows=0)
            yield batch.key, batch.table

    def _iter_arrow(self) -> Iterator[tuple[str, pa.Table]]:
        """What `datasets` formats itself: tables, which it must not be given to take apart (`TAKES_TABLES_APART`)."""
        if not TAKES_TABLES_APART:
            yield from self._tables()
            return
        state = self._state()
        for batch in self._batches(state):
            for row in range(batch.table.num_rows - 1):
                state["rows"] = batch.n_before + row + 1
                yield batch.key, batch.table.slice(row, 1)
            state.update(first_row=batch.next_row, rows=0)
            yield batch.key, batch.table.slice(batch.table.num_rows - 1)

    @property
    def num_shards(self) -> int:
        """How many shards these are of; in a DataLoader's worker at least the number of workers, or some would stop."""
        return ShardCount(max(len(self._pieces), worker_count()))

    def shard_data_sources(self, num_shards: int, index: int, contiguous: bool = True) -> ShardExamples:
        """One of ``num_shards`` parts."""
        return self._of(split_pieces(self._pieces, int(num_shards), index, contiguous=contiguous), self._seed)

    def shuffle_data_sources(self, generator: np.random.Generator) -> ShardExamples:
        """The same rows, shards and row groups in another order; the generator is left as it is."""
        generator = deepcopy(generator)
        order = generator.permutation(len(self._pieces))
        return self._of(tuple(self._pieces[place] for place in order), int(generator.integers(1 << 62)))

    def reshard_data_sources(self) -> ShardExamples:
        """Itself: its shards are enough for any split."""
        return self._of(self._pieces, self._seed)

    def _of(self, pieces: tuple[Piece, ...], seed: int | None) -> ShardExamples:
        return ShardExamples(self._reading, pieces, seed)

    def _beginning(self) -> dict[str, Any]:
        """The state of which nothing was delivered: of the piece, whose row group is not known before it is opened.

        Of the batch at ``first_row`` of ``row_group``, the first ``rows`` of those that stay were delivered.
        """
        place = {"piece": 0, "row_group": None, "first_row": 0, "rows": 0}
        return {**place, "commit": self._reading.commit, "type": type(self).__name__}

    def _state(self) -> dict[str, Any]:
        """The state that is kept for `datasets`, or one of this iteration's own."""
        state = self._state_dict if self._state_dict is not None else self._beginning()
        if state["commit"] != self._reading.commit:
            raise ShardError(
                f"The state was saved at commit {state['commit']}, but this stream reads commit "
                f"{self._reading.commit}; load it with revision={state['commit']!r} to resume."
            )
        return state

    def _batches(self, state: dict[str, Any]) -> Iterator[_Batch]:
        """What is left to deliver from a state on, which is moved along to the batch that is yielded."""
        layouts = _Spans(self._reading)
        for place in range(state["piece"], len(self._pieces)):
            piece = self._pieces[place]
            spans = layouts.of(piece)
            if spans or spans is None:
                with open_reader(piece.shard, self._reading.plan, self._reading.token) as reader:
                    order = _shuffled(reader.spans if spans is None else spans, self._seed, piece.number)
                    n_before = state["rows"]
                    for found in reader.read(_from(order, state), was_counted=n_before > 0):
                        state.update(row_group=found.row_group, first_row=found.first_row, rows=n_before)
                        table = self._reading.to_table(found.batch).slice(n_before)
                        key = f"{piece.number}-{found.row_group}-{found.first_row}"
                        yield _Batch(key, table, n_before, found.end_row)
                        n_before = 0
            state.update(piece=place + 1, row_group=None, first_row=0, rows=0)


class _Spans:
    """The spans of pieces; the footers of shared shards are read once an iteration, when the first of them comes up."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._shares: dict[Share, dict[int, list[Span]]] = {}

    def of(self, piece: Piece) -> list[Span] | None:
        """None: the whole shard."""
        share = piece.share
        if share is None:
            return None
        if share not in self._shares:
            shards = [shard for _, shard in share.shards]
            layouts = read_layouts(shards, self._reading.plan, self._reading.token)
            numbers = [number for number, _ in share.shards]
            self._shares[share] = share_spans(share, dict(zip(numbers, layouts, strict=True)))
        return self._shares[share][piece.number]


def _shuffled(spans: list[Span], seed: int | None, number: int) -> list[Span]:
    if seed is None:
        return spans
    return [spans[place] for place in np.random.default_rng([seed, number]).permutation(len(spans))]


def _from(spans: list[Span], state: dict[str, Any]) -> list[Span]:
    """What is left of the spans in a state: a row group has one of them."""
    if state["row_group"] is None:
        return spans
    place = next(place for place, span in enumerate(spans) if span.row_group == state["row_group"])
    span = spans[place]
    left = Span(span.row_group, state["first_row"], span.end_row, span.step, span.offset)
    return [left, *spans[place + 1 :]]
