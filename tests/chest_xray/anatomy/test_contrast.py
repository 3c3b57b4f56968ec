import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom import phantom

from monai_cars.chest_xray.anatomy import contrast_unit

FILM = phantom(size=(300, 280), seed=3, integer=False)


def test_the_unit_of_the_phantom_is_that_of_its_formulas():
    film = phantom(size=(512, 512))
    unit = contrast_unit(film.image, film.anatomy)
    # Ribs and vessels add a little attenuation to every smoothed lung value, the trachea takes some from the gap.
    assert unit.value == pytest.approx(film.contrast_unit, rel=0.1)
    assert unit.value == pytest.approx(unit.mediastinum - unit.aerated)
    assert 0.3 < unit.share < 1


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 300), st.floats(-5000, 5000))
def test_any_affine_scaling_maps_the_unit_along(slope, offset):
    before = contrast_unit(FILM.image.double(), FILM.anatomy)
    after = contrast_unit(FILM.image.double() * slope + offset, FILM.anatomy)
    assert after.value == pytest.approx(before.value * slope, rel=1e-5)
    assert after.mediastinum == pytest.approx(before.mediastinum * slope + offset, rel=1e-5, abs=1e-3 * slope)
    assert after.aerated == pytest.approx(before.aerated * slope + offset, rel=1e-5, abs=1e-3 * slope)
    assert after.share == pytest.approx(before.share, rel=1e-4)


def test_an_inverted_film_has_the_negative_unit_and_the_same_share():
    before, after = contrast_unit(FILM.image, FILM.anatomy), contrast_unit(-FILM.image, FILM.anatomy)
    assert after.value == pytest.approx(-before.value, rel=1e-5)
    assert after.share == pytest.approx(before.share, rel=1e-5)
    assert contrast_unit(-FILM.image, FILM.anatomy, inverted=True) == after


def test_the_better_lung_decides():
    image = FILM.image.clone()
    image[:, FILM.anatomy[1] > 0] = float(FILM.image.max())  # one lung whited out
    assert contrast_unit(image, FILM.anatomy).value == pytest.approx(
        contrast_unit(FILM.image, FILM.anatomy).value, rel=0.05
    )


def test_a_lower_half_opacity_barely_moves_it():
    image = FILM.image.clone()
    rows = torch.arange(image.shape[1])[:, None] > image.shape[1] // 2
    for side in (0, 1):
        image[0][(FILM.anatomy[side] > 0) & rows] += 0.5 * FILM.contrast_unit
    assert contrast_unit(image, FILM.anatomy).value == pytest.approx(
        contrast_unit(FILM.image, FILM.anatomy).value, rel=0.08
    )


def test_no_lung_no_gap_or_no_contrast_has_no_share():
    image = FILM.image
    assert contrast_unit(image, torch.zeros_like(FILM.anatomy)).share == 0
    touching = FILM.anatomy.clone()
    touching[0, :, :140], touching[1, :, 140:] = 1, 1
    assert contrast_unit(image, touching).share == 0
    assert contrast_unit(torch.ones_like(image), FILM.anatomy).share == 0


def test_both_must_have_one_size():
    with pytest.raises(ValueError, match="image and anatomy must have one size"):
        contrast_unit(torch.zeros(1, 10, 10), torch.zeros(3, 10, 11))


def test_large_and_small_copies_agree():
    large = phantom(size=(1200, 1100), seed=1)
    small = phantom(size=(300, 275), seed=1)
    ratio = contrast_unit(large.image, large.anatomy).value / contrast_unit(small.image, small.anatomy).value
    assert np.isclose(ratio, 1, atol=0.05)
