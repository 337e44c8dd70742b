"""One filter, two libraries: the same picture; and no box that either refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pixel_pictures import photograph, psnr_db

from laion_pairs.images.pixels import RESIZE_MODES, Resize, resampling
from laion_pairs.images.pixels.raster import Raster

pytest.importorskip("cykooz_resizer", reason="no wheel for this machine: Pillow does the work")
SIDES = st.integers(1, 200)


@settings(deadline=None)
@given(
    SIDES,
    SIDES,
    st.floats(0, 0.99),
    st.floats(0, 0.99),
    st.sampled_from(RESIZE_MODES),
    st.integers(1, 150),
)
def test_the_fast_library_and_pillow_agree(columns, rows, cut_right, cut_below, mode, size):
    pixels = np.asarray(photograph(200, 200))[:rows, :columns]
    raster = Raster(pixels, columns - cut_right if columns > 1 else 1, rows - cut_below if rows > 1 else 1)
    geometry = Resize(mode=mode, size=size).geometry(columns * 2, rows * 2)
    if geometry.width * geometry.height > 200_000:
        return
    fast = resampling.resample(raster, geometry)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resampling, "cykooz_resizer", None)
        slow = resampling.resample(raster, geometry)
    assert fast.shape == slow.shape == (geometry.height, geometry.width, 3)
    assert psnr_db(fast, slow) > 35  # they clip between their two passes, and may take these in another order


@pytest.mark.parametrize("size", [20, 45, 77, 150])
def test_a_crop_is_cut_from_the_scaled_picture_with_what_lay_around_it(size):
    raster = Raster(np.asarray(photograph(200, 120)), 200, 120)
    whole = resampling.resample(raster, Resize(mode="keep_ratio", size=size).geometry(200, 120)).astype(int)
    geometry = Resize(size=size).geometry(200, 120)
    crop = resampling.resample(raster, geometry)
    assert np.abs(crop - whole[:, geometry.left : geometry.left + size]).max() <= 1


def test_a_result_is_nobody_elses_memory():
    pixels = np.asarray(photograph(50, 40))
    for size in (40, 30, 10):
        result = resampling.resample(Raster(pixels, 50, 40), Resize(size=size).geometry(50, 40))
        assert not np.shares_memory(result, pixels)
        assert result.flags.writeable
