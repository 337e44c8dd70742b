"""What was taken down, one row for each repository: known so that it is recognised and refused, never loaded.

LAION withdrew its repositories on 2023-12-19. Nothing here is loaded whatever the Hub answers, mirrors included. The
licence of the LAION-400M and LAION-5B metadata was CC-BY-4.0; the images are under their own copyright.
"""

from __future__ import annotations

from typing import Any

from laion_pairs.releases.current import shards
from laion_pairs.releases.release import Kind, Release, Status
from laion_pairs.schema import ScoreModel as Model

__all__ = ["WITHDRAWN"]

_CC_BY = "cc-by-4.0"
_COUNTS = "laion.ai: laion-translated"
_V2_SIZES = "laion.ai: laion-aesthetics"
_EN, _MULTI, _NOLANG = "relaion2B-en-research-safe", "relaion2B-multi-research-safe", "relaion1b-nolang-research-safe"

_VOTE = {"nsfw": Model.CLIP_NSFW_VOTE}
_TAGGED = {"punsafe": Model.CLIP_NSFW, "pwatermark": Model.WATERMARK}
_B32 = {"similarity": Model.CLIP_B32}
_MCLIP = {"similarity": Model.MCLIP}
_V1 = {"aesthetic": Model.AESTHETIC_V1}
_V2 = {"aesthetic": Model.AESTHETIC_V2}


def _laion(name: str, schema: str | None, **facts: Any) -> Release:
    facts.setdefault("license", _CC_BY)
    return Release(name, f"laion/{name}", Status.WITHDRAWN, schema=schema, **facts)


def _shards(uuid: str, count: int = 128) -> dict[str, Any]:
    return {"shards": shards(uuid), "shard_count": count}


def _md5(name: str, replacement: str) -> Release:
    note = "Holds URL, TEXT and md5; its other columns are not known."
    return _laion(name, None, replacement=replacement, note=note)


def _tags(name: str, schema: str, models: dict[str, Model], replacement: str, note: str) -> Release:
    return _laion(name, schema, kind=Kind.TAGS, score_models=models, replacement=replacement, note=note)


def _improved(threshold: str, rows_text: str, replacement: str, **facts: Any) -> Release:
    """A set of Christoph Schuhmann's: English pairs with an aesthetic V2 score of at least ``threshold``."""
    name = f"improved_aesthetics_{threshold}plus"
    models = {**_B32, **_TAGGED, **_V2}
    facts = {"rows_source": _V2_SIZES, "rows_text": rows_text, "replacement": replacement, **facts}
    return Release(name, f"ChristophSchuhmann/{name}", Status.WITHDRAWN, schema="S10", score_models=models, **facts)


_SAFETY = "prediction is punsafe, by hash."
_WATERMARK = "pwatermark, by hash."
_NOLANG_WATERMARK = "pwatermark, by hash; missing tags were filled with 0.5."
_AESTHETIC = "An aesthetic score by hash; which model's is not stated."
_UNSTATED = {"aesthetic": Model.UNSTATED}
_NESTED = "; the sets nest: add filters=[('aesthetic', '>=', {})]"

WITHDRAWN: tuple[Release, ...] = (
    # raw: width and height are swapped in these files
    _laion(
        "laion400m",
        "S1",
        score_models={**_B32, **_VOTE},
        rows_text="413M unique",
        rows_source="laion.ai: laion-400-open-dataset",
        **_shards("5b54c5d5-bbcf-484d-a2ce-0d6f73df1a36", 32),
        mirrors=(
            "the-eye.eu/public/AI/cah/laion400m-met-release/laion400m-meta/",
            "deploy.laion.ai/8f83b608504d46bb81708ec86e912220/dataset/",
        ),
        replacement="relaion400m",
        note="50 GB. Kaggle has a copy too.",
    ),
    _laion(
        "laion2B-en",
        "S1",
        score_models={**_B32, **_VOTE},
        rows_text="2.32B",
        **_shards("5114fd87-297e-42b0-9d11-50f1df323dfa"),
        mirrors=("hf://datasets/danielz01/laion-5b", "hf://datasets/cat-state/laion2B-en"),
        replacement=_EN,
    ),
    _laion(
        "laion2B-multi",
        "S1m",
        score_models={**_MCLIP, **_VOTE},
        rows=2_266_193_302,
        rows_source=_COUNTS,
        **_shards("fc82da14-99c9-4ff6-ab6a-ac853ac82819"),
        replacement=_MULTI,
    ),
    _laion(
        "laion1B-nolang",
        "S1",
        score_models={**_MCLIP, **_VOTE},
        rows=1_260_048_307,
        rows_text="1,260,048,307 (1.27B in the paper)",
        rows_source=_COUNTS,
        **_shards("d6a94da9-d368-4d5b-9ab7-3f6d3c7abdb3"),
        replacement=_NOLANG,
    ),
    # joined with the tags: width and height are right from here on
    _laion(
        "laion2B-en-joined",
        "S2",
        score_models={**_B32, **_TAGGED},
        rows_text="as laion2B-en",
        **_shards("4cfd6e30-f032-46ee-9105-8696034a8373"),
        replacement=_EN,
    ),
    _laion(
        "laion2B-multi-joined",
        "S2m",
        score_models={**_MCLIP, **_TAGGED},
        rows_text="as laion2B-multi",
        **_shards("fcd86c9b-36f4-49ff-bea1-8c9a0e029fb7"),
        replacement=_MULTI,
    ),
    _laion(
        "laion1B-nolang-joined",
        "S2",
        score_models={**_MCLIP, **_TAGGED},
        rows_text="as laion1B-nolang",
        **_shards("4852663c-9585-44b0-9a45-f95c2b89c792"),
        replacement=_NOLANG,
    ),
    _md5("laion2B-en-md5", _EN),
    _md5("laion2B-multi-md5", _MULTI),
    _md5("laion1B-nolang-md5", _NOLANG),
    _tags("laion2B-en-safety", "S11s", {"punsafe": Model.CLIP_NSFW}, _EN, _SAFETY),
    _tags("laion2B-multi-safety", "S11s", {"punsafe": Model.CLIP_NSFW}, _MULTI, _SAFETY),
    _tags("laion1B-nolang-safety", "S11s", {"punsafe": Model.CLIP_NSFW}, _NOLANG, _SAFETY),
    _tags("laion2B-en-watermark", "S11w", {"pwatermark": Model.WATERMARK}, _EN, _WATERMARK),
    _tags("laion2B-multi-watermark", "S11w", {"pwatermark": Model.WATERMARK}, _MULTI, _WATERMARK),
    _tags("laion1B-nolang-watermark", "S11w", {"pwatermark": Model.WATERMARK}, _NOLANG, _NOLANG_WATERMARK),
    _tags("laion2B-en-aesthetic-tags", "S11a", _UNSTATED, "laion2B-en-aesthetic", _AESTHETIC),
    _tags("laion2B-multi-aesthetic-tags", "S11a", _UNSTATED, "relaion2B-multi-aesthetic", _AESTHETIC),
    _tags("laion1B-nolang-aesthetic-tags", "S11a", _UNSTATED, "relaion1B-nolang-aesthetic", _AESTHETIC),
    _laion(
        "laion5B-watermark-safety-ordered",
        "S12",
        kind=Kind.KEY_VALUE,
        score_models=_TAGGED,
        rows_text="5.85B",
        replacement=_EN,
        note="Binary: int64 hash -> float16 pwatermark, float16 punsafe. The multi and nolang sets carry them too.",
    ),
    _laion(
        "laion5B-aesthetic-tags-kv",
        "S12",
        kind=Kind.KEY_VALUE,
        score_models=_UNSTATED,
        rows_text="5.85B",
        replacement="laion2B-en-aesthetic",
        note="Binary: int64 hash -> float16 aesthetic score. The multi and nolang aesthetic sets carry them too.",
    ),
    _laion(
        "laion2B-multi-aesthetic",
        "S3m",
        score_models={**_MCLIP, **_TAGGED, **_V1},
        rows_text="51M",
        rows_source="LAION",
        **_shards("41ee6475-31c6-4d39-960e-7dbbe96bc95b"),
        replacement="relaion2B-multi-aesthetic",
    ),
    _laion(
        "laion1B-nolang-aesthetic",
        "S3",
        score_models={**_MCLIP, **_TAGGED, **_V1},
        rows_text="17M",
        rows_source="LAION",
        **_shards("604e83c4-a4f2-460a-8aae-1c0fa1d4f6d5"),
        replacement="relaion1B-nolang-aesthetic",
    ),
    _improved("4.5", "1.2B", "aesthetics_v2_4.5"),
    _improved("4.75", "939M", "aesthetics_v2_4.75"),
    _improved("5", "600M", "aesthetics_v2_4.75", note=f"The replacement is larger{_NESTED.format(5)}."),
    _improved("6", "12M", "aesthetics_v2_4.75", note=f"The replacement is larger{_NESTED.format(6)}."),
    _improved("6.25", "3M", "aesthetics_v2_4.75", note=f"The replacement is larger{_NESTED.format(6.25)}."),
    _improved(
        "6.5",
        "625K in the post; 635,561 in the file",
        "aesthetics_v2_4.75",
        rows=635_561,
        rows_source="dataset_info of the file",
        shards="data/train-00000-of-00001-6f24a7497df494ae.parquet",
        shard_count=1,
        note=f"115,654,804 bytes at 6c603b3. The replacement is larger{_NESTED.format(6.5)}.",
    ),
    _laion(
        "laion2B-multi-joined-translated-to-en",
        "S13",
        license=None,
        score_models={**_MCLIP, **_TAGGED, **_V2},
        rows=2_266_193_302,
        rows_text="2,266,193,302 (2022-09-15)",
        rows_source=_COUNTS,
        shard_count=128,
        note=f"No release carries the translations now; {_MULTI} has the pairs.",
    ),
    _laion(
        "laion1B-nolang-joined-translated-to-en",
        "S13",
        license=None,
        score_models={**_MCLIP, **_TAGGED, **_V2},
        rows=1_260_048_307,
        rows_text="1,260,048,307 (2022-09-15)",
        rows_source=_COUNTS,
        shard_count=128,
        note=f"No release carries the translations now; {_NOLANG} has the pairs.",
    ),
    Release(
        "laion-face",
        "FacePerceiver/laion-face",
        Status.WITHDRAWN,
        Kind.IDS,
        "S1",
        {**_B32, **_VOTE},
        rows_text="50M (20M in the subset)",
        license="cc-by-4.0 (the list of ids)",
        shards="laion_face_part_{i:05d}.parquet",
        shard_count=32,
        note="laion_face_ids.pth, SAMPLE_IDs of laion400m, is a pickle and never read; users built the shards from it.",
    ),
)
