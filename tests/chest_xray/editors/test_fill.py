"""The membrane: exact for harmonic fields, blind to what is not trusted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.editors.canvas.fill import harmonic_fill
from monai_cars.edits.edit import CannotEdit


def _grid(shape):
    return np.mgrid[: shape[0], : shape[1]].astype(float)


def _disc(shape, centre, radius):
    y, x = _grid(shape)
    return np.hypot(y - centre[0], x - centre[1]) < radius


@settings(max_examples=20, deadline=None)
@given(st.integers(40, 320), st.integers(40, 320), *[st.floats(-3, 3)] * 3, st.floats(0.1, 0.4))
def test_a_linear_field_is_filled_exactly(height, width, slope_y, slope_x, level, share):
    y, x = _grid((height, width))
    field = slope_y * y + slope_x * x + level
    for hole in (
        _disc((height, width), (height / 2, width / 2), share * min(height, width)),
        (np.abs(y - height / 2) < share * height) & (np.abs(x - width / 2) < share * width),
    ):
        assert np.allclose(harmonic_fill(field, hole, ~hole), field, atol=1e-8 * (height + width))


def test_a_harmonic_saddle_is_filled_almost_exactly():
    y, x = _grid((80, 80)) - 40
    field = (x**2 - y**2) / 100
    hole = _disc((80, 80), (40, 40), 25)
    assert np.abs(harmonic_fill(field, hole, ~hole) - field).max() < 0.01 * np.ptp(field)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.floats(4, 40))
def test_the_fill_stays_between_its_borders_values_and_the_rest_stays(seed, radius):
    rng = np.random.default_rng(seed)
    field = rng.uniform(-1, 1, (120, 130))
    hole = _disc(field.shape, (60, 65), radius)
    filled = harmonic_fill(field, hole, ~hole)
    assert np.array_equal(filled[~hole], field[~hole])
    assert filled[hole].min() >= field[~hole].min() - 1e-9
    assert filled[hole].max() <= field[~hole].max() + 1e-9


def test_what_the_hole_held_does_not_matter():
    field = np.random.default_rng(0).uniform(size=(90, 90))
    hole = _disc(field.shape, (45, 45), 20)
    other = np.where(hole, 100.0, field)
    assert np.array_equal(harmonic_fill(field, hole, ~hole)[hole], harmonic_fill(other, hole, ~hole)[hole])


def test_untrusted_border_exerts_no_pull():
    field = np.full((90, 90), 0.2)
    field[:, 45:] = 5.0  # a heart beside the lung
    hole = _disc(field.shape, (45, 40), 15)
    trusted = np.zeros_like(hole)
    trusted[:, :45] = True
    assert np.allclose(harmonic_fill(field, hole, trusted)[hole], 0.2)


@pytest.mark.parametrize("trusted_rows", [0, 3])
def test_too_little_trusted_border_is_refused(trusted_rows):
    hole = _disc((90, 90), (45, 45), 20)
    trusted = np.zeros_like(hole)
    trusted[24 : 24 + trusted_rows] = True
    with pytest.raises(CannotEdit, match="too little lung around the region to continue into it"):
        harmonic_fill(np.ones((90, 90)), hole, trusted)


def test_a_hole_that_is_the_whole_film_is_refused():
    hole = np.ones((40, 40), bool)
    with pytest.raises(CannotEdit, match="too little lung around"):
        harmonic_fill(np.ones((40, 40)), hole, ~hole)
