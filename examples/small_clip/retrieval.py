"""Does it find the right caption? Retrieval among held-out pairs, measured against chance. Pure.

Null hypothesis: the model knows nothing about which caption belongs to which picture, so the true matching is as good
as any other, a random permutation p of the n captions. For any matrix A of merits, T = sum_i A[i, p(i)] then has

    mean  n * mean(A)        variance  sum_ij D[i, j]^2 / (n - 1),   D = A - row means - column means + mean

exactly (Hoeffding 1951, "A combinatorial central limit theorem"), and is nearly normal. z says how many standard
deviations the true matching is better than that. Merits: a pair's rank, from 0 (first) to 1 (last), picture to caption
and caption to picture averaged (chance: 0.5); and whether it is among the first k (recall@k, chance: k/n).
Equal scores share their mean rank.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["HeldOut", "Retrieval", "measure_retrieval"]

THUMBNAIL_PX = 16
NEAR_DUPLICATE = 0.8
"""Correlation of two thumbnails from which on they are one drawing in two versions (looked up in the sample: the teddy
bears with and without a bow, the lemons and limes, the three muffins; below are also a few unlike pairs)."""


@dataclass(frozen=True)
class Retrieval:
    """How well n held-out pairs find each other; ``z_…`` are standard deviations better than chance."""

    n_pairs: int
    mean_rank: float
    z_mean_rank: float
    recall_at_1: float
    recall_at_10: float
    z_recall_at_10: float

    def __str__(self) -> str:
        return (
            f"{self.n_pairs} held-out pairs: mean rank {self.mean_rank:.3f} (chance 0.5, {self.z_mean_rank:+.1f} σ), "
            f"recall@10 {self.recall_at_10:.0%} (chance {min(1, 10 / self.n_pairs):.0%}, {self.z_recall_at_10:+.1f} σ)"
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measure_retrieval(scores: Tensor) -> Retrieval:
    """Judge a square matrix of scores, pictures by captions, the true pairs on the diagonal; at least 3 pairs."""
    n = len(scores)
    by_picture, by_caption = _ranks(scores), _ranks(scores.T).T
    mean_rank, z_rank = _against_chance((by_picture + by_caption) / 2 / (n - 1))
    recall_1, _ = _against_chance(_among_first(1, by_picture, by_caption))
    recall_10, z_10 = _against_chance(_among_first(10, by_picture, by_caption))
    return Retrieval(n, mean_rank, -z_rank, recall_1, recall_10, z_10)


def _ranks(scores: Tensor) -> Tensor:
    """Of each score in its row, from 0 for the highest; equal ones share their mean."""
    mine, others = scores.unsqueeze(2), scores.unsqueeze(1)
    return (others > mine).sum(2) + ((others == mine).sum(2) - 1) / 2


def _among_first(k: int, *ranks: Tensor) -> Tensor:
    return torch.stack([(rank <= k - 0.5).double() for rank in ranks]).mean(0)


def _against_chance(merits: Tensor) -> tuple[float, float]:
    """The mean merit of the true pairs, and its z under the null hypothesis (0 where all matchings are equal)."""
    merits = merits.double()
    n = len(merits)
    centred = merits - merits.mean(0) - merits.mean(1, keepdim=True) + merits.mean()
    deviation = (centred.square().sum() / (n - 1)).sqrt()
    above = merits.diagonal().sum() - n * merits.mean()
    return float(merits.diagonal().mean()), float(above / deviation) if deviation > 1e-9 else 0.0


class HeldOut:
    """The pairs that are never trained on, less those that a training picture gives away.

    A picture that is nearly one of the training pictures says nothing about what was learned, whatever its caption:
    :meth:`strike` takes it out. ``counted`` (n,) says which pairs are left; memory is that of the held-out pairs.

    Args:
        images: uint8 (n, 3, height, width).
        captions: of the same pairs.
    """

    def __init__(self, images: Tensor, captions: list[str | None]) -> None:
        self.images, self.captions = images, captions
        self.counted = torch.ones(len(images), dtype=torch.bool)
        self._thumbnails = _thumbnails(images)

    def strike(self, trained_on: Tensor) -> None:
        """Take out the pairs whose picture is nearly one of these training pictures."""
        nearest = (self._thumbnails @ _thumbnails(trained_on).T).amax(1)
        self.counted &= nearest < NEAR_DUPLICATE


def _thumbnails(images: Tensor) -> Tensor:
    """Small, flat, of mean 0 and length 1, so that a product is a correlation."""
    small = functional.adaptive_avg_pool2d(images.float(), THUMBNAIL_PX).flatten(1)
    return functional.normalize(small - small.mean(1, keepdim=True), dim=1)
