"""The examples iterable behind `download_images`: `datasets`' private protocol, as far as a download needs it.

Private, but the same from 3.6 to 5.2: ``__iter__``, ``features``, ``is_typed``, ``_init_state_dict`` and the splitting
and shuffling of sources. It has no ``iter_arrow``: its rows are pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from datasets import Features
from datasets.iterable_dataset import _BaseExamplesIterable

from laion_pairs.images.stream.downloading import Downloading
from laion_pairs.images.stream.source_rows import RowDecoder, read_chunks
from laion_pairs.images.stream.splitting import Stride, split_source
from laion_pairs.images.stream.window import Window, window_of
from laion_pairs.streams.splitting import ShardCount, worker_count

__all__ = ["DownloadExamples"]

_EVERY_ROW = Stride()


class _State(dict[str, Any]):
    """What `datasets` keeps of us: whatever state it puts in becomes a window at once, and a copy is a state again.

    A state in place of the window would not do: 3.6 mixes the next one that is loaded into it, and it is the user's.
    """

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, Window(value) if key == "download" and not isinstance(value, Window) else value)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return deepcopy(dict(self), memo)


class DownloadExamples(_BaseExamplesIterable):  # type: ignore[misc] # datasets has no types
    """The examples of ``source`` that belong to the stride, with their images.

    How it is split among nodes and workers, so that no image is fetched twice, is said in
    :mod:`laion_pairs.images.stream.splitting`; what its state holds, in :mod:`laion_pairs.images.stream.window`.

    Args:
        source: the examples iterable of the rows; read by the thread that iterates.
        features: of the rows that come out; None where the source's are unknown.
    """

    def __init__(
        self,
        source: Any,
        downloading: Downloading,
        decoder: RowDecoder,
        features: Features | None,
        stride: Stride = _EVERY_ROW,
    ) -> None:
        super().__init__()
        self.ex_iterable = source  # the name by which `datasets` walks a chain
        self._downloading = downloading
        self._decoder = decoder
        self._features = features
        self._stride = stride

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        window = Window()
        if self._state_dict is not None:
            window = self._state_dict["download"] = window_of(self._state_dict["download"])
        chunks = read_chunks(self.ex_iterable, self._stride, self._decoder, window.source_state)
        yield from self._downloading.rows(chunks, window)

    @property
    def features(self) -> Features | None:
        return self._features

    @property
    def is_typed(self) -> bool:
        return self._features is not None

    def _init_state_dict(self) -> dict[str, Any]:
        self.ex_iterable._init_state_dict()  # so that it keeps its state, of which snapshots are taken
        self._state_dict: dict[str, Any] = _State(download=Window(), type=type(self).__name__)
        return self._state_dict

    @property
    def num_shards(self) -> int:
        """The source's shards; in a DataLoader's worker at least the number of workers, or some would get nothing."""
        return ShardCount(max(int(self.ex_iterable.num_shards), worker_count()))

    def shard_data_sources(self, num_shards: int, index: int, contiguous: bool = True) -> DownloadExamples:
        """One of ``num_shards`` parts, split below the download."""
        return self._over(*split_source(self.ex_iterable, self._stride, int(num_shards), index, contiguous))

    def shuffle_data_sources(self, generator: Any) -> DownloadExamples:
        return self._over(self.ex_iterable.shuffle_data_sources(generator), self._stride)

    def reshard_data_sources(self) -> DownloadExamples:
        return self._over(self.ex_iterable.reshard_data_sources(), self._stride)

    def _over(self, source: Any, stride: Stride) -> DownloadExamples:
        return DownloadExamples(source, self._downloading, self._decoder, self._features, stride)
