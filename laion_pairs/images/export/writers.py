"""Where the images of one shard go: a tar, a parquet file, or a folder. All of them bounded in memory.

Each writes under a hidden name (:mod:`durable`) until ``publish``; ``abandon`` leaves nothing behind.

=============  ==========================  ===========================================================================
format         in the output folder        what reads it
=============  ==========================  ===========================================================================
``webdataset``  ``00000.tar``              webdataset, open_clip, img2dataset's readers: of each sample KEY.jpg,
                                           KEY.txt, KEY.json, one after the other
``parquet``     ``data/00000.parquet``     ``datasets.load_dataset``, pandas: the record's columns after ``image``, an
                                           ``Image`` column with the bytes inside
``files``       ``00000/``                 people: KEY.jpg, KEY.txt, KEY.json
=============  ==========================  ===========================================================================

Samples stand in the order in which they were had.
"""

from __future__ import annotations

import tarfile
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from laion_pairs.images.export.durable import partial_path, publish, remove
from laion_pairs.images.export.sample import Sample
from laion_pairs.images.export.settings import Format

__all__ = ["FilesWriter", "ImageWriter", "ParquetWriter", "TarWriter", "WebdatasetWriter", "image_path", "open_writer"]

ROWS_PER_GROUP = 100
"""Of images, in one row group: what ``datasets`` reads at once. As it writes image datasets itself."""

BYTES_PER_GROUP = 16 * 2**20
"""Of images that a parquet writer holds until a row group is written."""


class ImageWriter(ABC):
    """Takes the samples of one shard."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def add(self, sample: Sample) -> None:
        """Write one sample."""

    @abstractmethod
    def close(self) -> None:
        """Write what is left; idempotent."""

    def publish(self) -> None:
        """Close, and show the whole shard under its name."""
        self.close()
        publish(self.path)

    def abandon(self) -> None:
        """Remove what was written, also on a disk on which nothing more can be written."""
        with suppress(OSError):  # the rest of a file that is thrown away
            self.close()
        remove(partial_path(self.path))


class TarWriter:
    """Samples as members of a tar: plain ``ustar``, the same bytes for the same samples on every machine.

    Nothing is held back: what was added has been given to ``file``. A tar without its end, which :meth:`end` writes, is
    an error to its readers; so it must not be written when something went wrong.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def add(self, sample: Sample) -> None:
        """Write the sample's files, one after the other."""
        for name, content in sample.files():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            self._file.write(member.tobuf(tarfile.USTAR_FORMAT))
            self._file.write(content)
            self._file.write(bytes(-len(content) % tarfile.BLOCKSIZE))

    def end(self) -> None:
        """Write the two empty blocks that end a tar."""
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))


class WebdatasetWriter(ImageWriter):
    """``00000.tar``."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = partial_path(path).open("wb")
        self._tar = TarWriter(self._file)

    def add(self, sample: Sample) -> None:
        self._tar.add(sample)

    def close(self) -> None:
        if not self._file.closed:
            with self._file:
                self._tar.end()


class FilesWriter(ImageWriter):
    """``00000/``."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._folder = partial_path(path)
        self._folder.mkdir()

    def add(self, sample: Sample) -> None:
        for name, content in sample.files():
            (self._folder / name).write_bytes(content)

    def close(self) -> None:
        pass


class ParquetWriter(ImageWriter):
    """``data/00000.parquet``, with the features that ``datasets`` reads."""

    def __init__(self, path: Path, records: pa.Schema) -> None:
        super().__init__(path)
        path.parent.mkdir(exist_ok=True)
        features = datasets.Features({"image": datasets.Image(), **datasets.Features.from_arrow_schema(records)})
        self._schema = features.arrow_schema
        self._file = partial_path(path).open("wb")
        texts = [field.name for field in records]
        self._parquet = pq.ParquetWriter(self._file, self._schema, use_dictionary=texts, write_statistics=texts)
        self._rows: list[dict[str, Any]] = []
        self._n_bytes = 0

    def add(self, sample: Sample) -> None:
        path = f"{sample.key}.{sample.picture.extension}"
        self._rows.append({"image": {"bytes": sample.picture.body, "path": path}, **sample.record})
        self._n_bytes += len(sample.picture.body)
        if len(self._rows) >= ROWS_PER_GROUP or self._n_bytes >= BYTES_PER_GROUP:
            self._write_group()

    def _write_group(self) -> None:
        rows, self._rows, self._n_bytes = self._rows, [], 0
        if rows:
            self._parquet.write_table(pa.Table.from_pylist(rows, self._schema))

    def close(self) -> None:
        try:
            self._write_group()
            self._parquet.close()
        finally:
            self._file.close()


def image_path(directory: Path, format: Format, name: str) -> Path:
    """Where the images of the shard ``name`` lie."""
    places = {"webdataset": f"{name}.tar", "parquet": f"data/{name}.parquet", "files": name}
    return directory / places[format]


def open_writer(directory: Path, format: Format, name: str, records: pa.Schema) -> ImageWriter:
    """A writer for the images of the shard ``name``."""
    path = image_path(directory, format, name)
    if format == "webdataset":
        return WebdatasetWriter(path)
    return FilesWriter(path) if format == "files" else ParquetWriter(path, records)
