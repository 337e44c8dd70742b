"""Train a small CLIP on a stream of LAION pairs, and see whether it finds the captions of pictures it never saw.

::

    python examples/train_clip.py                             # the sample, offline: two minutes on two cores
    python examples/train_clip.py relaion-art --output run    # a release, a Hub repository, a folder or a file
    python examples/train_clip.py --ddp 2                     # two processes; or torchrun … train_clip.py RELEASE

Interrupted, the same command goes on from the last checkpoint, with the losses that it would have had.
The parts are in ``small_clip/``; the one that knows of laion-dataset is ``pairs``.
Needs PyTorch and matplotlib: ``pip install "laion-dataset[train]"``.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from contextlib import ExitStack
from typing import Any

try:
    import matplotlib  # noqa: F401  # at the end of the run it would be late to say so
    import torch
except ImportError as missing:
    sys.exit(f'train_clip: it needs {missing.name}: pip install "laion-dataset[train]"')
from small_clip.checkpoint import Checkpoints
from small_clip.model import SmallClip, augment
from small_clip.options import parse_options
from small_clip.ranks import Ranks, run_ranks
from small_clip.report import Log, Stopwatch
from small_clip.retrieval import HeldOut, Retrieval, measure_retrieval
from small_clip.words import Vocabulary
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

SIZE_PX = 64
WARM_UP_UPDATES = 20
WEIGHT_DECAY = 0.2  # Radford et al. 2021, table 18


def main(arguments: list[str] | None = None) -> int:
    """Serve the sample where it is wanted, and train in one process or several. 1, and one sentence, if it fails."""
    options = parse_options(arguments, description=(__doc__ or "").split("\n")[0])
    with ExitStack() as cleanup:
        try:
            if options.release is None:
                from small_clip.loopback import serve_sample_at

                options.release = serve_sample_at(options.output, cleanup)
                options.allow_private = True
                options.filter = options.filter or "width > 0"  # without the links that are broken on purpose
            if options.ddp == 1:
                return run(options)
            run_ranks(options.ddp, run_or_exit, options)
        except (OSError, ValueError, ImportError) as error:  # every LaionError is one of these
            print(f"train_clip: {error}", file=sys.stderr)
            return 1
        except torch.multiprocessing.ProcessExitedException:
            return 1  # the rank said why
    return 0


def run_or_exit(options: argparse.Namespace) -> None:
    """What each process of ``--ddp`` does."""
    try:
        run(options)
    except (OSError, ValueError, ImportError) as error:
        print(f"train_clip: {error}", file=sys.stderr)
        sys.exit(1)


def run(options: argparse.Namespace) -> int:
    """One rank, from beginning to end: train, evaluate, report."""
    torch.set_num_threads(1)  # towers this small gain nothing from more, and the workers want the other cores
    with Ranks() as ranks:
        trained = Training(options, ranks)
        trained.train()
        counted = ranks.all_agree(trained.held_out.counted)
        if ranks.rank == 0:
            report(options, trained.log, evaluate(trained, counted))
        ranks.wait()
    return 0


class Training:
    """The state of a run, new or as the last checkpoint left it, and the loop that moves it on."""

    def __init__(self, options: argparse.Namespace, ranks: Ranks) -> None:
        from small_clip.pairs import Source, open_loader

        from laion_dataset import steps_per_epoch  # now, when the sample is served: it imports datasets

        self.options, self.ranks = options, ranks
        self.checkpoints = Checkpoints(options.output, ranks)
        source = Source(options.release, options.filter, options.folds, options.fold, SIZE_PX, options.allow_private)
        prepared = self.checkpoints.once("prepared", lambda: prepare(source, options.held_out_pairs))
        self.vocabulary = Vocabulary(prepared["tokens"])
        self.held_out = HeldOut(prepared["images"], prepared["captions"])

        torch.manual_seed(options.seed)
        self.model = SmallClip(len(self.vocabulary))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), weight_decay=WEIGHT_DECAY)
        torch.manual_seed(options.seed + 1 + ranks.rank)  # every rank augments in its own way
        images = source.training_images(ranks.rank, ranks.count, options.seed, options.window_rows)
        loader = open_loader(images, options.batch_size, options.workers)
        self.batches = steps_per_epoch(loader, options.steps_per_epoch)
        self.keeps_place = hasattr(loader, "state_dict")
        self.step = 0
        self.n_steps = options.epochs * options.steps_per_epoch
        saved = self.checkpoints.load()
        if saved is not None:
            self.load_state_dict(saved)
        self.log = Log(options.output, first_step=self.step, writes=ranks.rank == 0)

    def train(self) -> None:
        """Every step that is left. All ranks do as many, however many of their pictures could be had."""
        options = self.options
        parallel = DistributedDataParallel(self.model) if self.ranks.count > 1 else self.model
        while self.step < self.n_steps:
            watch = Stopwatch.start()
            for pixels, captions in watch.waiting(self.batches):
                self.held_out.strike(pixels)
                tokens = torch.tensor(self.vocabulary.encode(captions))
                losses = [self.update(parallel, augment(pixels), tokens, view) for view in range(options.views)]
                watch.n_images += len(pixels)
                self.log.add({"step": self.step, "loss": sum(losses) / len(losses)})
                self.step += 1
                if self.step % options.checkpoint_every == 0 or self.step == self.n_steps:
                    self.checkpoints.save(self.step, self.state_dict())
            epoch = (self.step - 1) // options.steps_per_epoch
            self.log.add({"step": self.step - 1, "epoch": epoch, **watch.summary()}, tell=not options.json)

    def update(self, parallel: torch.nn.Module, images: Tensor, tokens: Tensor, view: int) -> float:
        """One update of the weights; the loss before it."""
        done, of = self.step * self.options.views + view, self.n_steps * self.options.views
        falling = (1 + math.cos(math.pi * done / of)) / 2
        self.optimizer.param_groups[0]["lr"] = (
            self.options.learning_rate * min(1.0, (done + 1) / WARM_UP_UPDATES) * falling
        )
        loss = parallel(images, tokens)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "batches": self.batches.state_dict() if self.keeps_place else None,  # where every worker is in its rows
            "counted": self.held_out.counted,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from there."""
        self.step = saved["step"]
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["random"])
        if self.keeps_place and saved["batches"] is not None:
            self.batches.load_state_dict(saved["batches"])
        self.held_out.counted = saved["counted"]


def prepare(source: Any, held_out_pairs: int) -> dict[str, Any]:
    """What a run decides once: its vocabulary, and the pairs that it never trains on."""
    images, captions = source.held_out(held_out_pairs)
    return {"tokens": source.vocabulary().tokens, "images": images, "captions": captions}


@torch.no_grad()
def evaluate(trained: Training, counted: Tensor) -> Retrieval:
    """Retrieval among the held-out pairs that no training picture gave away."""
    trained.model.eval()
    pictures = trained.model.embed_images(trained.held_out.images[counted].float() / 255)
    kept = [
        caption for caption, is_counted in zip(trained.held_out.captions, counted.tolist(), strict=True) if is_counted
    ]
    captions = trained.model.embed_captions(torch.tensor(trained.vocabulary.encode(kept)))
    return measure_retrieval(pictures @ captions.T)


def report(options: argparse.Namespace, log: Log, retrieval: Retrieval) -> None:
    """The end of a run, for people or as JSON; and the plot."""
    plot = log.plot()
    if not options.json:
        print(f"{retrieval}\nplot: {plot}")
        return
    lines = log.lines()
    epochs = [line for line in lines if "epoch" in line]
    summary = {
        "release": options.release,
        "steps": sum("loss" in line for line in lines),
        "loss": next(line["loss"] for line in reversed(lines) if "loss" in line),
        "images_per_s": epochs[-1]["images_per_s"],
        "stall_fraction": epochs[-1]["stall_fraction"],
        "retrieval": retrieval.as_dict(),
        "plot": str(plot),
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    sys.exit(main())
