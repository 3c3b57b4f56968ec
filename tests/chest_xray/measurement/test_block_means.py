"""Means on a coarser grid: the filter's own values at the pixels that are kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from monai_cars.chest_xray.measurement.block_means import block_means
from monai_cars.chest_xray.measurement.opacified import _means


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 9), st.integers(1, 9))
def test_they_are_the_filters(height, width, size, step):
    film = np.random.default_rng(height * width).normal(size=(height, width)).astype(np.float32)
    found = block_means(film, size, step)
    assert found.dtype == film.dtype
    np.testing.assert_allclose(found, ndi.uniform_filter(film, size)[::step, ::step], rtol=0, atol=1e-6)


@pytest.mark.parametrize("rows", [slice(0, 9), slice(40, 41), slice(70, 100), slice(0, 0)])
@pytest.mark.parametrize("columns", [slice(0, 1), slice(20, 60), slice(79, 80)])
def test_what_lies_beyond_the_edit_gained_nothing(rows, columns):
    gain = np.zeros((100, 80), np.float32)
    gain[rows, columns] = 1.0
    np.testing.assert_allclose(_means(gain, 7, 3), ndi.uniform_filter(gain, 7)[::3, ::3], rtol=0, atol=1e-6)
