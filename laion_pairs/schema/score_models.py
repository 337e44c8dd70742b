"""Which model made a score. The same column name means different things in different releases.

``aesthetic`` is V1's in laion-aesthetic and V2's in aesthetics_v2; ``similarity`` is ViT-B/32's for English and mCLIP's
for the rest. The catalogue names the model of every score, and a recipe refuses scores of another model than its own.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["ScoreModel"]


class ScoreModel(str, Enum):
    """A model whose scores are published. ``model.value`` is its short name, ``model.meaning`` what it is."""

    meaning: str
    source: str

    def __new__(cls, value: str, meaning: str, source: str) -> ScoreModel:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.source = source
        return member

    CLIP_B32 = ("clip-vit-b-32", "cosine of OpenAI CLIP ViT-B/32 embeddings", "laion.ai: laion-5b")
    CLIP_L14 = ("clip-vit-l-14", "cosine of OpenAI CLIP ViT-L/14 embeddings", "laion.ai: laion-5b")
    MCLIP = ("mclip", "cosine of multilingual mCLIP embeddings, for other languages and for none", "laion.ai: laion-5b")
    CLIP_B32_OR_MCLIP = (
        "clip-vit-b-32-or-mclip",
        "CLIP ViT-B/32 for English rows and mCLIP for the others; the file does not say which made a row's score",
        "laion.ai: laion-5b",
    )
    CLIP_NSFW_VOTE = (
        "clip-nsfw-vote",
        "zero-shot CLIP ViT-B/32: how many of the two best categories are unsafe (UNLIKELY 0, UNSURE 1, NSFW 2)",
        "laion.ai: laion-400-open-dataset",
    )
    CLIP_NSFW = (
        "clip-based-nsfw-detector",
        "LAION's CLIP-based-NSFW-Detector, a head on CLIP ViT-L/14 embeddings",
        "github.com/LAION-AI/CLIP-based-NSFW-Detector",
    )
    WATERMARK = (
        "laion-watermark",
        "LAION's watermark detector, EfficientNet-B3a with an MLP, softmax[0]",
        "github.com/LAION-AI/LAION-5B-WatermarkDetection",
    )
    AESTHETIC_V1 = (
        "aesthetic-v1",
        "linear head on CLIP ViT-L/14, sa_0_4_vit_l_14_linear.pth",
        "github.com/LAION-AI/aesthetic-predictor",
    )
    AESTHETIC_V2 = (
        "aesthetic-v2",
        "linear head on CLIP ViT-L/14, sac+logos+ava1-l14-linearMSE.pth",
        "github.com/christophschuhmann/improved-aesthetic-predictor",
    )
    OPENNSFW2 = ("opennsfw2", "OpenNSFW2's probability", "github.com/kakaobrain/coyo-dataset")
    COYO_WATERMARK = ("coyo-watermark", "COYO's watermark score", "github.com/kakaobrain/coyo-dataset")
    UNSTATED = ("unstated", "the publisher does not name the model", "")

    def __str__(self) -> str:
        return str(self.value)
