"""What LAION publishes today: gated repositories of the Hub, one row each.

The shard names of most are not public; ``shards=None`` means: list the repository. Rows are the Hub's rounded numbers.
Repositories that were renamed or filtered in place keep their old commits, so ``renamed_since`` is the day of the first
state that may be read: the Hub's date where it is known, else the earliest such date of a sibling
(``_EARLIEST_RERELEASE``, relaion2B-en-research-safe). The two other research-safe repositories have one too: whether
they are renamed old ones, as the English one is, nobody has said. LAION took every repository down on 2023-12-19.
"""

from __future__ import annotations

from datetime import date

from laion_pairs.releases.release import Release, Status
from laion_pairs.schema import ScoreModel as Model

__all__ = ["CURRENT"]

_EARLIEST_RERELEASE = date(2024, 7, 2)
_POST = "apache-2.0 (LAION's post of 2024-08-30)"
_POST_AND_CARD = f"{_POST}; cc-by-4.0 (card of relaion2B-en-research): they disagree"

_TAGGED = {"punsafe": Model.CLIP_NSFW, "pwatermark": Model.WATERMARK}
_ENGLISH = {"similarity": Model.CLIP_B32, **_TAGGED}
_OTHER = {"similarity": Model.MCLIP, **_TAGGED}
_MERGED = {"similarity": Model.CLIP_B32_OR_MCLIP, **_TAGGED}
_V1 = {"aesthetic": Model.AESTHETIC_V1}
_V2 = {"aesthetic": Model.AESTHETIC_V2}


def shards(uuid: str, folder: str = "") -> str:
    """Spark's name of a release's shards."""
    return f"{folder}part-{{i:05d}}-{uuid}-c000.snappy.parquet"


CURRENT: tuple[Release, ...] = (
    Release(
        "relaion400m",
        "laion/relaion400m",
        Status.CURRENT,
        schema="S9",
        score_models={"similarity": Model.CLIP_B32, "nsfw": Model.CLIP_NSFW_VOTE},
        rows_text="361M (2024-07-13)",
        rows_source="the Hub's page",
        gated=True,
        former_ids=("laion/laion400m",),
        renamed_since=date(2024, 7, 13),
        note="Columns are not public: url and caption, or URL and TEXT, or img2dataset's; matched when a file is read.",
    ),
    Release(
        "relaion2B-en-research",
        "laion/relaion2B-en-research",
        Status.CURRENT,
        schema="S8",
        score_models=_ENGLISH,
        rows_text="2.16B (2024-06-05)",
        rows_source="the Hub's page",
        gated=True,
        license=_POST_AND_CARD,
        shards=shards("b31ba513-fc6b-4450-9ba4-a1bba183f408"),
        shard_count=128,
    ),
    Release(
        "relaion2B-multi-research",
        "laion/relaion2B-multi-research",
        Status.CURRENT,
        schema="S8m",
        score_models=_OTHER,
        rows_text="2.13B",
        rows_source="the Hub's page",
        gated=True,
        license=_POST,
        note="The name of the language column is not public; resolved when a file is read.",
    ),
    Release(
        "relaion1B-nolang-research",
        "laion/relaion1B-nolang-research",
        Status.CURRENT,
        schema="S8",
        score_models=_OTHER,
        rows_text="1.23B",
        rows_source="the Hub's page",
        gated=True,
        license=_POST,
        note="Columns are inferred from the English set.",
    ),
    Release(
        "relaion2B-en-research-safe",
        "laion/relaion2B-en-research-safe",
        Status.CURRENT,
        schema="S8",
        score_models=_ENGLISH,
        rows_text="2.1B (2024-07-02)",
        rows_source="the Hub's page",
        gated=True,
        license=_POST_AND_CARD,
        shards=shards("339dc23d-0869-4dc0-9390-b4036fcc80c2"),
        shard_count=128,
        former_ids=("laion/laion2B-en", "laion/laion2b-en"),
        renamed_since=date(2024, 7, 2),
        note="467 GB. The repository also holds hidden .crc files, which are no shards.",
    ),
    Release(
        "relaion2B-multi-research-safe",
        "laion/relaion2B-multi-research-safe",
        Status.CURRENT,
        schema="S8m",
        score_models=_OTHER,
        rows_text="2.06B (2024-07-03)",
        rows_source="the Hub's page",
        gated=True,
        license=_POST,
        renamed_since=date(2024, 7, 3),
        note="The name of the language column is not public; resolved when a file is read.",
    ),
    Release(
        "relaion1b-nolang-research-safe",
        "laion/relaion1b-nolang-research-safe",
        Status.CURRENT,
        schema="S8",
        score_models=_OTHER,
        rows_text="1.19B (2024-07-03)",
        rows_source="the Hub's page",
        gated=True,
        license=_POST,
        renamed_since=date(2024, 7, 3),
        note="Columns are inferred from the English set. The Hub spells it with a lower-case 1b.",
    ),
    Release(
        "laion2B-en-aesthetic",
        "laion/laion2B-en-aesthetic",
        Status.CURRENT,
        schema="S3",
        score_models={**_ENGLISH, **_V1},
        rows_text="51.9M (2024-07-13)",
        rows_source="the Hub's page",
        gated=True,
        shards=shards("9230b837-b1e0-4254-8b88-ed2976e9cee9"),
        shard_count=128,
        renamed_since=date(2024, 7, 13),
        note="Filtered in place, without a new name.",
    ),
    Release(
        "relaion2B-multi-aesthetic",
        "laion/relaion2B-multi-aesthetic",
        Status.CURRENT,
        schema="S3m",
        score_models={**_OTHER, **_V1},
        rows_text="51M",
        rows_source="LAION",
        gated=True,
        shards=shards("2ec10f02-51eb-4e2e-9b77-103ee7982d99"),
        shard_count=128,
        former_ids=("laion/laion2B-multi-aesthetic",),
        renamed_since=_EARLIEST_RERELEASE,
        note="About 8 GB in shards of about 63 MB.",
    ),
    Release(
        "relaion1B-nolang-aesthetic",
        "laion/relaion1B-nolang-aesthetic",
        Status.CURRENT,
        schema="S3",
        score_models={**_OTHER, **_V1},
        rows_text="17M",
        rows_source="LAION",
        gated=True,
        shards=shards("a718cdfa-8fa6-4f99-a950-2ffa6b13c6c4"),
        shard_count=128,
        former_ids=("laion/laion1B-nolang-aesthetic",),
        renamed_since=_EARLIEST_RERELEASE,
    ),
    Release(
        "relaion-art",
        "laion/relaion-art",
        Status.CURRENT,
        schema="S4",
        score_models={**_MERGED, **_V1},
        rows_text="1M-10M (the Hub's size class; 8M originally)",
        rows_source="the Hub's page",
        gated=True,
        original_shards="laion-art.parquet",
        former_ids=("laion/laion-art",),
        renamed_since=_EARLIEST_RERELEASE,
        note="1.29 GB. English, other languages and none in one file.",
    ),
    Release(
        "relaion-high-resolution",
        "laion/laion-high-resolution",
        Status.CURRENT,
        schema="S5",
        score_models=_MERGED,
        rows_text="166M (2024-07-14; 170M originally)",
        rows_source="the Hub's page",
        gated=True,
        original_shards=shards("5d6701c4-b238-4c0a-84e4-fe8e9daea963"),
        alternate_ids=("laion/relaion-high-resolution",),
        renamed_since=date(2024, 7, 14),
        note="Newer code uses the alternate id; the rename is inferred.",
    ),
    Release(
        "relaion-coco",
        "laion/relaion-coco",
        Status.CURRENT,
        schema="S6",
        score_models=_ENGLISH,
        rows_text="641M (2024-07-14; 600M originally)",
        rows_source="the Hub's page",
        gated=True,
        original_shards=shards("2256f782-126f-4dc6-b9c6-e6757637749d"),
        former_ids=("laion/laion-coco", "laion/LAION-COCO"),
        renamed_since=date(2024, 7, 14),
        note="234 GB. caption is the alt text; BLIP's captions are top_caption and all_captions. Pairs may repeat.",
    ),
    Release(
        "relaion-pop",
        "laion/relaion-pop",
        Status.CURRENT,
        schema="S7",
        score_models={"similarity": Model.UNSTATED, "punsafe": Model.CLIP_NSFW},
        rows_text="about 580k (600,000 originally)",
        rows_source="a comment in public code",
        gated=True,
        former_ids=("laion/laion-pop",),
        renamed_since=_EARLIEST_RERELEASE,
        note="caption is the alt text; the detailed captions are cogvlm_caption and llava_caption.",
    ),
    Release(
        "aesthetics_v2_4.5",
        "laion/aesthetics_v2_4.5",
        Status.CURRENT,
        schema="S10",
        score_models={**_ENGLISH, **_V2},
        rows_text="1.33B (2024-09-01)",
        rows_source="the Hub's activity page",
        note="Columns are inferred from the improved_aesthetics sets.",
    ),
    Release(
        "aesthetics_v2_4.75",
        "laion/aesthetics_v2_4.75",
        Status.CURRENT,
        schema="S10",
        score_models={**_ENGLISH, **_V2},
        rows_text="956M (2024-09-01)",
        rows_source="the Hub's activity page",
        note="Columns are inferred from the improved_aesthetics sets.",
    ),
)
