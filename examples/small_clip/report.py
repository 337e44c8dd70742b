"""What a run says of itself: a line a step in ``steps.jsonl``, and a picture of losses, speed and waiting.

The **stall fraction** is the share of an epoch's time in which the model waited for data. Near 0, the model is what
limits; near 1, the data are (more workers, more ``concurrency``, or a nearer network help).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["Log", "Stopwatch"]

Item = TypeVar("Item")


@dataclass
class Stopwatch:
    """Seconds since it was made, those in which :meth:`waiting` waited for its items, and pictures that came."""

    began_s: float
    waited_s: float = 0.0
    n_images: int = 0

    @classmethod
    def start(cls) -> Stopwatch:
        """Begin now."""
        return cls(time.perf_counter())

    def waiting(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items; what ``next`` takes is waiting, what happens between is not."""
        iterator = iter(items)
        while True:
            asked_s = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.waited_s += time.perf_counter() - asked_s
            yield item

    def summary(self) -> dict[str, float]:
        """``images_per_s`` and ``stall_fraction`` until now."""
        elapsed_s = time.perf_counter() - self.began_s
        return {"images_per_s": self.n_images / elapsed_s, "stall_fraction": self.waited_s / elapsed_s}


class Log:
    """``steps.jsonl`` of one run: a line for every step, and one for every epoch.

    Args:
        first_step: of what is written from now on; lines of steps from there on, which a killed run wrote after its
            last checkpoint, are taken out.
        writes: whether this process keeps the log; one rank does.
    """

    def __init__(self, folder: Path, first_step: int, *, writes: bool = True) -> None:
        self.path, self._writes = folder / "steps.jsonl", writes
        if writes:
            kept = [line for line in self.lines() if line["step"] < first_step] if self.path.exists() else []
            self.path.write_text("".join(json.dumps(line) + "\n" for line in kept))

    def add(self, line: dict[str, Any], *, tell: bool = False) -> None:
        """One more line, which the system has when this returns; and printed, where wanted."""
        if not self._writes:
            return
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        if tell:
            loss = [past["loss"] for past in self.lines() if "loss" in past][-1]
            speed = f"{line['images_per_s']:6.1f} images/s   stalled {line['stall_fraction']:4.0%}"
            print(f"epoch {line['epoch']:3}   step {line['step'] + 1:5}   loss {loss:6.3f}   {speed}", flush=True)

    def lines(self) -> list[dict[str, Any]]:
        """All whole lines so far."""
        with self.path.open() as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def plot(self) -> Path:
        """Draw ``training.png``: the loss of every step; images/s and the stall fraction of every epoch."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        lines = self.lines()
        steps = [line for line in lines if "loss" in line]
        epochs = [line for line in lines if "stall_fraction" in line]
        figure, (losses, speed) = pyplot.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
        losses.plot([line["step"] for line in steps], [line["loss"] for line in steps])
        losses.set(xlabel="step", ylabel="loss (InfoNCE)", title="Loss")
        numbers = [line["epoch"] for line in epochs]
        speed.plot(numbers, [line["images_per_s"] for line in epochs], color="tab:blue")
        speed.set(xlabel="epoch", ylabel="images/s (line)", title="Throughput and stall fraction", ylim=(0, None))
        share = speed.twinx()
        share.bar(numbers, [line["stall_fraction"] for line in epochs], color="tab:orange", alpha=0.4)
        share.set(ylabel="time spent waiting for data (bars)", ylim=(0, 1))
        path = self.path.with_name("training.png")
        figure.savefig(path, dpi=110)
        pyplot.close(figure)
        return path
