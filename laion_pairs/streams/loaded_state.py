"""A stream into which a state was loaded has that state, also before a row of it is read.

`datasets`, 3.6 to 5.2, tells the state of the beginning until then. A DataLoader's worker that is resumed says where it
is before it gives a batch; a checkpoint of that moment would make it begin anew, and its rows would come twice.
Every ``map``, ``with_format`` or ``split_dataset_by_node`` makes another ``datasets.IterableDataset``, so there is no
class of ours in which it could be put right: that one method is replaced.
"""

from __future__ import annotations

from copy import deepcopy
from functools import wraps
from typing import Any

import datasets

__all__ = ["keep_loaded_states"]


def keep_loaded_states() -> None:
    """Have ``state_dict()`` give what ``load_state_dict()`` was given, until the stream goes on from there."""
    load = datasets.IterableDataset.load_state_dict
    if getattr(load, "keeps_state", False):
        return

    @wraps(load)
    def load_and_keep(self: Any, state_dict: dict[str, Any]) -> None:
        load(self, state_dict)
        self._state_dict = deepcopy(state_dict)

    load_and_keep.keeps_state = True  # type: ignore[attr-defined]
    datasets.IterableDataset.load_state_dict = load_and_keep
