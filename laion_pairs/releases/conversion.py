"""From a file's column to a canonical one: whole arrays at a time, nulls kept, impossible values set null and counted.

================  ==========================================================================================
canonical         kept, else null and counted by reason
================  ==========================================================================================
similarity        -1 to 1 (a cosine; 6016.0 was published), not NaN
punsafe,          0 to 1, not NaN
pwatermark
aesthetic         -5 to 15, not NaN: the heads are linear and not clipped, so half the scale beyond either end
width, height     whole numbers from 1 to 2³¹ - 1; float64 where a file went through pandas
nsfw              UNLIKELY, UNSURE, NSFW, in any case, spaces around them ignored
digest            32 (md5) or 64 (sha256) hexadecimal digits; becomes md5:<hex> or sha256:<hex> in lower case
================  ==========================================================================================

Text is kept as published; what is not UTF-8 is null and counted; the empty string is null, uncounted: it says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from laion_pairs.schema import SCHEMA

__all__ = ["Converted", "can_convert", "convert"]

_SCORE_RANGES = {"similarity": (-1.0, 1.0), "punsafe": (0.0, 1.0), "pwatermark": (0.0, 1.0), "aesthetic": (-5.0, 15.0)}
_SIZES = ("width", "height")
_MAX_PIXELS = 2**31 - 1
_NSFW = pa.array(["UNLIKELY", "UNSURE", "NSFW"])
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


class Converted(NamedTuple):
    """A canonical array, and how many of its values were set null for which reason."""

    array: pa.Array
    nulled: Mapping[str, int]


def can_convert(name: str, type: pa.DataType) -> bool:
    """Whether a file's column of that type can become the canonical column ``name``."""
    if pa.types.is_null(type):
        return True
    if name == "pair_id":
        return bool(pa.types.is_integer(type))  # 64-bit hashes do not survive float64
    if name in _SCORE_RANGES or name in _SIZES:
        numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
        return _is_text(type) or any(is_kind(type) for is_kind in numeric)
    return _is_text(type) or bool(pa.types.is_dictionary(type) and _is_text(type.value_type))


def convert(name: str, values: pa.Array) -> Converted:
    """Return ``values`` as the canonical column ``name``. Precondition: ``can_convert(name, values.type)``."""
    if name in _SCORE_RANGES:
        return _score(values, *_SCORE_RANGES[name])
    if name in _SIZES:
        return _pixels(values)
    if name == "nsfw":
        return _nsfw(_utf8(_text(values)).array)
    if name == "digest":
        return _digest(_utf8(_text(values)).array)
    if name == "pair_id":
        return Converted(values.cast(SCHEMA.field(name).type), {})
    return _utf8(_text(values))


def _is_text(type: pa.DataType) -> bool:
    return bool(pa.types.is_string(type) or pa.types.is_large_string(type))


def _text(values: pa.Array) -> pa.StringArray:
    text = values.cast(pa.string())
    empty = pc.equal(text, "")
    return pc.if_else(empty, None, text) if pc.any(empty).as_py() else text


def _utf8(text: pa.StringArray) -> Converted:
    """Parquet does not promise that its text is UTF-8, and one value that is not would end the stream."""
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        broken = [value is not None and not _is_utf8(value) for value in text.cast(pa.binary()).to_pylist()]
        return _reject(text, {"not UTF-8": pa.array(broken)}, {})
    return Converted(text, {})


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _score(values: pa.Array, low: float, high: float) -> Converted:
    numbers, nulled = _numbers(values)
    scores = numbers.cast(pa.float32(), safe=False)
    if _all_within(scores, low, high):
        return Converted(scores, nulled)
    out_of_range = pc.or_(pc.less(scores, low), pc.greater(scores, high))
    return _reject(scores, {"not a number": pc.is_nan(scores), "out of range": out_of_range}, nulled)


def _pixels(values: pa.Array) -> Converted:
    numbers, nulled = _numbers(values)
    if pa.types.is_integer(numbers.type) and _all_within(numbers, 1, _MAX_PIXELS):
        return Converted(numbers.cast(pa.int32()), nulled)
    sizes = numbers.cast(pa.float64(), safe=False)  # exact for every int32
    too_small, too_large = pc.less(sizes, 1), pc.greater(sizes, _MAX_PIXELS)
    broken = pc.and_not(pc.not_equal(pc.floor(sizes), sizes), pc.or_(pc.is_nan(sizes), pc.or_(too_small, too_large)))
    reasons = {
        "not a number": pc.is_nan(sizes),
        "not positive": too_small,
        "too large": too_large,
        "not a whole number": broken,
    }
    kept = _reject(sizes, reasons, nulled)
    return Converted(kept.array.cast(pa.int32()), kept.nulled)


def _all_within(numbers: pa.Array, low: float, high: float) -> bool:
    """Whether no value is to be rejected, which is nearly always so and quickly known; a sum is NaN if a value is."""
    least, most = pc.min_max(numbers).values()
    if not least.is_valid:
        return False
    is_number = pa.types.is_integer(numbers.type) or not math.isnan(pc.sum(numbers).as_py())
    return bool(is_number and low <= least.as_py() and most.as_py() <= high)


def _nsfw(text: pa.StringArray) -> Converted:
    words = pc.utf8_upper(pc.utf8_trim_whitespace(text))
    unknown = pc.and_(pc.is_valid(words), pc.invert(pc.is_in(words, value_set=_NSFW)))
    return _reject(words, {"unknown value": unknown}, {})


def _digest(text: pa.StringArray) -> Converted:
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(text))
    digits = pc.replace_substring_regex(lower, "^(md5|sha256):", "")
    is_md5 = pc.match_substring_regex(lower, "^(md5:)?[0-9a-f]{32}$")
    is_sha256 = pc.match_substring_regex(lower, "^(sha256:)?[0-9a-f]{64}$")
    digests = pc.binary_join_element_wise(pc.if_else(is_md5, "md5", "sha256"), digits, ":")
    return _reject(digests, {"not a hash": pc.invert(pc.or_(is_md5, is_sha256))}, {})


def _numbers(values: pa.Array) -> Converted:
    """Text that spells a number becomes one; integers, floats and decimals stay."""
    if pa.types.is_decimal(values.type):
        return Converted(values.cast(pa.float64()), {})
    if not _is_text(values.type):
        return Converted(values, {})
    text = _text(values)
    spelled = _reject(text, {"not a number": pc.invert(pc.match_substring_regex(text, _NUMBER))}, {})
    return Converted(spelled.array.cast(pa.float64()), spelled.nulled)


def _reject(values: pa.Array, reasons: Mapping[str, pa.BooleanArray], before: Mapping[str, int]) -> Converted:
    """``values`` with null where a reason holds (the reasons exclude each other), counted on top of ``before``."""
    nulled = dict(before)
    for reason, rejected in reasons.items():
        count = pc.sum(rejected).as_py() or 0
        if count:
            nulled[reason] = nulled.get(reason, 0) + count
            values = pc.if_else(pc.fill_null(rejected, False), None, values)
    return Converted(values, nulled)
