"""Other projects' column sets, S14 to S19, in published order and types; see ``source_schemas.py``."""

from __future__ import annotations

from laion_pairs.releases.source_schema import SourceSchema
from laion_pairs.schema import ScoreModel as Model

__all__ = ["SISTER_SCHEMAS"]

_STR, _I32, _I64, _F32 = "string", "int32", "int64", "float32"

_ORIGINAL = {"width": "original_width", "height": "original_height"}
_B32 = {"similarity": Model.CLIP_B32}

_S16 = {
    "uid": _STR,
    "url": _STR,
    "text": _STR,
    "original_width": _I64,
    "original_height": _I64,
    "clip_b32_similarity_score": _F32,
    "clip_l14_similarity_score": _F32,
    "face_bboxes": "list<list<float64>>",
    "sha256": _STR,
}
_S16_MAP = {
    "url": "url",
    "caption": "text",
    **_ORIGINAL,
    "similarity": "clip_b32_similarity_score",
    "digest": "sha256",
}
_S17 = {"image_url": _STR, "caption": _STR}
_IMAGE_URL = {"url": "image_url", "caption": "caption"}

SISTER_SCHEMAS: tuple[SourceSchema, ...] = (
    SourceSchema(
        "S14",
        "COYO-700M",
        {
            "id": _I64,
            "url": _STR,
            "text": _STR,
            "width": _I32,
            "height": _I32,
            "image_phash": _STR,
            "text_length": _I32,
            "word_count": _I32,
            "num_tokens_bert": _I32,
            "num_tokens_gpt": _I32,
            "num_faces": _I32,
            "clip_similarity_vitb32": _F32,
            "clip_similarity_vitl14": _F32,
            "nsfw_score_opennsfw2": _F32,
            "nsfw_score_gantman": _F32,
            "watermark_score": _F32,
            "aesthetic_score_laion_v2": _F32,
        },
        {
            "url": "url",
            "caption": "text",
            "width": "width",
            "height": "height",
            "similarity": "clip_similarity_vitb32",
            "punsafe": "nsfw_score_opennsfw2",
            "pwatermark": "watermark_score",
            "aesthetic": "aesthetic_score_laion_v2",
        },
        {**_B32, "punsafe": Model.OPENNSFW2, "pwatermark": Model.COYO_WATERMARK, "aesthetic": Model.AESTHETIC_V2},
    ),
    SourceSchema(
        "S15",
        "COYO-Labeled-300M",
        {
            "id": _I64,
            "url": _STR,
            "imagehash": _STR,
            "labels": "list<int32>",
            "label_probs": "list<float32>",
            "width": _I32,
            "height": _I32,
        },
        {"url": "url", "width": "width", "height": "height"},
        {},
        {"caption": "it has labels instead of captions"},
    ),
    SourceSchema("S16", "DataComp", _S16, _S16_MAP, _B32),
    SourceSchema(
        "S16l",
        "DataComp with a detected language (a derived set)",
        {**_S16, "detected_language": _STR},
        {**_S16_MAP, "language": "detected_language"},
        _B32,
    ),
    SourceSchema("S17", "Conceptual Captions", _S17, _IMAGE_URL),
    SourceSchema(
        "S17l",
        "Conceptual Captions with labels",
        {**_S17, "labels": "list<string>", "MIDs": "list<string>", "confidence_scores": "list<float64>"},
        _IMAGE_URL,
    ),
    SourceSchema("S18", "Conceptual 12M", _S17, _IMAGE_URL),
    SourceSchema("S19", "SBU Captions", {"image_url": _STR, "user_id": _STR, "caption": _STR}, _IMAGE_URL),
    SourceSchema(
        "URL-TEXT",
        "only URL and TEXT",
        {"URL": _STR, "TEXT": _STR},
        {"url": "URL", "caption": "TEXT"},
    ),
)
