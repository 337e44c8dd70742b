"""The sizes that come out, as img2dataset 1.47 makes them; typed from a run of its own Resizer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.errors import PolicyError
from laion_pairs.images.pixels import RESIZE_MODES, Resize

AS_IT_WAS = None
SIZES = {
    # width, height: keep_ratio, keep_ratio_largest, and whether only_if_bigger leaves each alone; size is 256
    (300, 700): ((256, 597), (110, 256), False, False),  # tall
    (900, 500): ((461, 256), (256, 142), False, False),  # wide
    (20, 30): ((256, 384), (171, 256), True, True),  # tiny
    (256, 256): ((256, 256), (256, 256), True, True),  # exact
    (256, 400): ((256, 400), (164, 256), True, False),
    (400, 256): ((400, 256), (256, 164), True, False),
    (333, 257): ((332, 256), (256, 198), False, False),  # odd
    (511, 1023): ((256, 513), (128, 256), False, False),
    (640, 427): ((384, 256), (256, 171), False, False),
    (10, 1000): ((256, 25_600), (3, 256), True, False),
    (214, 300): ((256, 359), (183, 256), True, False),
    (1200, 300): ((1024, 256), (256, 64), False, False),
    (255, 255): ((256, 256), (256, 256), True, True),
    (2, 3000): ((256, 384_000), (1, 256), True, False),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("only_if_bigger", [False, True])
def test_sizes_are_those_of_img2dataset(size, only_if_bigger):
    smaller, larger, alone_by_smaller, alone_by_larger = SIZES[size]
    wanted = {
        "no": size,
        "keep_ratio": size if only_if_bigger and alone_by_smaller else smaller,
        "center_crop": size if only_if_bigger and alone_by_smaller else (256, 256),
        "keep_ratio_largest": size if only_if_bigger and alone_by_larger else larger,
        "border": size if only_if_bigger and alone_by_larger else (256, 256),
    }
    for mode in RESIZE_MODES:
        result = Resize(mode=mode, only_if_bigger=only_if_bigger).geometry(*size)
        assert (result.width, result.height) == wanted[mode], mode


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [((333, 257), (29, 227), (0, 256)), ((257, 333), (0, 256), (29, 227)), ((640, 427), (42, 213), (0, 256))],
)
def test_where_img2dataset_puts_the_picture_in_its_border(size, rows, columns):
    result = Resize(mode="border").geometry(*size)
    assert (-result.top, -result.top + result.scaled_height) == rows
    assert (-result.left, -result.left + result.scaled_width) == columns


@pytest.mark.parametrize(("width", "first_column"), [(9, 2), (10, 3), (11, 3), (4, 0), (5, 0), (7, 1)])
def test_which_middle_img2dataset_cuts_out(width, first_column):
    assert Resize(size=4).geometry(width, 4).left == first_column


SIDES = st.integers(1, 65_535)


@given(SIDES, SIDES, st.sampled_from(RESIZE_MODES), st.integers(1, 4096), st.booleans())
def test_a_result_lies_in_or_around_the_scaled_picture(width, height, mode, size, only_if_bigger):
    result = Resize(mode=mode, size=size, only_if_bigger=only_if_bigger).geometry(width, height)
    for scaled, start, side in (
        (result.scaled_width, result.left, result.width),
        (result.scaled_height, result.top, result.height),
    ):
        assert scaled >= 1
        assert side >= 1
        assert 0 <= start <= start + side <= scaled or start <= 0 <= scaled - start <= side
    turned = Resize(mode=mode, size=size, only_if_bigger=only_if_bigger).geometry(height, width)
    assert (turned.width, turned.height) == (result.height, result.width)


WRONG = [
    ({"mode": "stretch"}, "resize must be one of no, border, keep_ratio, keep_ratio_largest, center_crop"),
    ({"mode": None}, "resize must be one of"),
    ({"mode": []}, "resize must be one of"),
    ({"size": 0}, "size must be a whole number from 1 to 16384, got 0"),
    ({"size": 16_385}, "size must be"),
    ({"size": 256.0}, "size must be"),
    ({"size": True}, "size must be"),
    ({"only_if_bigger": 1}, "only_if_bigger must be True or False"),
    ({"min_side_px": -1}, "min_side_px must be a whole number of at least 0"),
    ({"max_area_px": 0}, "max_area_px must be a whole number of at least 1"),
    ({"max_aspect_ratio": 0.5}, "max_aspect_ratio must be a number of at least 1"),
    ({"max_aspect_ratio": float("nan")}, "max_aspect_ratio must be"),
    ({"max_aspect_ratio": "3"}, "max_aspect_ratio must be"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_options_are_said(options, message):
    with pytest.raises(PolicyError, match=message):
        Resize(**options)
