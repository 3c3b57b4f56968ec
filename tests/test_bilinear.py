"""Bilinear interpolation where it is needed: torch's own values, and its signs without the pixels between."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from monai_cars.networks.bilinear import interpolated, positive, sources

SIDES = st.integers(2, 40)


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def by_torch(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return interpolate(torch.from_numpy(values)[None], size=shape, mode="bilinear", align_corners=False)[0].numpy()


@settings(max_examples=30, deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, st.integers(1, 5))
def test_every_so_many_pixels_are_those_of_the_whole(h, w, height, width, step):
    values = drawn(h * w, 1, h, w)
    rows, columns = (sources(*pair).at(slice(None, None, step)) for pair in ((h, height), (w, width)))
    whole = by_torch(values, (height, width))[0]
    np.testing.assert_allclose(interpolated(values[0], rows, columns), whole[::step, ::step], rtol=0, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(SIDES, SIDES, SIDES, SIDES)
def test_signs_are_those_of_the_whole(h, w, height, width):
    values = drawn(h + w, 3, h, w)
    whole = by_torch(values, (height, width))
    clear = np.abs(whole) > 1e-5
    found = positive(values, (height, width))
    assert found.dtype == np.uint8
    assert set(np.unique(found)) <= {0, 1}
    assert ((found > 0) == (whole > 0))[clear].all()


@pytest.mark.parametrize("side", [1, 5])
def test_a_grid_of_the_films_own_size_stays_as_it_is(side):
    values = drawn(side, 3, side, side)
    same = sources(side, side)
    assert np.array_equal(interpolated(values[0], same, same), values[0])
    assert np.array_equal(positive(values, (side, side)), values > 0)


def test_weights_are_a_mean():
    found = sources(7, 50)
    assert np.allclose(found.near + found.far, 1)
    assert found.first.min() == 0
    assert found.second.max() == 6
