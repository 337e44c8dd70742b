"""A stream's state names the commit that it was read at, so that a resume cannot go on in other data.

`datasets` saves where a stream is, not what it reads: when ``main`` has moved between the save and the resume, its rows
would be repeated or lost without a word. The wrapper follows `datasets`' protocol for examples iterables, which is
private: nothing else of it is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from datasets.iterable_dataset import _BaseExamplesIterable

from laion_pairs.errors import ShardError

__all__ = ["PinnedExamples"]


class PinnedExamples(_BaseExamplesIterable):  # type: ignore[misc] # datasets has no types
    """The examples of ``ex_iterable``, with ``commit`` in the state.

    Raises:
        ShardError: on iteration, when the state that was loaded is of another commit.
    """

    def __init__(self, ex_iterable: Any, commit: str) -> None:
        super().__init__()
        self.ex_iterable = ex_iterable
        self.commit = commit

    def _init_state_dict(self) -> dict[str, Any]:
        # `load_state_dict` changes the values of this dict, also when this iterable is wrapped in others
        self._state_dict = {"examples": self.ex_iterable._init_state_dict(), "commit": self.commit}
        return self._state_dict

    @property
    def iter_arrow(self) -> Any:
        return self._iter_arrow if self.ex_iterable.iter_arrow else None

    def __iter__(self) -> Iterator[Any]:
        self._check_commit()
        yield from self.ex_iterable

    def _iter_arrow(self) -> Iterator[Any]:
        self._check_commit()
        yield from self.ex_iterable._iter_arrow()

    def shuffle_data_sources(self, *arguments: Any, **options: Any) -> PinnedExamples:
        return PinnedExamples(self.ex_iterable.shuffle_data_sources(*arguments, **options), self.commit)

    def shard_data_sources(self, *arguments: Any, **options: Any) -> PinnedExamples:
        return PinnedExamples(self.ex_iterable.shard_data_sources(*arguments, **options), self.commit)

    def reshard_data_sources(self) -> PinnedExamples:
        return PinnedExamples(self.ex_iterable.reshard_data_sources(), self.commit)

    @property
    def num_shards(self) -> int:
        return int(self.ex_iterable.num_shards)

    @property
    def is_typed(self) -> bool:
        return bool(self.ex_iterable.is_typed)

    @property
    def features(self) -> Any:
        return self.ex_iterable.features

    def _check_commit(self) -> None:
        saved = self._state_dict["commit"] if self._state_dict else self.commit
        if saved != self.commit:
            raise ShardError(
                f"The state was saved at commit {saved}, but this stream reads commit {self.commit}; "
                f"load it with revision={saved!r} to resume."
            )
