"""One shard while it is being filled: its images, the records of all its rows, its counts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from laion_pairs.images.export.durable import partial_path, publish
from laion_pairs.images.export.failed_rows import NEVER_WRITTEN
from laion_pairs.images.export.fetching import FetchedRow
from laion_pairs.images.export.naming import sample_key, shard_name
from laion_pairs.images.export.record import make_record, own_columns, record_schema
from laion_pairs.images.export.sample import Sample
from laion_pairs.images.export.settings import ExportSettings
from laion_pairs.images.export.stats import Counts, ShardStats, write_stats
from laion_pairs.images.export.writers import open_writer

__all__ = ["Shard"]

RECORDS_PER_GROUP = 1_000
"""Records that are held until a row group of them is written."""


class Shard:
    """Rows [number · shard_rows, …) of the stream, as files in ``directory`` that nobody sees before ``publish``.

    Of a row that is TAKEN_DOWN or WITHDRAWN nothing is written; it is counted. Keys number what was written, images and
    failures, one after the other in the order in which they were: not the release's rows.
    """

    def __init__(self, directory: Path, number: int, settings: ExportSettings, rows: pa.Schema) -> None:
        self.number = number
        self.asked = 0
        self.resume: Any = None
        self.counts = Counts(start_time=time.time())
        self._written = 0
        self._directory = directory
        self._settings = settings
        self._own = own_columns(rows)
        name, schema = shard_name(number), record_schema(rows)
        self._images = open_writer(directory, settings.format, name, schema)
        self._records = _RecordWriter(directory / f"{name}.parquet", schema)

    @property
    def first_row(self) -> int:
        """The index of the first row in the stream."""
        return self.number * self._settings.shard_rows

    @property
    def complete(self) -> bool:
        """Whether every row that was asked for has its outcome."""
        return self.counts.rows == self.asked

    def add(self, fetched: FetchedRow) -> None:
        """Take one row that has its outcome."""
        done, picture = fetched.done, fetched.picture
        if done.outcome not in NEVER_WRITTEN:
            key = sample_key(self.number, self._written, self._settings.shard_rows)
            record = make_record(fetched.row, self._own, key, done, picture)
            if picture is not None:
                self._images.add(Sample(key, picture, fetched.row.get("caption"), record))
                self.counts.n_bytes += len(picture.body)
            self._records.add(record)
            self._written += 1
        self.counts.outcomes[done.outcome.value] += 1
        if done.trust is not None:
            self.counts.trust[done.trust.value] += 1

    def publish(self) -> Counts:
        """Show the shard: images, then records, then the stats that mark it as finished. Returns its counts."""
        self._images.publish()
        self._records.publish()
        self.counts.end_time = time.time()
        self.counts.seconds = self.counts.end_time - self.counts.start_time
        write_stats(self._directory, ShardStats(self.number, self.first_row, self.counts, self.resume))
        return self.counts

    def abandon(self) -> None:
        """Remove what was written."""
        self._images.abandon()
        self._records.abandon()


class _RecordWriter:
    """``00000.parquet``: one record a row, whatever became of it."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._file = partial_path(path).open("wb")
        self._parquet = pq.ParquetWriter(self._file, schema)
        self._held: list[Mapping[str, Any]] = []

    def add(self, record: Mapping[str, Any]) -> None:
        self._held.append(record)
        if len(self._held) >= RECORDS_PER_GROUP:
            self._write_group()

    def publish(self) -> None:
        self._close()
        publish(self._path)

    def abandon(self) -> None:
        self._held = []
        with suppress(OSError):  # the rest of a file that is thrown away
            self._close()
        partial_path(self._path).unlink(missing_ok=True)

    def _write_group(self) -> None:
        held, self._held = self._held, []
        if held:
            self._parquet.write_table(pa.Table.from_pylist(held, self._schema))

    def _close(self) -> None:
        try:
            self._write_group()
            self._parquet.close()
        finally:
            self._file.close()
