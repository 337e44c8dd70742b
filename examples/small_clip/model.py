"""A CLIP small enough for two CPU cores: a convolutional image tower, a bag of words and a learned temperature.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision"; only the towers are
smaller. 0.2 million weights, because the sample has about 230 pictures to learn from.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["SmallClip", "augment"]

CHANNELS = (16, 32, 48, 64)
MAX_LOGIT_SCALE = 100.0
"""The clip on the learned scale, as in Radford et al. §2.5."""

FIRST_TEMPERATURE = 0.1
"""Radford et al. begin at 0.07, with batches of 32,768."""

WORD_DROPOUT, FEATURE_DROPOUT = 0.3, 0.2


class SmallClip(nn.Module):
    """Pictures and captions to unit vectors of ``dimensions``; called with a batch of both, the loss.

    Args:
        n_tokens: the size of the vocabulary; token 0 is padding.
    """

    def __init__(self, n_tokens: int, dimensions: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *CHANNELS), CHANNELS, strict=False):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(8, after), nn.GELU()]
        self.convolutions = nn.Sequential(*layers)
        self.image_head = nn.Sequential(nn.Dropout(FEATURE_DROPOUT), nn.Linear(2 * CHANNELS[-1], dimensions))
        self.tokens = nn.EmbeddingBag(n_tokens, dimensions, mode="mean", padding_idx=0)
        self.text_head = nn.Sequential(nn.Dropout(FEATURE_DROPOUT), nn.Linear(dimensions, dimensions))
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / FIRST_TEMPERATURE)))

    def embed_images(self, images: Tensor) -> Tensor:
        """Pictures (batch, 3, height, width) of 0 to 1 as unit vectors (batch, dimensions)."""
        found = self.convolutions((images - 0.8) / 0.3)  # mean and deviation of drawings on white
        pooled = torch.cat([found.mean((2, 3)), found.amax((2, 3))], dim=1)
        return functional.normalize(self.image_head(pooled), dim=1)

    def embed_captions(self, tokens: Tensor) -> Tensor:
        """Captions as token ids (batch, longest), padded with 0, as unit vectors (batch, dimensions)."""
        if self.training:
            tokens = torch.where(torch.rand(tokens.shape) < WORD_DROPOUT, 0, tokens)
        return functional.normalize(self.text_head(self.tokens(tokens)), dim=1)

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        """The symmetric InfoNCE loss: cross entropy of picking the right caption, and the right picture, averaged."""
        scale = self.log_scale.exp().clamp(max=MAX_LOGIT_SCALE)
        logits = scale * self.embed_images(images) @ self.embed_captions(tokens).T
        right = torch.arange(len(images))
        return (functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)) / 2


def augment(images: Tensor) -> Tensor:
    """Each picture mirrored or not, turned, scaled, moved and tinted a little, on white; uint8 in, 0 to 1 out."""
    n = len(images)
    pictures = images.float() / 255
    pictures = torch.where(torch.rand(n, 1, 1, 1) < 0.5, pictures.flip(3), pictures)
    scale = torch.empty(n).uniform_(0.7, 1.15)
    angle = torch.empty(n).uniform_(-0.2, 0.2)  # radians
    move_x, move_y = torch.empty(2, n).uniform_(-0.15, 0.15)
    rows = [scale * angle.cos(), -scale * angle.sin(), move_x], [scale * angle.sin(), scale * angle.cos(), move_y]
    transform = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    grid = functional.affine_grid(transform, list(pictures.shape), align_corners=False)
    moved = functional.grid_sample(pictures - 1, grid, align_corners=False) + 1  # what comes in from outside is white
    return moved * torch.empty(n, 3, 1, 1).uniform_(0.85, 1.15)
