"""The working grid: block means down, registered fields up, ramps that start at zero."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, phantom

from monai_cars.chest_xray.editors.canvas.canvas import (
    Canvas,
    enlarge,
    feather,
    make_canvas,
    native_box,
    shrink,
    smooth_noise,
    smoothstep,
    uniform,
)
from monai_cars.edits.edit import Box, CannotEdit


@settings(max_examples=25, deadline=None)
@given(st.integers(5, 60), st.integers(5, 60), st.integers(1, 5))
def test_shrink_takes_the_mean_of_what_a_block_holds(height, width, factor):
    film = torch.rand(height, width, dtype=torch.float64)
    small = shrink(film, factor)
    for i in range(small.shape[0]):
        block = film[i * factor : (i + 1) * factor]
        assert float(small[i, -1]) == pytest.approx(float(block[:, (small.shape[1] - 1) * factor :].mean()))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 30), st.integers(0, 30), st.floats(-2, 2), st.floats(-2, 2))
def test_enlarge_is_registered_with_shrink(factor, top, left, slope_y, slope_x):
    """A linear field survives shrink and enlarge away from the film's border, wherever the crop lies."""
    y, x = np.mgrid[: 40 * factor, : 44 * factor].astype(np.float64) / factor
    native = torch.from_numpy(slope_y * y + slope_x * x + 1)
    small = shrink(native, factor).numpy()
    y0, x0 = 2 * factor + top, 2 * factor + left
    box = Box(y0, x0, min(y0 + 11, 38 * factor), min(x0 + 7, 42 * factor))
    back = enlarge(small, box, factor, torch.device("cpu"))
    assert back.shape == native[box.slices].shape
    assert torch.allclose(back.double(), native[box.slices], atol=1e-3)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_the_native_box_covers_the_mask_and_no_more(factor):
    mask = np.zeros((20, 30), bool)
    mask[3:7, 10:29] = True
    shape = torch.Size([20 * factor - (factor - 1), 29 * factor])
    box = native_box(mask, factor, shape)
    assert box == (3 * factor, 10 * factor, 7 * factor, min(29 * factor, shape[1]))
    with pytest.raises(CannotEdit, match="nothing is left to change where the edit was asked for"):
        native_box(mask & False, factor, shape)


def test_smoothstep_has_flat_ends_and_point_symmetry():
    x = np.linspace(-1, 2, 301)
    y = smoothstep(x)
    assert (y[x <= 0] == 0).all()
    assert (y[x >= 1] == 1).all()
    assert np.allclose(smoothstep(0.5 + x) + smoothstep(0.5 - x), 1)
    assert smoothstep(np.array(0.01)) < 4e-4
    assert (np.diff(y) >= 0).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 40), st.integers(3, 40), st.floats(0, 12), st.integers(0, 99))
def test_a_feather_starts_at_zero_on_the_outermost_pixels(height, width, ramp, seed):
    mask = np.random.default_rng(seed).uniform(size=(height, width)) < 0.9
    soft = feather(mask, ramp)
    rim = mask & ~(np.pad(mask, 1)[2:, 1:-1] & np.pad(mask, 1)[:-2, 1:-1])
    assert (soft[~mask] == 0).all()
    assert (soft[rim] == 0).all()
    assert 0 <= soft.min() <= soft.max() <= 1


def test_a_feather_reaches_one_its_width_inward():
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:50] = True
    assert feather(mask, 8)[30, 10 + 8] == 1.0
    assert feather(mask, 8)[30, 10 + 7] < 1.0


@settings(max_examples=15, deadline=None)
@given(st.integers(20, 90), st.integers(20, 90), st.floats(0.5, 20), st.integers(0, 2**31))
def test_smooth_noise_is_standardised_and_seeded(height, width, sigma, seed):
    draw = [smooth_noise((height, width), sigma, torch.Generator().manual_seed(s)) for s in (seed, seed, seed + 1)]
    assert draw[0].shape == (height, width)
    assert draw[0].mean() == pytest.approx(0, abs=1e-3)
    assert draw[0].std() == pytest.approx(1, abs=0.02)
    assert np.array_equal(draw[0], draw[1])
    assert not np.array_equal(draw[0], draw[2])


@given(st.floats(-5, 5), st.floats(0, 5), st.integers(0, 99))
def test_uniform_keeps_its_bounds(low, width, seed):
    value = uniform(low, low + width, torch.Generator().manual_seed(seed))
    assert low <= value <= low + width + 1e-9


@pytest.mark.parametrize(("size", "factor"), [((256, 300), 1), ((1100, 1024), 2)])
def test_a_canvas_is_the_film_in_contrast_units(size, factor):
    drawn = phantom(size=size)
    film = drawn_film(drawn)
    canvas = make_canvas(film.image, drawn.anatomy, film.unit, spacing=film.spacing, position="erect")
    assert canvas.factor == factor
    assert canvas.u.shape == canvas.anatomy.shape[1:] == tuple(-(-n // factor) for n in size)
    back = canvas.native * film.unit.value + film.unit.aerated
    assert torch.allclose(back, film.image[0], atol=1e-3 * film.unit.value)
    assert canvas.millimetres(10) * canvas.spacing == pytest.approx(10)
    assert canvas.feature == pytest.approx(1 / canvas.spacing)


def test_a_film_without_scale_has_no_millimetres_but_a_feature_size():
    drawn = phantom(size=(400, 400))
    film = drawn_film(drawn)
    canvas = make_canvas(film.image, drawn.anatomy, film.unit, spacing=None, position=None)
    with pytest.raises(CannotEdit, match="the film has no pixel spacing and none could be estimated; give one with"):
        canvas.millimetres(10)
    assert isinstance(canvas, Canvas)
    assert canvas.feature == pytest.approx(1 / drawn.spacing[0], rel=0.05)
