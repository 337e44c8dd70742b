"""Checkpoints that a kill cannot spoil: every rank writes its part, then one small file names the step they are all at.

::

    run/prepared.pt                      what is decided once
    run/latest.json                      {"step": 40, "ranks": 2}   written last, in one piece
    run/step-00000040-rank-0.pt          model, optimizer, random numbers, loader
    run/step-00000040-rank-1.pt

Whenever the process dies, ``latest.json`` names files that are complete. No half-written file is ever read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from small_clip.ranks import Ranks

__all__ = ["Checkpoints"]


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: made if it is missing.
        ranks: this process among the others.
    """

    def __init__(self, folder: Path, ranks: Ranks) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._ranks = folder, ranks

    def once(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What rank 0 makes at the beginning of a run, for all ranks, also when the run goes on."""
        path = self.folder / f"{name}.pt"
        if self._ranks.rank == 0 and not path.exists():
            made = make()
            _write(path, lambda file: torch.save(made, file))
        self._ranks.wait()
        found: dict[str, Any] = torch.load(path, weights_only=True)
        return found

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Keep this rank's state of a step; when it returns, all ranks' states are on disk, and older ones gone."""
        _write(self._part(step), lambda file: torch.save(state, file))
        self._ranks.wait()
        if self._ranks.rank == 0:
            latest = json.dumps({"step": step, "ranks": self._ranks.count}).encode()
            _write(self.folder / "latest.json", lambda file: file.write(latest))
            for old in self.folder.glob("step-*-rank-*.pt*"):
                if not old.name.startswith(f"step-{step:08d}-"):
                    old.unlink()
        self._ranks.wait()

    def load(self) -> dict[str, Any] | None:
        """This rank's state of the latest step that all ranks have saved; None if there is none.

        Raises:
            ValueError: the run had another number of ranks, so that no part is this rank's.
        """
        latest = self.folder / "latest.json"
        if not latest.exists():
            return None
        saved = json.loads(latest.read_text())
        if saved["ranks"] != self._ranks.count:
            raise ValueError(
                f"{self.folder} was left by {saved['ranks']} processes, and {self._ranks.count} would go on with it; "
                f"go on with {saved['ranks']}, or begin in another --output."
            )
        state: dict[str, Any] = torch.load(self._part(saved["step"]), weights_only=False)  # our own file
        return state

    def _part(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}-rank-{self._ranks.rank}.pt"


def _write(path: Path, write: Callable[[Any], Any]) -> None:
    """The whole file or none of it, also when the machine loses power."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    with unfinished.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
