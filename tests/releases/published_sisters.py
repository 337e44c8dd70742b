"""Other projects' schemas, S14 to S19: rows as published, and the canonical rows they are. Typed by hand."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from releases.published_case import F32, F64, I32, I64, SHA, STR, Case, U, murmur, with_language

CASES: list[Case] = []


def case(*arguments: Any, **more: Any) -> None:
    CASES.append(Case(*arguments, **more))


S14 = [("id", I64), ("url", STR), ("text", STR), ("width", I32), ("height", I32), ("image_phash", STR)]
S14 += [("text_length", I32)]
S14 += [("word_count", I32), ("num_tokens_bert", I32), ("num_tokens_gpt", I32), ("num_faces", I32)]
S14 += [("clip_similarity_vitb32", F32), ("clip_similarity_vitl14", F32), ("nsfw_score_opennsfw2", F32)]
S14 += [("nsfw_score_gantman", F32), ("watermark_score", F32), ("aesthetic_score_laion_v2", F32)]
case(
    "S14",
    "coyo-700m",
    S14,
    [
        (4, U("a"), "a fox", 640, 480, "ab12", 5, 2, 4, 4, 0, 0.25, 0.5, 0.125, 0.0625, 0.75, 6.5),
        (5, U("b"), "a dog", 200, 201, "cd34", 5, 2, 4, 4, 1, -0.081, None, None, None, None, None),
        (6, U("c"), None, 21449, 22507, None, None, None, None, None, None, None, 0.5, 0.4998, 0.5, 1.0, 1.17),
    ],
    [
        (U("a"), "a fox", 640, 480, 0.25, 0.125, 0.75, 6.5, None, None, None, murmur(U("a"), "a fox"), None),
        (U("b"), "a dog", 200, 201, -0.081, None, None, None, None, None, None, murmur(U("b"), "a dog"), None),
        (U("c"), None, 21449, 22507, None, 0.4998, 1.0, 1.17, None, None, None, murmur(U("c"), None), None),
    ],
    own=[
        "id",
        "image_phash",
        "text_length",
        "word_count",
        "num_tokens_bert",
        "num_tokens_gpt",
        "num_faces",
        "clip_similarity_vitl14",
        "nsfw_score_gantman",
    ],
)

S15 = [("id", I64), ("url", STR), ("imagehash", STR), ("labels", pa.list_(I32)), ("label_probs", pa.list_(F32))]
S15 += [("width", I32), ("height", I32)]
case(
    "S15",
    "coyo-labeled-300m",
    S15,
    [
        (1, U("a"), "ab", [1, 2], [0.5, 0.25], 640, 480),
        (2, U("b"), None, [], [], None, 1),
        (3, U("c"), "cd", None, None, 2, 0),
    ],
    [
        (U("a"), None, 640, 480, *[None] * 7, murmur(U("a"), None), None),
        (U("b"), None, None, 1, *[None] * 7, murmur(U("b"), None), None),
        (U("c"), None, 2, None, *[None] * 7, murmur(U("c"), None), None),
    ],
    {"height: not positive": 1},
    ["id", "imagehash", "labels", "label_probs"],
)

S16 = [("uid", STR), ("url", STR), ("text", STR), ("original_width", I64), ("original_height", I64)]
S16 += [("clip_b32_similarity_score", F32), ("clip_l14_similarity_score", F32)]
S16 += [("face_bboxes", pa.list_(pa.list_(F64))), ("sha256", STR)]
_S16_ROWS = [
    ("0" * 32, U("a"), "a fox", 640, 480, 0.25, 0.5, [[0.0, 0.0, 0.5, 0.5]], SHA),
    ("1" * 32, U("b"), None, None, 2**40, -0.5, None, [], SHA[:-1]),
    ("2" * 32, U("c"), "dog", 1, 1, None, None, None, None),
]
_S16_EXPECTED = [
    (U("a"), "a fox", 640, 480, 0.25, None, None, None, None, None, None, murmur(U("a"), "a fox"), f"sha256:{SHA}"),
    (U("b"), None, None, None, -0.5, None, None, None, None, None, None, murmur(U("b"), None), None),
    (U("c"), "dog", 1, 1, None, None, None, None, None, None, None, murmur(U("c"), "dog"), None),
]
_S16_NULLED = {"height: too large": 1, "digest: not a hash": 1}
_S16_OWN = ["uid", "clip_l14_similarity_score", "face_bboxes"]
case("S16", "datacomp_small", S16, _S16_ROWS, _S16_EXPECTED, _S16_NULLED, _S16_OWN)
case(
    "S16l",
    None,
    [*S16, ("detected_language", STR)],
    with_language(_S16_ROWS, 9, ["en", "ru", "en"]),
    [(*row[:9], lang, *row[10:]) for row, lang in zip(_S16_EXPECTED, ["en", "ru", "en"], strict=True)],
    _S16_NULLED,
    _S16_OWN,
)

_ONLY_TEXT = [(U("a"), "a fox"), (U("b"), None), (None, "dog")]
_ONLY_TEXT_EXPECTED = [
    (U("a"), "a fox", *[None] * 9, murmur(U("a"), "a fox"), None),
    (U("b"), None, *[None] * 9, murmur(U("b"), None), None),
    (None, "dog", *[None] * 9, murmur(None, "dog"), None),
]
S17 = [("image_url", STR), ("caption", STR)]
case("S17", "cc3m", S17, _ONLY_TEXT, _ONLY_TEXT_EXPECTED)
case("S18", "cc12m", S17, _ONLY_TEXT, _ONLY_TEXT_EXPECTED)
case(
    "S17l",
    "cc3m-labeled",
    [*S17, ("labels", pa.list_(STR)), ("MIDs", pa.list_(STR)), ("confidence_scores", pa.list_(F64))],
    [(*row, ["fox"], ["/m/0306r"], [0.5]) for row in _ONLY_TEXT],
    _ONLY_TEXT_EXPECTED,
    own=["labels", "MIDs", "confidence_scores"],
)
case(
    "S19",
    "sbu",
    [("image_url", STR), ("user_id", STR), ("caption", STR)],
    [(url, "99@N00", text) for url, text in _ONLY_TEXT],
    _ONLY_TEXT_EXPECTED,
    own=["user_id"],
)
case("URL-TEXT", "mscoco-urls", [("URL", STR), ("TEXT", STR)], _ONLY_TEXT, _ONLY_TEXT_EXPECTED)
