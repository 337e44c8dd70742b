"""From a release to batches of pixels and tokens: load, hold some pairs out, shuffle, download, collate.

The one file here that knows of laion-dataset, and the one to copy. ``datasets`` reads HF_ENDPOINT when it is imported,
so import this after the sample (:mod:`small_clip.loopback`) is served.
"""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass, replace
from typing import Any

import torch
from datasets import IterableDataset
from datasets.distributed import split_dataset_by_node
from torch.utils.data import DataLoader

import laion_dataset
from laion_pairs.schema import Predicate
from small_clip.words import Vocabulary, words_of

__all__ = ["Source", "collate", "open_loader"]

MOST_CAPTIONS = 200_000
"""Captions from which the vocabulary is made."""


@dataclass(frozen=True)
class Source:
    """Which pairs: of what release, which of them are held out, and how pictures come.

    Pairs are held out by what their caption says (every ``folds``-th value of a hash of its words), so that the many
    pairs of a release with one caption are all on one side, in every run and on every rank.

    Attributes:
        release: a release, a Hub repository, a folder or a parquet file.
        keep: a filter, as ``laion stream --filter`` takes it; "" keeps all.
        allow_private: whether pictures may live on private addresses, as the sample's do.
    """

    release: str
    keep: str
    folds: int
    fold: int
    size_px: int
    allow_private: bool

    def training_images(self, rank: int, ranks: int, seed: int, window_rows: int) -> IterableDataset:
        """The training pairs of one rank with their pictures (3, size, size), in a new order every epoch.

        ``ordered=True``: the same rows in the same order whenever the web answers the same, so that a resumed run has
        the same losses as one that was never interrupted. Without it, a slow host holds nobody up.
        """
        pairs = laion_dataset.shuffle(self._pairs(held_out=False), seed=seed, window_rows=window_rows)
        images = split_dataset_by_node(self._download(pairs), rank, ranks)
        return images.select_columns(["image", "caption"])

    def held_out(self, limit: int) -> tuple[torch.Tensor, list[str | None]]:
        """The first pairs that are never trained on: pictures uint8 (n, 3, size, size), and captions."""
        rows = list(self._download(self._pairs(held_out=True)).take(limit))
        if len(rows) < 3:
            raise ValueError(f"{self.release} has {len(rows)} held-out pairs with a picture; at least 3 are needed.")
        return torch.stack([row["image"] for row in rows]), [row["caption"] for row in rows]

    def vocabulary(self) -> Vocabulary:
        """Learnt from training captions only."""
        captions = (row["caption"] for row in self._pairs(held_out=False).take(MOST_CAPTIONS))
        return Vocabulary.learn(captions)

    def _pairs(self, *, held_out: bool) -> IterableDataset:
        pairs = laion_dataset.load_dataset(
            self.release,
            split="train",
            streaming=True,
            columns=["image", "caption"],
            filters=Predicate.parse_text(self.keep) if self.keep else None,
        )
        which = {"folds": self.folds, "fold": self.fold, "held_out": held_out}
        return pairs.filter(_is_on_side, input_columns=["caption"], fn_kwargs=which)

    def _download(self, pairs: IterableDataset) -> IterableDataset:
        policy = laion_dataset.DownloadPolicy()
        if self.allow_private:  # our own hosts: no manners needed, and no answer is worth a long wait
            policy = replace(policy, allow_private=True, host_interval_s=0.0, max_retries=0, breaker_pause_s=0.0)
        return laion_dataset.download_images(
            pairs, size=self.size_px, resize="border", decode="torch", ordered=True, policy=policy
        )


def _is_on_side(caption: str | None, folds: int, fold: int, held_out: bool) -> bool:
    key = " ".join(words_of(caption)).encode()
    return (zlib.crc32(key) % folds == fold) is held_out


def collate(rows: list[dict[str, Any]]) -> tuple[torch.Tensor, list[str | None]]:
    """Pictures uint8 (batch, 3, size, size), and captions. Runs in the workers."""
    return torch.stack([row["image"] for row in rows]), [row["caption"] for row in rows]


def open_loader(images: IterableDataset, batch_size: int, workers: int) -> Any:
    """A DataLoader whose state is exact where torchdata is installed; else one that begins its pass again."""
    options: dict[str, Any] = {"batch_size": batch_size, "num_workers": workers, "collate_fn": collate}
    options["generator"] = torch.Generator()  # or opening it, also to resume, would draw from the model's numbers
    try:
        from torchdata.stateful_dataloader import StatefulDataLoader
    except ImportError:
        warnings.warn(
            "torchdata is not installed, so a resumed run begins the pass over its data anew, and its losses differ: "
            "pip install torchdata",
            stacklevel=2,
        )
        return DataLoader(images, **options)
    return StatefulDataLoader(images, **options)
