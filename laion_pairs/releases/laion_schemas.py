"""LAION's own column sets, S1 to S13, in published order and types; see ``source_schemas.py``."""

from __future__ import annotations

from laion_pairs.releases.source_schema import SourceSchema
from laion_pairs.schema import ScoreModel as Model

__all__ = ["LAION_SCHEMAS"]

_STR, _I32, _I64, _F32, _F64 = "string", "int32", "int64", "float32", "float64"

_URL_TEXT = {"url": "URL", "caption": "TEXT"}
_SIZE = {"width": "WIDTH", "height": "HEIGHT"}
_SWAPPED = {"width": "HEIGHT", "height": "WIDTH"}
_ORIGINAL = {"width": "original_width", "height": "original_height"}
_TAGS = {"punsafe": "punsafe", "pwatermark": "pwatermark"}
_SIMILARITY = {"similarity": "similarity"}
_HASH = {"pair_id": "hash"}
_LANGUAGE = {"language": "LANGUAGE"}

_TAGGED = {"punsafe": Model.CLIP_NSFW, "pwatermark": Model.WATERMARK}
_EITHER = {"similarity": Model.CLIP_B32_OR_MCLIP}
_MCLIP = {"similarity": Model.MCLIP}
_B32 = {"similarity": Model.CLIP_B32}
_VOTE = {"nsfw": Model.CLIP_NSFW_VOTE}
_V1 = {"aesthetic": Model.AESTHETIC_V1}
_V2 = {"aesthetic": Model.AESTHETIC_V2}

_SWAP_NOTE = "the crawler wrote width and height into each other's column"
_SWAP_NOTES = {"width": _SWAP_NOTE, "height": _SWAP_NOTE}
_RESIZED_NOTE = "pixels of the source; the file's width and height are img2dataset's after resizing"
_RESIZED_NOTES = {"width": _RESIZED_NOTE, "height": _RESIZED_NOTE}

_URL_TEXT_SIZE = {"URL": _STR, "TEXT": _STR, "WIDTH": _I32, "HEIGHT": _I32}
_RAW_HEAD = {"SAMPLE_ID": _I64, "URL": _STR, "TEXT": _STR, "HEIGHT": _I32, "WIDTH": _I32, "LICENSE": _STR}
_RAW_TAIL = {"NSFW": _STR, "similarity": _F64}
_UNSAFE_FIRST = {"hash": _I64, "punsafe": _F32, "pwatermark": _F32}
_WATERMARK_FIRST = {"hash": _I64, "pwatermark": _F32, "punsafe": _F32}
_FETCHED = {"key": _STR, "status": _STR, "error_message": _STR, "width": _I32, "height": _I32}
_FETCHED |= {"original_width": _I32, "original_height": _I32, "exif": _STR, "md5": _STR}

_RAW_MAP = {**_URL_TEXT, **_SWAPPED, **_SIMILARITY, "nsfw": "NSFW", "license": "LICENSE"}
_JOINED_MAP = {**_URL_TEXT, **_SIZE, **_SIMILARITY, **_TAGS, **_HASH}
_FETCHED_MAP = {"url": "url", "caption": "caption", **_ORIGINAL, **_SIMILARITY, "digest": "md5"}

_S2 = {**_URL_TEXT_SIZE, "similarity": _F64, **_UNSAFE_FIRST}
_S2M = {**_URL_TEXT_SIZE, "similarity": _F64, "LANGUAGE": _STR, **_UNSAFE_FIRST}
_S5 = {**_URL_TEXT_SIZE, "similarity": _F64, "LANGUAGE": _STR, **_WATERMARK_FIRST}
_S8_HEAD = {"url": _STR, "similarity": _F64, "hash": _I64, "pwatermark": _F32, "punsafe": _F32}
_S9 = {"caption": _STR, "NSFW": _STR, "similarity": _F64, "LICENSE": _STR, "url": _STR, **_FETCHED}


def _s8m(language: str) -> SourceSchema:
    """The language column's own name is not public: LANGUAGE most likely, lang_laion in a derived set."""
    return SourceSchema(
        "S8m",
        "Re-LAION, other languages",
        {**_S8_HEAD, language: _STR, "caption": _STR, **_FETCHED},
        {**_FETCHED_MAP, **_TAGS, **_HASH, "language": language},
        {**_MCLIP, **_TAGGED},
        _RESIZED_NOTES,
    )


def _s9(columns: dict[str, str]) -> SourceSchema:
    return SourceSchema(
        "S9",
        "Re-LAION-400M, as img2dataset's metadata (unconfirmed)",
        columns,
        {**_FETCHED_MAP, "nsfw": "NSFW", "license": "LICENSE"},
        {**_B32, **_VOTE},
        _RESIZED_NOTES,
        confirmed=False,
    )


LAION_SCHEMAS: tuple[SourceSchema, ...] = (
    SourceSchema(
        "S1",
        "LAION raw, English or no language; LAION-Face",
        {**_RAW_HEAD, **_RAW_TAIL},
        _RAW_MAP,
        {**_EITHER, **_VOTE},
        _SWAP_NOTES,
    ),
    SourceSchema(
        "S1m",
        "LAION raw, other languages",
        {**_RAW_HEAD, "LANGUAGE": _STR, **_RAW_TAIL},
        {**_RAW_MAP, **_LANGUAGE},
        {**_MCLIP, **_VOTE},
        _SWAP_NOTES,
    ),
    SourceSchema("S2", "LAION joined with its tags", _S2, _JOINED_MAP, {**_EITHER, **_TAGGED}),
    SourceSchema(
        "S2m",
        "LAION joined with its tags, other languages",
        _S2M,
        {**_JOINED_MAP, **_LANGUAGE},
        {**_MCLIP, **_TAGGED},
    ),
    SourceSchema(
        "S3",
        "laion-aesthetic V1",
        {**_S2, "aesthetic": _F32},
        {**_JOINED_MAP, "aesthetic": "aesthetic"},
        {**_EITHER, **_TAGGED, **_V1},
    ),
    SourceSchema(
        "S3m",
        "laion-aesthetic V1, other languages",
        {**_S2M, "aesthetic": _F32},
        {**_JOINED_MAP, **_LANGUAGE, "aesthetic": "aesthetic"},
        {**_MCLIP, **_TAGGED, **_V1},
    ),
    SourceSchema(
        "S4",
        "laion-art",
        {**_S5, "aesthetic": _F32},
        {**_JOINED_MAP, **_LANGUAGE, "aesthetic": "aesthetic"},
        {**_EITHER, **_TAGGED, **_V1},
    ),
    SourceSchema("S5", "laion-high-resolution", _S5, {**_JOINED_MAP, **_LANGUAGE}, {**_EITHER, **_TAGGED}),
    SourceSchema(
        "S6",
        "LAION-COCO",
        {
            "URL": _STR,
            "TEXT": _STR,
            "top_caption": _STR,
            "all_captions": "list<string>",
            "all_similarities": "list<float64>",
            "WIDTH": _I32,
            "HEIGHT": _I32,
            "similarity": _F64,
            **_WATERMARK_FIRST,
        },
        _JOINED_MAP,
        {**_B32, **_TAGGED},
        {"caption": "the alt text, which similarity and hash are about; BLIP's are top_caption and all_captions"},
    ),
    SourceSchema(
        "S7",
        "LAION-POP",
        {
            "url": _STR,
            "key": _STR,
            "cogvlm_caption": _STR,
            "llava_caption": _STR,
            "nsfw_prediction": _F64,
            "alt_txt": _STR,
            "alt_txt_similarity": _F64,
            "width": _I32,
            "height": _I32,
            "original_width": _I32,
            "original_height": _I32,
            "exif": _STR,
        },
        {
            "url": "url",
            "caption": "alt_txt",
            **_ORIGINAL,
            "similarity": "alt_txt_similarity",
            "punsafe": "nsfw_prediction",
        },
        {"similarity": Model.UNSTATED, "punsafe": Model.CLIP_NSFW},
        {
            "caption": "the alt text, null where it is empty: never replaced by cogvlm_caption or llava_caption",
            **_RESIZED_NOTES,
        },
    ),
    SourceSchema(
        "S8",
        "Re-LAION, English or no language",
        {**_S8_HEAD, "caption": _STR, **_FETCHED},
        {**_FETCHED_MAP, **_TAGS, **_HASH},
        {**_EITHER, **_TAGGED},
        _RESIZED_NOTES,
    ),
    *(_s8m(language) for language in ("LANGUAGE", "language", "lang", "lang_laion")),
    _s9(_S9),
    _s9({"image_path": _STR, **_S9}),
    SourceSchema(
        "S9u",
        "Re-LAION-400M, only url and caption",
        {"url": _STR, "caption": _STR},
        {"url": "url", "caption": "caption"},
    ),
    SourceSchema(
        "S10",
        "aesthetics V2",
        {
            "URL": _STR,
            "TEXT": _STR,
            "WIDTH": _F64,
            "HEIGHT": _F64,
            "similarity": _F64,
            "punsafe": _F32,
            "pwatermark": _F32,
            "AESTHETIC_SCORE": _F32,
            "hash": _I64,
            "__index_level_0__": _I64,
        },
        {**_JOINED_MAP, "aesthetic": "AESTHETIC_SCORE"},
        {**_B32, **_TAGGED, **_V2},
    ),
    SourceSchema(
        "S11s",
        "safety tags",
        {"prediction": _F32, "hash": _I64},
        {"punsafe": "prediction", **_HASH},
        {"punsafe": Model.CLIP_NSFW},
        pairs=False,
    ),
    SourceSchema(
        "S11s",
        "safety tags with URL",
        {"prediction": _F32, "hash": _I64, "url": _STR},
        {"url": "url", "punsafe": "prediction", **_HASH},
        {"punsafe": Model.CLIP_NSFW},
        pairs=False,
    ),
    SourceSchema(
        "S11w",
        "watermark tags",
        {"pwatermark": _F32, "hash": _I64},
        {"pwatermark": "pwatermark", **_HASH},
        {"pwatermark": Model.WATERMARK},
        pairs=False,
    ),
    SourceSchema(
        "S11a",
        "aesthetic tags",
        {"aesthetic": _F32, "hash": _I64},
        {"aesthetic": "aesthetic", **_HASH},
        {"aesthetic": Model.UNSTATED},
        pairs=False,
    ),
    SourceSchema(
        "S12",
        "tags in a binary key-value file: int64 hash -> float16 values",
        {},
        {},
        pairs=False,
    ),
    SourceSchema(
        "S13",
        "translated to English",
        {
            "hash": _I64,
            "URL": _STR,
            "TEXT": _STR,
            "ENG TEXT": _STR,
            "WIDTH": _I32,
            "HEIGHT": _I32,
            "LANGUAGE": _STR,
            "similarity": _F64,
            "pwatermark": _F32,
            "punsafe": _F32,
            "prediction": _F32,
        },
        {**_JOINED_MAP, **_LANGUAGE, "aesthetic": "prediction"},
        {**_MCLIP, **_TAGGED, **_V2},
        {"caption": "the alt text, which similarity and hash are about; the translation is ENG TEXT"},
    ),
)
