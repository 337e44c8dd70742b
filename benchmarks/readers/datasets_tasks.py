"""The tasks that a streaming dataset of `datasets` can do, the same code for ours and for the stock one.

A task consumes rows, counts them, and adds up their widths, so that nobody can leave out reading them.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from harness import Reading

__all__ = ["Names", "perform", "prepare"]

BATCH_ROWS = 1000  # of `iter(batch_size=)`, as `datasets`' own documentation has it
ARROW_BATCH_ROWS = 4096
LOADER_BATCH_ROWS = 256


@dataclass(frozen=True)
class Names:
    """What the two columns are called that tasks look at."""

    caption: str
    width: str


def prepare(reading: Reading) -> None:
    """Import what the task needs besides `datasets`, so that nobody's first row waits for it."""
    if reading.task.startswith(("torch", "loader")):
        import torch.utils.data  # noqa: F401


def perform(reading: Reading, dataset: Any, names: Names) -> None:
    """Do the task that the command line names, and report."""
    kind, _, how = reading.task.partition("-")
    if reading.task == "state":
        _save_state(reading, dataset, names)
    elif reading.task == "resume":
        dataset = dataset.with_format("arrow")
        dataset.load_state_dict(json.loads(reading.state.read_text()))
        _consume(reading, _batches(dataset), names, _first_caption(names))
    elif reading.task == "check":
        _consume(reading, _batches(dataset.with_format("arrow"), ARROW_BATCH_ROWS), names, _caption_crc(names))
    elif kind in ("arrow", "filter"):
        _consume(reading, _batches(dataset.with_format("arrow"), ARROW_BATCH_ROWS), names, _table_width)
    elif kind in ("first", "dicts"):
        _consume(reading, dataset, names, _row_width)
    elif kind == "map":
        _consume(reading, dataset.map(_Length(names.caption)), names, _row_width)
    elif kind in ("numpy", "torch") and how == "rows":
        _consume(reading, dataset.with_format(kind), names, _row_width)
    elif kind in ("numpy", "torch"):
        _consume(reading, _batches(dataset.with_format(kind)), names, _batch_width)
    elif kind == "loader":
        _consume(reading, _loader(dataset, int(how)), names, _list_width)
    else:
        raise ValueError(f"no task is called {reading.task}")


#: A piece of rows, and the name of the width column → rows and what they add to the checksum.
Look = Callable[[Any, str], tuple[int, int]]


def _consume(reading: Reading, pieces: Iterable[Any], names: Names, look: Look) -> None:
    rows = checksum = 0
    for piece in pieces:
        if not rows:
            reading.first_row()
        more, width = look(piece, names.width)
        rows += more
        checksum += width
        if reading.is_enough(rows):
            break
    reading.finish(rows, checksum)


def _batches(dataset: Any, rows: int = BATCH_ROWS) -> Iterable[Any]:
    batches: Iterable[Any] = dataset.iter(batch_size=rows)
    return batches


def _row_width(row: Any, width: str) -> tuple[int, int]:
    return 1, int(row[width])


def _batch_width(batch: Any, width: str) -> tuple[int, int]:
    return len(batch[width]), int(batch[width].sum())


def _table_width(table: pa.Table, width: str) -> tuple[int, int]:
    return table.num_rows, pc.sum(table[width]).as_py()


def _list_width(rows: list[Any], width: str) -> tuple[int, int]:
    return len(rows), sum(row[width] for row in rows)


def _caption_crc(names: Names) -> Look:
    crc = 0

    def look(table: pa.Table, _: str) -> tuple[int, int]:
        nonlocal crc
        before, crc = crc, zlib.crc32("".join(table[names.caption].to_pylist()).encode(), crc)
        return table.num_rows, crc - before

    return look


def _first_caption(names: Names) -> Look:
    """The checksum of a resumed run: the first caption's, which says at which row it began."""
    return lambda table, _: (table.num_rows, zlib.crc32(table[names.caption][0].as_py().encode()))


class _Length:
    """What is mapped: the caption's length, beside what is there."""

    def __init__(self, caption: str) -> None:
        self.caption = caption

    def __call__(self, row: Any) -> dict[str, int]:
        return {"characters": len(row[self.caption])}


def _loader(dataset: Any, workers: int) -> Iterable[Any]:
    from torch.utils.data import DataLoader

    loader: Iterable[Any] = DataLoader(dataset, batch_size=LOADER_BATCH_ROWS, num_workers=workers, collate_fn=list)
    return loader


def _save_state(reading: Reading, dataset: Any, names: Names) -> None:
    """The state after ``skip`` rows, and what row comes next, for ``resume`` to begin with."""
    dataset, rows = dataset.with_format("arrow"), 0
    pieces = iter(_batches(dataset))
    while rows < reading.skip:
        rows += next(pieces).num_rows
    state = dataset.state_dict()
    text = json.dumps(state)
    partial = reading.state.with_name(f"{os.getpid()}-{reading.state.name}")
    partial.write_text(text)
    partial.rename(reading.state)
    reading.told["state_bytes"] = len(text)
    _, checksum = _first_caption(names)(next(pieces), names.width)
    reading.finish(rows, checksum)
