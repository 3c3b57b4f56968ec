import math

import pytest
import torch
from phantom import phantom

from monai_cars.chest_xray.anatomy import cardiothoracic_ratio, estimate_spacing, lung_areas, thoracic_width


@pytest.mark.parametrize("heart_width", [0.3, 0.36, 0.5])
def test_the_ratio_of_the_phantom_is_that_of_its_formulas(heart_width):
    film = phantom(size=(600, 500), heart_width=heart_width)
    assert cardiothoracic_ratio(film.anatomy) == pytest.approx(film.cardiothoracic_ratio, abs=0.02)


def test_a_spur_of_the_heart_does_not_widen_it():
    masks = torch.zeros(3, 200, 100)
    masks[0, :, 10:40] = masks[1, :, 60:90] = 1
    masks[2, 50:150, 30:70] = 1
    clean = cardiothoracic_ratio(masks)
    masks[2, 100, 0:100] = 1
    assert cardiothoracic_ratio(masks) == clean == 0.5


def test_the_ratio_is_nan_without_a_heart_or_a_lung():
    masks = torch.zeros(3, 40, 40)
    masks[2, 10:20, 10:20] = 1
    assert math.isnan(cardiothoracic_ratio(masks))
    masks[0, :, 1:5] = masks[1, :, 30:35] = 1
    masks[2] = 0
    assert math.isnan(cardiothoracic_ratio(masks))


def test_width_is_taken_on_one_row():
    masks = torch.zeros(3, 2, 100)
    masks[0, 0, 0:40], masks[1, 0, 50:80] = 1, 1
    masks[0, 1, 20:40], masks[1, 1, 50:100] = 1, 1
    assert thoracic_width(masks) == 80


def test_areas_follow_the_spacing():
    film = phantom(size=(256, 256))
    one, four = lung_areas(film.anatomy, (1.0, 1.0)), lung_areas(film.anatomy, (2.0, 2.0))
    assert one["right"] * 4 == pytest.approx(four["right"])
    assert one["right"] * 100 == float((film.anatomy[0] > 0).sum())


def test_areas_need_a_spacing():
    with pytest.raises(ValueError, match=r"spacing must be two positive numbers .* see estimate_spacing"):
        lung_areas(torch.ones(3, 4, 4), (0.0, 1.0))


def test_the_estimated_spacing_of_the_phantom_is_its_own():
    film = phantom(size=(512, 400))
    assert estimate_spacing(film.anatomy, 60)[0] == pytest.approx(film.spacing[0], rel=0.03)


def test_children_and_missing_lungs_have_no_estimate():
    anatomy = phantom(size=(128, 128)).anatomy
    assert estimate_spacing(anatomy, 3) is None
    assert estimate_spacing(torch.zeros(3, 9, 9)) is None
    assert estimate_spacing(anatomy, None) == estimate_spacing(anatomy, 40)
