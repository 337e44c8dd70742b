"""Retrieval against chance: the formula is what permutations give, and knowing nothing is no better than chance."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch, which .ci/run installs")
pytestmark = pytest.mark.ci
sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

from small_clip.retrieval import HeldOut, _against_chance, measure_retrieval  # noqa: E402 (after the path)
from small_clip.words import Vocabulary  # noqa: E402


def test_z_is_what_random_matchings_give() -> None:
    generator = torch.Generator().manual_seed(1)
    merits = torch.rand(12, 12, generator=generator).double() + torch.eye(12).double()
    shuffled = torch.stack(
        [merits[torch.arange(12), torch.randperm(12, generator=generator)].mean() for _ in range(20_000)]
    )
    mean, z = _against_chance(merits)
    assert mean == pytest.approx(float(merits.diagonal().mean()))
    assert z == pytest.approx(float((mean - shuffled.mean()) / shuffled.std()), rel=0.02)


def test_knowing_nothing_is_chance_and_knowing_all_is_not() -> None:
    generator = torch.Generator().manual_seed(2)
    blind = [measure_retrieval(torch.randn(60, 60, generator=generator)) for _ in range(200)]
    zs = torch.tensor([found.z_mean_rank for found in blind])
    assert abs(float(zs.mean())) < 0.25  # 3.5 standard errors of 200 draws
    assert 0.8 < float(zs.std()) < 1.2
    knowing = measure_retrieval(torch.eye(60))
    assert (knowing.mean_rank, knowing.recall_at_1) == (0.0, 1.0)
    assert knowing.z_mean_rank > 3
    tied = measure_retrieval(torch.zeros(60, 60))
    assert (tied.mean_rank, tied.z_mean_rank, tied.recall_at_1) == (0.5, 0.0, 0.0)


def test_a_picture_that_training_gave_away_is_not_counted() -> None:
    images = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    held_out = HeldOut(images, ["a", "b", "c"])
    held_out.strike(torch.randint(0, 256, (5, 3, 64, 64), dtype=torch.uint8))
    assert held_out.counted.tolist() == [True, True, True]
    held_out.strike((images[1:2].float() * 0.9).to(torch.uint8))  # the same, a little darker
    assert held_out.counted.tolist() == [True, False, True]


def test_tokens_are_what_two_training_captions_share() -> None:
    vocabulary = Vocabulary.learn(["Apple Pie", "cherry-pie", None])
    assert set(vocabulary.tokens) == {"pie", "<pi", "pie>", "<pie", "ie>", "<pie>"}
    known, unknown = vocabulary.encode(["PIE!", "zebra"])
    assert all(known)
    assert unknown == [0] * len(known)
