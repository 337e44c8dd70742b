"""What decides the order of a stream's rows, as one line of text: ``seed=0 window_rows=50000 epoch=5ab1… part=1/4``.

The text is what random numbers are drawn for (:mod:`laion_pairs.streams.chance`), and it stands in every state, so that
a state of another order is refused instead of repeating and losing rows. Pure.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from laion_pairs.errors import PolicyError
from laion_pairs.streams.chance import generator

__all__ = ["Order", "checked_seed"]


@dataclass(frozen=True, slots=True)
class Order:
    """The order of the rows of a stream, or of a part of it.

    Attributes:
        seed: the user's.
        options: what else the user chose that the order depends on.
        epoch: of each generator that `datasets` shuffled with, its next number; empty in epoch 0.
        part: ``1/4`` for the second of four, and for a part of a part ``1/4,0/2``; empty for the whole stream.
    """

    seed: int
    options: str
    epoch: str = ""
    part: str = ""

    def __str__(self) -> str:
        epoch = f" epoch={self.epoch}" if self.epoch else ""
        part = f" part={self.part}" if self.part else ""
        return f"seed={self.seed} {self.options}{epoch}{part}"

    def first_generator(self) -> np.random.Generator:
        """What `datasets` 3.6 passes to ``shuffle_data_sources`` in epoch 0, where later versions pass nothing."""
        return generator(f"epoch 0 of seed={self.seed} {self.options}")

    def in_epoch(self, shuffled_with: np.random.Generator) -> Order:
        """The order that a generator of `datasets` makes of it; itself in epoch 0."""
        if shuffled_with.bit_generator.state == self.first_generator().bit_generator.state:
            return self
        number = int(deepcopy(shuffled_with.bit_generator).random_raw())
        return replace(self, epoch=f"{self.epoch}{'.' if self.epoch else ''}{number:016x}")

    def of_part(self, parts: int, index: int) -> Order:
        """The order of one of several parts; of the only one, the whole's."""
        if parts == 1:
            return self
        return replace(self, part=f"{self.part}{',' if self.part else ''}{index}/{parts}")

    def check(self, saved: Any) -> None:
        """Raise a PolicyError unless ``saved`` is the order of a state that belongs here."""
        if saved != str(self):
            raise PolicyError(
                f"The state was saved by a stream with the order [{saved}], but this one has [{self}]; "
                "give it the same seed, options, epoch and number of nodes and workers, or begin anew."
            )


def checked_seed(seed: Any) -> int:
    """The seed, if it is one.

    Raises:
        PolicyError: it is no whole number from 0 on.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise PolicyError(f"seed must be a whole number from 0 on, got {seed!r}.")
    return int(seed)
