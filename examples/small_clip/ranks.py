"""The processes of a run: one, several on this machine (``--ddp``), or those that torchrun started. Gloo, on CPU."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist

__all__ = ["Ranks", "run_ranks"]


class Ranks:
    """This process among the others; ``rank`` 0 of ``count`` 1 where there are none. A context manager."""

    def __enter__(self) -> Ranks:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        if self.count > 1:
            dist.init_process_group("gloo")
        return self

    def __exit__(self, *ended: object) -> None:
        if self.count > 1:
            dist.destroy_process_group()

    def wait(self) -> None:
        """Returns when every rank is here."""
        if self.count > 1:
            dist.barrier()

    def all_agree(self, flags: torch.Tensor) -> torch.Tensor:
        """The flags that are set on every rank."""
        together = flags.int()
        if self.count > 1:
            dist.all_reduce(together, dist.ReduceOp.MIN)
        return together.bool()


def run_ranks(count: int, train: Callable[..., None], *arguments: Any) -> None:
    """Run ``train(*arguments)`` in so many new processes, and wait.

    Raises:
        ProcessExitedException: one of them ended with another status than 0; the others were ended then.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), WORLD_SIZE=str(count))
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.multiprocessing.spawn(_run_rank, (train, arguments), nprocs=count)  # type: ignore[no-untyped-call]


def _run_rank(rank: int, train: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    os.environ["RANK"] = str(rank)
    train(*arguments)
