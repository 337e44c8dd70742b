"""`steps_per_epoch`: epochs of a fixed number of batches, so that all ranks of a training end them together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from laion_pairs.errors import PolicyError, ShardError

__all__ = ["Steps", "steps_per_epoch"]

Batch = TypeVar("Batch")


def steps_per_epoch(loader: Iterable[Batch], steps: int) -> Steps[Batch]:
    """Epochs of exactly ``steps`` batches each, on every rank, whatever becomes of a rank's rows.

    Links die, so ranks that began with equally many rows end with different numbers of batches, and the first one to
    end would leave the others waiting in an all-reduce forever. Here nobody ends early: a rank whose rows run out goes
    on with the next pass over the loader, and one that has rows left goes on with them in the next epoch. No message
    between ranks is needed for it. Each pass is in the order of its own number: ``set_epoch`` is called on the loader's
    dataset, or its sampler, where it has that; leave that to this function. Passes are counted by each rank for itself.

    With torch's ``Join`` (``with Join([model]):``) instead, every row of a pass is used once and ranks that are done
    shadow the others' all-reduces. Take it for evaluation, or where a pass must be exactly the data; it needs all
    collectives to be known to it (DistributedDataParallel's are), while fixed steps suit any training, schedules of the
    learning rate that count steps, and data of which a pass is never finished.

    Args:
        loader: a DataLoader, torchdata's StatefulDataLoader, a stream, or anything else that can be iterated again.
        steps: batches in an epoch: for a pass an epoch, about rows / (ranks × batch size).

    Returns:
        What gives ``steps`` batches each time it is iterated. Where the loader has ``state_dict()``, it has one too:
        taken after any batch, in a new process the next iteration gives the batches that were left of that epoch.

    Raises:
        PolicyError: ``steps`` is no number of at least 1, or the loader cannot be iterated again.
        ShardError: on iteration, when a whole pass has no batch.

    >>> batches = steps_per_epoch(torch.utils.data.DataLoader(images, batch_size=64, num_workers=4), 1000)
    >>> for epoch in range(10):
    ...     for batch in batches: ...
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise PolicyError(f"steps must be a whole number of at least 1, got {steps!r}.")
    if not isinstance(loader, Iterable) or isinstance(loader, Iterator):
        raise PolicyError(
            f"steps_per_epoch needs what can be iterated again and again, and got {type(loader).__name__}; "
            "give it the loader itself, not iter(loader)."
        )
    return Steps(loader, steps)


class Steps(Generic[Batch]):
    """Gives ``steps`` batches each time it is iterated, from one pass over the loader after another.

    Left early, an epoch is over: the next iteration gives a whole one, beginning where this one was left.
    """

    def __init__(self, loader: Iterable[Batch], steps: int) -> None:
        self._loader, self._steps = loader, steps
        self._pass = int(getattr(self._dataset, "epoch", 0))
        self._batches: Iterator[Batch] | None = None
        self._n_done = 0  # batches of this epoch that were given
        self._is_resumed = False  # then the epoch that was saved is finished first, and its pass may have no batch left

    def __len__(self) -> int:
        return self._steps

    def __iter__(self) -> Iterator[Batch]:
        if not self._is_resumed:
            self._n_done = 0
        while self._n_done < self._steps:
            batch = self._next()
            self._n_done += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Where the steps are: the loader's state, the pass, and how many steps of the epoch are done.

        Raises:
            PolicyError: the loader has no state.
        """
        return {"loader": self._stateful("state_dict")(), "pass": self._pass, "step": self._n_done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken: the next iteration gives what is left of that epoch.

        Raises:
            PolicyError: the loader has no state.
        """
        load = self._stateful("load_state_dict")
        self._pass, self._n_done, self._batches = state["pass"], state["step"] % self._steps, None
        self._is_resumed = True
        self._set_epoch()  # before the state is read, for `datasets` passes over a state of another epoch
        load(state["loader"])

    def _next(self) -> Batch:
        """The next batch, of the next pass if this one is over."""
        is_new = False
        while True:
            if self._batches is None:
                is_new = not self._is_resumed
                self._is_resumed = False
                self._batches = iter(self._loader)
            for batch in self._batches:
                return batch
            if is_new:
                raise ShardError(
                    "The loader gave no batch in a whole pass, so that no step can be made; "
                    "see in the ledger why its rows were dropped, and whether this rank was given any."
                )
            self._batches = None
            self._pass += 1
            self._set_epoch()

    def _set_epoch(self) -> None:
        for part in (
            self._dataset,
            getattr(self._loader, "sampler", None),
            getattr(self._loader, "batch_sampler", None),
        ):
            if callable(set_epoch := getattr(part, "set_epoch", None)):
                set_epoch(self._pass)

    @property
    def _dataset(self) -> Any:
        return getattr(self._loader, "dataset", self._loader)

    def _stateful(self, name: str) -> Any:
        method = getattr(self._loader, name, None)
        if method is None:
            raise PolicyError(
                f"A {type(self._loader).__name__} has no {name}; use torchdata's StatefulDataLoader to save and resume."
            )
        return method
