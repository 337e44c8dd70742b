"""Stand-in for `laion_dataset.steps_per_epoch` until it is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["steps_per_epoch"]


class steps_per_epoch:  # noqa: N801
    def __init__(self, loader: Any, steps: int) -> None:
        self.loader, self.steps, self.done, self.number = loader, steps, 0, 0
        self._batches: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        empty = 0
        while self.done < self.steps:
            if self._batches is None:
                self.loader.dataset.set_epoch(self.number)
                self._batches = iter(self.loader)
            batch = next(self._batches, None)
            if batch is None:
                self._batches, self.number, empty = None, self.number + 1, empty + 1
                if empty > 1:
                    raise ValueError("two passes without a batch")
                continue
            empty = 0
            self.done += 1
            yield batch
        self.done = 0

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done, "number": self.number, "loader": self.loader.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done, self.number = state["done"], state["number"]
        self.loader.dataset.set_epoch(self.number)
        self.loader.load_state_dict(state["loader"])
