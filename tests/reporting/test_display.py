import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from monai_cars.reporting.display import (
    Window,
    bounds,
    crop_around,
    difference_colours,
    difference_limit,
    encode,
    outlines,
    window_of,
)


@settings(max_examples=40, deadline=None)
@given(scale=st.floats(0.01, 1e4), shift=st.floats(-100, 100))
def test_a_picture_does_not_depend_on_the_affine_scale_of_its_film(scale, shift):
    image = np.random.default_rng(0).normal(size=(32, 32))
    moved = scale * (image + shift)
    plain, other = window_of(image)(image).astype(int), window_of(moved)(moved).astype(int)
    assert np.abs(plain - other).max() <= 1


def test_the_region_decides_the_window_not_the_collimated_border():
    image = np.full((100, 100), 4095.0)
    image[30:70, 30:70] = np.linspace(100, 200, 40)
    region = np.zeros((100, 100), bool)
    region[30:70, 30:70] = True
    window = window_of(image, region)
    assert 100 <= window.low < window.high <= 200
    assert window_of(image, np.zeros_like(region)).high == 4095


def test_a_constant_film_has_a_picture():
    assert np.isfinite(Window(3.0, 3.0)(np.full((2, 2), 3.0))).all()


@settings(max_examples=40, deadline=None)
@given(y=st.integers(0, 60), x=st.integers(0, 40), h=st.integers(1, 40), w=st.integers(1, 40))
def test_a_crop_holds_its_mask_and_stays_on_the_film(y, x, h, w):
    mask = np.zeros((100, 80), bool)
    mask[y : y + h, x : x + w] = True
    rows, columns = crop_around(mask)
    assert mask[rows, columns].sum() == mask.sum()
    assert 0 <= rows.start < rows.stop <= 100
    assert 0 <= columns.start < columns.stop <= 80


def test_an_empty_mask_shows_the_whole_film():
    assert crop_around(np.zeros((10, 12), bool)) == (slice(0, 10), slice(0, 12))
    with pytest.raises(ValueError, match="mask must hold at least one pixel"):
        bounds(np.zeros((3, 3), bool))


def test_outlines_enclose_the_mask_also_at_the_border_and_around_holes():
    mask = np.ones((10, 10), bool)
    mask[4:6, 4:6] = False
    rings = outlines(mask, tolerance=0)
    assert len(rings) == 2
    assert all((ring[0] == ring[-1]).all() for ring in rings)


def test_the_colour_bar_is_symmetric_and_white_at_zero():
    ramp = difference_colours(np.linspace(-0.3, 0.3, 7)[None], 0.3)[0].astype(int)
    assert ramp[3].tolist() == [255, 255, 255]
    assert ramp[0, 2] > ramp[0, 0], "less attenuation must be blue"
    assert ramp[-1, 0] > ramp[-1, 2], "more attenuation must be red"
    assert difference_limit(np.zeros((2, 2))) == 0.05


def test_a_lossless_picture_comes_back_as_it_was(tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(encode(picture))
    np.testing.assert_array_equal(Image.open(tmp_path / "a.png"), picture)
    assert encode(picture, quality=80)[:2] == b"\xff\xd8"
