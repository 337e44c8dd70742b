"""LAION's schemas, S1 to S13: rows as published, and the canonical rows they are. Typed by hand."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from releases.published_case import F32, F64, I32, I64, MD5, NAN, STR, Case, U, murmur, with_language

CASES: list[Case] = []


def case(*arguments: Any, **more: Any) -> None:
    CASES.append(Case(*arguments, **more))


# S1: WIDTH holds the height. 6016.0 was published. "" and null licences; a zero size; an NSFW nobody defined.
_RAW_ROWS = [
    (7, U("190x143"), "a fox", 190, 143, "?", "UNLIKELY", 0.31),
    (8, U("b"), None, 0, 20, "", "NSFW", 6016.0),
    (9, U("c"), "Müller's 犬", 30, None, None, "UNTAGGED", NAN),
    (10, None, "", 5, 4, "by/2.0", None, None),
]
_RAW_EXPECTED = [
    (
        U("190x143"),
        "a fox",
        190,
        143,
        0.31,
        None,
        None,
        None,
        "UNLIKELY",
        None,
        "?",
        murmur(U("190x143"), "a fox"),
        None,
    ),
    (U("b"), None, None, 20, None, None, None, None, "NSFW", None, None, murmur(U("b"), None), None),
    (U("c"), "Müller's 犬", 30, None, None, None, None, None, None, None, None, murmur(U("c"), "Müller's 犬"), None),
    (None, None, 5, 4, None, None, None, None, None, None, "by/2.0", 0, None),
]
_RAW_NULLED = {
    "width: not positive": 1,
    "similarity: out of range": 1,
    "similarity: not a number": 1,
    "nsfw: unknown value": 1,
}
S1 = [("SAMPLE_ID", I64), ("URL", STR), ("TEXT", STR), ("HEIGHT", I32), ("WIDTH", I32), ("LICENSE", STR), ("NSFW", STR)]
S1 += [("similarity", F64)]
case("S1", "laion400m", S1, _RAW_ROWS, _RAW_EXPECTED, _RAW_NULLED, ["SAMPLE_ID"])

# LAION-Face parts: pandas made the sizes float64 and leaked its index.
case(
    "S1",
    None,
    [(n, F64 if n in ("HEIGHT", "WIDTH") else t) for n, t in S1] + [("__index_level_0__", I64)],
    [(*row[:3], *(None if s is None else float(s) for s in row[3:5]), *row[5:], 99) for row in _RAW_ROWS],
    _RAW_EXPECTED,
    _RAW_NULLED,
    ["SAMPLE_ID"],
    label="face",
    derived=True,
)

S1M = [*S1[:6], ("LANGUAGE", STR), *S1[6:]]
case(
    "S1m",
    "laion2B-multi",
    S1M,
    [
        (1, U("m"), "ein Fuchs", 640, 480, "?", "de", "UNSURE", 0.27),
        (2, U("n"), "狐", 1, 2, "?", "", "unlikely", -0.5),
        (3, U("o"), "лиса", None, None, None, "iw", None, 1.5),
    ],
    [
        (U("m"), "ein Fuchs", 640, 480, 0.27, None, None, None, "UNSURE", "de", "?", murmur(U("m"), "ein Fuchs"), None),
        (U("n"), "狐", 1, 2, -0.5, None, None, None, "UNLIKELY", None, "?", murmur(U("n"), "狐"), None),
        (U("o"), "лиса", None, None, None, None, None, None, None, "iw", None, murmur(U("o"), "лиса"), None),
    ],
    {"similarity: out of range": 1},
    ["SAMPLE_ID"],
)

# The Chinese subset: the same columns, float64 sizes.
case(
    "S1m",
    "laion2B-multi",
    [(n, F64 if n in ("HEIGHT", "WIDTH") else t) for n, t in S1M],
    [
        (1, U("m"), "狐", 640.0, 480.0, "?", "zh", "UNLIKELY", 0.27),
        (2, U("n"), "狐", 640.5, NAN, "?", "zh", "UNLIKELY", 0.28),
        (3, U("o"), "狐", None, 3e9, "?", "zh", "UNLIKELY", 0.29),
    ],
    [
        (U("m"), "狐", 640, 480, 0.27, None, None, None, "UNLIKELY", "zh", "?", murmur(U("m"), "狐"), None),
        (U("n"), "狐", None, None, 0.28, None, None, None, "UNLIKELY", "zh", "?", murmur(U("n"), "狐"), None),
        (U("o"), "狐", None, None, 0.29, None, None, None, "UNLIKELY", "zh", "?", murmur(U("o"), "狐"), None),
    ],
    {"width: not a whole number": 1, "height: not a number": 1, "height: too large": 1},
    ["SAMPLE_ID"],
    label="chinese",
    derived=True,
)

# Joined: sizes are right, hash is published and taken as it is; the tags may both be missing.
S2 = [("URL", STR), ("TEXT", STR), ("WIDTH", I32), ("HEIGHT", I32), ("similarity", F64), ("hash", I64)]
S2 += [("punsafe", F32)]
S2 += [("pwatermark", F32)]
_JOINED_ROWS = [
    (U("a"), "a fox", 640, 480, 0.31, -5, 0.25, 0.75),
    (U("b"), "", 1, 1, 0.3, 2**62, None, None),
    (U("c"), None, None, 5, None, None, 1.25, -0.5),
]
_JOINED_EXPECTED = [
    (U("a"), "a fox", 640, 480, 0.31, 0.25, 0.75, None, None, None, None, -5, None),
    (U("b"), None, 1, 1, 0.3, None, None, None, None, None, None, 2**62, None),
    (U("c"), None, None, 5, None, None, None, None, None, None, None, None, None),
]
_JOINED_NULLED = {"punsafe: out of range": 1, "pwatermark: out of range": 1}
case("S2", "laion2B-en-joined", S2, _JOINED_ROWS, _JOINED_EXPECTED, _JOINED_NULLED)

# big_join.py writes the last two in the other order: names decide, never positions.
case(
    "S2",
    "laion1B-nolang-joined",
    [*S2[:6], S2[7], S2[6]],
    [(*row[:6], row[7], row[6]) for row in _JOINED_ROWS],
    _JOINED_EXPECTED,
    _JOINED_NULLED,
    label="other-order",
    derived=True,
)


_LANGUAGES = ["fr", "nolang", "en"]
_JOINED_M_EXPECTED = [
    (U("a"), "a fox", 640, 480, 0.31, 0.25, 0.75, None, None, "fr", None, -5, None),
    (U("b"), None, 1, 1, 0.3, None, None, None, None, "nolang", None, 2**62, None),
    (U("c"), None, None, 5, None, None, None, None, None, "en", None, None, None),
]
S2M = [*S2[:5], ("LANGUAGE", STR), *S2[5:]]
_JOINED_M_ROWS = with_language(_JOINED_ROWS, 5, _LANGUAGES)
case("S2m", "laion2B-multi-joined", S2M, _JOINED_M_ROWS, _JOINED_M_EXPECTED, _JOINED_NULLED)


def _with_aesthetic(expected: list[tuple[Any, ...]], scores: list[float | None]) -> list[tuple[Any, ...]]:
    return [(*row[:7], score, *row[8:]) for row, score in zip(expected, scores, strict=True)]


_AESTHETIC_FILE, _AESTHETIC_OUT = [8.5, None, 900.0], [8.5, None, None]
_AESTHETIC_NULLED = {**_JOINED_NULLED, "aesthetic: out of range": 1}
_SCORED = [(*row, score) for row, score in zip(_JOINED_ROWS, _AESTHETIC_FILE, strict=True)]
_SCORED_M = [(*row, score) for row, score in zip(_JOINED_M_ROWS, _AESTHETIC_FILE, strict=True)]
case(
    "S3",
    "laion2B-en-aesthetic",
    [*S2, ("aesthetic", F32)],
    _SCORED,
    _with_aesthetic(_JOINED_EXPECTED, _AESTHETIC_OUT),
    _AESTHETIC_NULLED,
)
case(
    "S3m",
    "relaion2B-multi-aesthetic",
    [*S2M, ("aesthetic", F32)],
    _SCORED_M,
    _with_aesthetic(_JOINED_M_EXPECTED, _AESTHETIC_OUT),
    _AESTHETIC_NULLED,
)
# art and high resolution: pwatermark before punsafe
S5 = [*S2M[:7], S2M[8], S2M[7]]
_S5_ROWS = [(*row[:7], row[8], row[7]) for row in _JOINED_M_ROWS]
case(
    "S4",
    "relaion-art",
    [*S5, ("aesthetic", F32)],
    [(*row, score) for row, score in zip(_S5_ROWS, _AESTHETIC_FILE, strict=True)],
    _with_aesthetic(_JOINED_M_EXPECTED, _AESTHETIC_OUT),
    _AESTHETIC_NULLED,
)
case("S5", "relaion-high-resolution", S5, _S5_ROWS, _JOINED_M_EXPECTED, _JOINED_NULLED)

S6 = [("URL", STR), ("TEXT", STR), ("top_caption", STR), ("all_captions", pa.list_(STR))]
S6 += [("all_similarities", pa.list_(F64))]
S6 += [("WIDTH", I32), ("HEIGHT", I32), ("similarity", F64), ("hash", I64), ("pwatermark", F32), ("punsafe", F32)]
case(
    "S6",
    "relaion-coco",
    S6,
    [
        (U("a"), "IMG 01", "a fox on snow", ["a fox", "fox"], [0.2, 0.3], 640, 480, 0.31, -5, 0.75, 0.25),
        (U("b"), None, "a dog", [], None, 1, 2, 0.3, 6, None, None),
        (U("c"), "", None, None, None, None, None, None, 7, 0.0, 1.0),
    ],
    [
        (U("a"), "IMG 01", 640, 480, 0.31, 0.25, 0.75, None, None, None, None, -5, None),
        (U("b"), None, 1, 2, 0.3, None, None, None, None, None, None, 6, None),
        (U("c"), None, None, None, None, 1.0, 0.0, None, None, None, None, 7, None),
    ],
    own=["top_caption", "all_captions", "all_similarities"],
)

# POP: the resized width and height are not the original's; an empty alt text stays without a caption.
S7 = [("url", STR), ("key", STR), ("cogvlm_caption", STR), ("llava_caption", STR), ("nsfw_prediction", F64)]
S7 += [("alt_txt", STR)]
S7 += [("alt_txt_similarity", F64), ("width", I64), ("height", I64), ("original_width", I64), ("original_height", I64)]
S7 += [("exif", STR)]
_S7_OWN = ["key", "cogvlm_caption", "llava_caption", "source_width", "source_height", "exif"]
case(
    "S7",
    "relaion-pop",
    S7,
    [
        (U("a"), "0001", "A fox sits.", "Fox.", 0.125, "fox.jpg", 0.31, 768, 512, 1536, 1024, "{}"),
        (U("b"), "0002", "A dog.", "", 0.5, "", 0.3, 768, 768, 800, 800, None),
        (U("c"), "0003", "", None, 2.0, None, None, None, None, None, None, None),
    ],
    [
        (U("a"), "fox.jpg", 1536, 1024, 0.31, 0.125, None, None, None, None, None, murmur(U("a"), "fox.jpg"), None),
        (U("b"), None, 800, 800, 0.3, 0.5, None, None, None, None, None, murmur(U("b"), ""), None),
        (U("c"), None, None, None, None, None, None, None, None, None, None, murmur(U("c"), None), None),
    ],
    {"punsafe: out of range": 1},
    _S7_OWN,
    derived=True,
)

# Re-LAION: a row that failed to download has no size and no md5.
S8 = [("url", STR), ("similarity", F64), ("hash", I64), ("pwatermark", F32), ("punsafe", F32), ("caption", STR)]
S8 += [("key", STR)]
S8 += [("status", STR), ("error_message", STR), ("width", I32), ("height", I32), ("original_width", I32)]
S8 += [("original_height", I32), ("exif", STR), ("md5", STR)]
_S8_OWN = ["key", "status", "error_message", "source_width", "source_height", "exif"]
_S8_ROWS = [
    (U("a"), 0.31, -5, 0.75, 0.25, "a fox", "01", "success", None, 256, 192, 640, 480, "{}", MD5.upper()),
    (U("b"), 0.3, 6, None, None, "a dog", "02", "failed_to_download", "404", None, None, None, None, None, None),
    (U("c"), 0.29, 7, 0.5, 0.5, None, "03", "success", None, 256, 256, 300, 300, None, "not-a-hash"),
]
_S8_EXPECTED = [
    (U("a"), "a fox", 640, 480, 0.31, 0.25, 0.75, None, None, None, None, -5, f"md5:{MD5}"),
    (U("b"), "a dog", None, None, 0.3, None, None, None, None, None, None, 6, None),
    (U("c"), None, 300, 300, 0.29, 0.5, 0.5, None, None, None, None, 7, None),
]
_S8_NULLED = {"digest: not a hash": 1}
case("S8", "relaion2B-en-research-safe", S8, _S8_ROWS, _S8_EXPECTED, _S8_NULLED, _S8_OWN)

_S8M_EXPECTED = [
    (*row[:9], language, *row[10:]) for row, language in zip(_S8_EXPECTED, ["ru", None, "jv"], strict=True)
]
for _name in ("LANGUAGE", "language", "lang", "lang_laion"):
    case(
        "S8m",
        "relaion2B-multi-research",
        [*S8[:5], (_name, STR), *S8[5:]],
        with_language(_S8_ROWS, 5, ["ru", "", "jv"]),
        _S8M_EXPECTED,
        _S8_NULLED,
        _S8_OWN,
        label=_name,
    )

# Re-LAION-400M: nobody has published its columns, so every shape that it may have.
case(
    "S9u",
    "relaion400m",
    [("url", STR), ("caption", STR)],
    [(U("a"), "a fox"), (U("b"), None), (None, "")],
    [
        (U("a"), "a fox", *[None] * 9, murmur(U("a"), "a fox"), None),
        (U("b"), None, *[None] * 9, murmur(U("b"), None), None),
        (None, None, *[None] * 9, 0, None),
    ],
)
S9 = [("caption", STR), ("NSFW", STR), ("similarity", F64), ("LICENSE", STR), ("url", STR), ("key", STR)]
S9 += [("status", STR)]
S9 += [("error_message", STR), ("width", I32), ("height", I32), ("original_width", I32), ("original_height", I32)]
S9 += [("exif", STR), ("md5", STR)]
case(
    "S9",
    "relaion400m",
    S9,
    [
        ("a fox", "UNLIKELY", 0.31, "?", U("a"), "01", "success", None, 256, 192, 640, 480, "{}", MD5),
        (None, "NSFW", 0.3, "", U("b"), "02", "failed_to_resize", "x", None, None, None, None, None, None),
        ("dog", None, 0.5, None, U("c"), "03", "success", None, 9, 9, 9, 9, None, None),
    ],
    [
        (
            U("a"),
            "a fox",
            640,
            480,
            0.31,
            None,
            None,
            None,
            "UNLIKELY",
            None,
            "?",
            murmur(U("a"), "a fox"),
            f"md5:{MD5}",
        ),
        (U("b"), None, None, None, 0.3, None, None, None, "NSFW", None, None, murmur(U("b"), None), None),
        (U("c"), "dog", 9, 9, 0.5, None, None, None, None, None, None, murmur(U("c"), "dog"), None),
    ],
    own=_S8_OWN,
)
case("S1", "relaion400m", S1, _RAW_ROWS, _RAW_EXPECTED, _RAW_NULLED, ["SAMPLE_ID"], label="relaion400m")

# aesthetics V2: pandas' float64 sizes and its index
S10 = [("URL", STR), ("TEXT", STR), ("WIDTH", F64), ("HEIGHT", F64), ("similarity", F64), ("punsafe", F32)]
S10 += [("pwatermark", F32), ("AESTHETIC_SCORE", F32), ("hash", I64), ("__index_level_0__", I64)]
_S10_ROWS = [
    (U("a"), "a fox", 640.0, 480.0, 0.31, 0.25, 0.75, 6.5, -5, 0),
    (U("b"), None, None, 1.0, 0.3, None, None, 4.75, 6, 1),
    (U("c"), "dog", 0.0, 2.0, 0.29, 0.5, 0.5, NAN, 7, 2),
]
_S10_EXPECTED = [
    (U("a"), "a fox", 640, 480, 0.31, 0.25, 0.75, 6.5, None, None, None, -5, None),
    (U("b"), None, None, 1, 0.3, None, None, 4.75, None, None, None, 6, None),
    (U("c"), "dog", None, 2, 0.29, 0.5, 0.5, None, None, None, None, 7, None),
]
_S10_NULLED = {"width: not positive": 1, "aesthetic: not a number": 1}
case("S10", "aesthetics_v2_4.75", S10, _S10_ROWS, _S10_EXPECTED, _S10_NULLED)
case(
    "S10",
    None,
    [(n, F64 if n in ("punsafe", "pwatermark", "AESTHETIC_SCORE") else t) for n, t in S10],
    _S10_ROWS,
    _S10_EXPECTED,
    _S10_NULLED,
    label="float64",
    derived=True,
)

# translated: prediction is an aesthetic score here; the English text has a space in its name
S13 = [("hash", I64), ("URL", STR), ("TEXT", STR), ("ENG TEXT", STR), ("WIDTH", I32), ("HEIGHT", I32)]
S13 += [("LANGUAGE", STR)]
S13 += [("similarity", F64), ("pwatermark", F32), ("punsafe", F32), ("prediction", F32)]
case(
    "S13",
    "laion2B-multi-joined-translated-to-en",
    S13,
    [
        (-5, U("a"), "ein Fuchs", "a fox", 640, 480, "de", 0.31, 0.75, 0.25, 5.5),
        (6, U("b"), "chien", None, 1, 2, "fr", 0.3, None, None, None),
        (7, U("c"), None, "dog", None, None, None, None, 0.0, 1.0, 0.5),
    ],
    [
        (U("a"), "ein Fuchs", 640, 480, 0.31, 0.25, 0.75, 5.5, None, "de", None, -5, None),
        (U("b"), "chien", 1, 2, 0.3, None, None, None, None, "fr", None, 6, None),
        (U("c"), None, None, None, None, 1.0, 0.0, 0.5, None, None, None, 7, None),
    ],
    own=["ENG TEXT"],
)
