"""Sets of other projects that hold the same kind of pairs, one row for each configuration."""

from __future__ import annotations

from laion_pairs.releases.current import shards
from laion_pairs.releases.release import Release, Status
from laion_pairs.schema import ScoreModel as Model

__all__ = ["SISTERS"]

_COYO_MODELS = {
    "similarity": Model.CLIP_B32,
    "punsafe": Model.OPENNSFW2,
    "pwatermark": Model.COYO_WATERMARK,
    "aesthetic": Model.AESTHETIC_V2,
}


def _datacomp(scale: str, rows_text: str, pattern: str = "*.parquet") -> Release:
    name = f"datacomp_{scale}"
    return Release(
        name,
        f"mlfoundations/{name}",
        Status.SISTER,
        schema="S16",
        score_models={"similarity": Model.CLIP_B32},
        rows_text=rows_text,
        rows_source="github.com/mlfoundations/datacomp",
        license="cc-by-4.0",
        shards=pattern,
        note="Shards are named by 32 hexadecimal digits. similarity is B/32's; L/14's is clip_l14_similarity_score.",
    )


SISTERS: tuple[Release, ...] = (
    Release(
        "coyo-700m",
        "kakaobrain/coyo-700m",
        Status.SISTER,
        schema="S14",
        score_models=_COYO_MODELS,
        rows=746_972_269,
        rows_source="github.com/kakaobrain/coyo-dataset",
        gated=False,
        license="cc-by-4.0",
        shards=shards("17da4908-939c-46e5-91d0-15f256041956", "data/"),
        shard_count=128,
        note="similarity is ViT-B/32's and punsafe OpenNSFW2's; ViT-L/14's and GantMan's are its own columns.",
    ),
    Release(
        "coyo-labeled-300m",
        "kakaobrain/coyo-labeled-300m",
        Status.SISTER,
        schema="S15",
        rows_text="300M class",
        gated=False,
        license="cc-by-4.0",
        note="Labels instead of captions: caption is null; labels and label_probs are its own columns.",
    ),
    _datacomp("small", "12.8M"),
    _datacomp("medium", "128M"),
    _datacomp("large", "1.28B"),
    _datacomp("xlarge", "12.8B", "part_*/*.parquet"),
    _datacomp("1b", "1.4B"),
    Release(
        "cc3m",
        "google-research-datasets/conceptual_captions",
        Status.SISTER,
        schema="S17",
        rows=3_334_173,
        rows_text="3,318,333 train and 15,840 validation",
        gated=False,
        license="other",
        shards="unlabeled/*",
        splits={"train": "unlabeled/train-*", "validation": "unlabeled/val*"},
        note="Configuration unlabeled of its repository. The raw TSV has the caption first.",
    ),
    Release(
        "cc3m-labeled",
        "google-research-datasets/conceptual_captions",
        Status.SISTER,
        schema="S17l",
        rows=2_007_090,
        gated=False,
        license="other",
        shards="labeled/*",
        note="Configuration labeled of its repository. labels, MIDs and confidence_scores are its own columns.",
    ),
    Release(
        "cc12m",
        "google-research-datasets/conceptual_12m",
        Status.SISTER,
        schema="S18",
        rows=12_423_374,
        gated=False,
        license="other",
        text_location="https://storage.googleapis.com/conceptual_12m/cc12m.tsv",
        note="Published as one TSV of 2.7 GB without a header, the URL first.",
    ),
    Release(
        "sbu",
        "vicenteor/sbu_captions",
        Status.SISTER,
        schema="S19",
        rows_text="about 1M (860K in img2dataset's documentation)",
        gated=False,
        license="unknown",
        note="Published as a tar.gz of JSON (https://www.cs.rice.edu/~vo9/sbucaptions/sbu-captions-all.tar.gz), which "
        "is not read. Parquet with its columns loads, from its repository if that holds any, or by data_files.",
    ),
    Release(
        "mscoco-urls",
        "ChristophSchuhmann/MS_COCO_2017_URL_TEXT",
        Status.SISTER,
        schema="URL-TEXT",
        rows_text="about 600k",
        shards="mscoco.parquet",
        shard_count=1,
    ),
)
