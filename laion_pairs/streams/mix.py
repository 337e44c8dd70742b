"""What mixed streams have in common, whether their rows come in tables or one by one: sources, order and splitting.

Every source is split among nodes and workers, and put in the order of an epoch, by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from datasets import Features
from numpy.typing import NDArray

from laion_pairs.streams.chance import generator
from laion_pairs.streams.draws import draw_sources
from laion_pairs.streams.order import Order
from laion_pairs.streams.sources import shuffled_source
from laion_pairs.streams.splitting import ShardCount

__all__ = ["Mix", "Mixed"]

AnyMixed = TypeVar("AnyMixed", bound="Mixed")


@dataclass(frozen=True)
class Mix:
    """How the rows of several sources are mixed.

    Attributes:
        weights: one a source; 0 leaves it out.
        stops_at_first: whether the mix ends when a source is drawn that has no row left; else when none has.
        features: of the rows of all sources; None where unknown.
    """

    weights: tuple[float, ...]
    stops_at_first: bool
    features: Features | None
    order: Order

    def draw(self, first: int, ended: Collection[int]) -> NDArray[np.int64]:
        """The sources of draw number ``first`` and of some after it, when ``ended`` have no row left."""
        return draw_sources(f"{self.order} draws", first, self.weights, ended)

    def is_over(self, ended: Collection[int]) -> bool:
        """Whether no row comes any more."""
        return bool(ended and self.stops_at_first) or not any(
            weight and source not in ended for source, weight in enumerate(self.weights)
        )


class Mixed:
    """The part of an examples iterable that is the same for all mixes."""

    def __init__(self, sources: Sequence[Any], mix: Mix) -> None:
        self.ex_iterables = list(sources)  # the name by which `datasets` walks a chain
        self._mix = mix

    @property
    def num_shards(self) -> int:
        """What the source with the fewest shards can be divided into."""
        counts = [source.num_shards for source in self.ex_iterables]
        limits = [count for count in counts if not isinstance(count, ShardCount)]
        fewest: int = min(limits or counts, key=int)
        return fewest

    def shard_data_sources(self: AnyMixed, num_shards: int, index: int, contiguous: bool = True) -> AnyMixed:
        """One of ``num_shards`` parts. Where there are more of these than shards, the last ones are without rows."""
        shards, order = self.num_shards, self._mix.order.of_part(int(num_shards), index)
        n_parts = int(shards if shards < num_shards else num_shards)
        if index >= n_parts:
            return type(self)(
                self.ex_iterables, replace(self._mix, order=order, weights=(0.0,) * len(self._mix.weights))
            )
        parts = [source.shard_data_sources(n_parts, index, contiguous=contiguous) for source in self.ex_iterables]
        return type(self)(parts, replace(self._mix, order=order))

    def shuffle_data_sources(self: AnyMixed, shuffled_with: np.random.Generator) -> AnyMixed:
        """The mix of another epoch; itself in epoch 0."""
        order = self._mix.order.in_epoch(shuffled_with)
        if order == self._mix.order:
            return self
        sources = [
            shuffled_source(source, generator(f"{order} source={number}"))
            for number, source in enumerate(self.ex_iterables)
        ]
        return type(self)(sources, replace(self._mix, order=order))

    def reshard_data_sources(self: AnyMixed) -> AnyMixed:
        """The same mix, of sources with as many shards as they can have."""
        return type(self)([source.reshard_data_sources() for source in self.ex_iterables], self._mix)
