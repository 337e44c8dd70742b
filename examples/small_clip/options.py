"""The command line of ``train_clip.py``."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["parse_options"]


def parse_options(arguments: list[str] | None, description: str) -> argparse.Namespace:
    """What was asked for; a wrong word ends with status 2 and one sentence."""
    parser = argparse.ArgumentParser(prog="train_clip", description=description)
    add = parser.add_argument
    add("release", nargs="?", help="a release, a Hub repository, a folder or a parquet file; left out: the sample")
    add("--output", type=Path, default=Path("clip-run"), help="for checkpoints, log and plot (clip-run)")
    add("--filter", default="", metavar="EXPR", help='such as "punsafe < 0.1 and width >= 256"')
    add("--epochs", type=_count, default=24)
    add("--steps-per-epoch", type=_count, default=8, help="batches an epoch, as many on every rank (8)")
    add("--batch-size", type=_count, default=32, help="pairs a batch, on each rank (32)")
    add("--views", type=_count, default=5, help="updates with each batch, augmented anew (5)")
    add("--learning-rate", type=float, default=6e-3)
    add("--workers", type=_number, default=2, help="DataLoader workers, on each rank (2)")
    add("--window-rows", type=_count, default=50_000, help="rows that are shuffled among themselves (50,000)")
    add("--folds", type=_count, default=4, help="one pair in so many is held out (4)")
    add("--fold", type=_number, default=0, help="which one (0)")
    add("--held-out-pairs", type=_count, default=1000, help="pairs to evaluate with, at most (1,000)")
    add("--seed", type=_number, default=0)
    add("--checkpoint-every", type=_count, default=8, metavar="STEPS")
    add("--ddp", type=_count, default=1, metavar="N", help="processes on this machine (1)")
    add("--allow-private", action="store_true", help="pictures may live on private addresses, such as your own")
    add("--json", action="store_true", help="print one JSON object at the end, and nothing else")
    options = parser.parse_args(arguments)
    if options.folds < 2 or options.fold >= options.folds:
        parser.error(f"--fold {options.fold} of --folds {options.folds}: take a fold from 0 on, of at least 2.")
    return options


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
