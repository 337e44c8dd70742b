"""`shuffle`: a stream in a random order that can be resumed at any row."""

from __future__ import annotations

from typing import Any

import datasets

from laion_pairs.errors import PolicyError
from laion_pairs.streams.chance import generator
from laion_pairs.streams.order import Order, checked_seed
from laion_pairs.streams.sources import as_rows, as_tables, checked_stream, features_of, shuffled_source, stream_like
from laion_pairs.streams.windows import WindowExamples

__all__ = ["shuffle"]


def shuffle(ds: datasets.IterableDataset, *, seed: int = 0, window_rows: int = 50_000) -> datasets.IterableDataset:
    """The same rows in a random order: shards and row groups first, then every ``window_rows`` rows among themselves.

    ``state_dict()`` may be taken at any row, and a stream that loads it goes on with exactly the rows that were not
    delivered, which `datasets`' own ``ds.shuffle`` cannot: its buffer is not in its state. What is read again is the
    window that was under way. The state is of one order: of this seed, window, epoch and split among nodes and workers.

    ``set_epoch(e)`` gives another order for every epoch, the same one in every process; call it before
    ``load_state_dict``, as `datasets` passes over a state of another epoch. ``take`` and ``skip`` on what comes back
    keep the order of epoch 0, so that what they divide stays divided; on `datasets` 3.6 and 4 only in the same epoch.

    A window is in memory while its rows come out, and up to twice that while it is made. So shuffle pairs, and download
    images afterwards: of downloaded pictures, choose a window that fits, and download with ``ordered=True``.

    Args:
        ds: a stream, as `laion_dataset.load_dataset` with ``streaming=True`` gives it, or any other whose own state is
            exact.
        seed: of the order; the same for all nodes.
        window_rows: rows that are mixed with each other, in every worker for itself. The larger, the better mixed:
            neighbours in the shards are about a third of it apart.

    Raises:
        SchemaError: ``ds`` is not a stream.
        PolicyError: an option that cannot be; and on iteration, a state of another order.

    >>> pairs = shuffle(load_dataset("relaion2B-en-research-safe", split="train", streaming=True), seed=1)
    """
    ds = checked_stream(ds, "shuffle")
    order = Order(checked_seed(seed), f"window_rows={_checked_rows(window_rows)}")
    source = as_tables(ds) if ds._ex_iterable.iter_arrow else as_rows(ds)
    source = shuffled_source(source, generator(f"{order} shards"))
    features = features_of(ds) if source.iter_arrow else source.features
    return stream_like(ds, WindowExamples(source, order, window_rows, features), order)


def _checked_rows(window_rows: Any) -> int:
    if isinstance(window_rows, bool) or not isinstance(window_rows, int) or window_rows < 1:
        raise PolicyError(f"window_rows must be a whole number of at least 1, got {window_rows!r}.")
    return window_rows
