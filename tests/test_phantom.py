"""The phantom keeps what it promises, so that tests may build on it."""

import pytest
import torch
from phantom import phantom


def test_borders_do_not_depend_on_the_seed():
    assert torch.equal(phantom(seed=1).anatomy, phantom(seed=2).anatomy)


def test_the_ratio_of_the_formulas_is_the_ratio_of_the_masks():
    film = phantom(heart_width=0.40)
    heart = film.anatomy[2].any(0).nonzero()
    lungs = film.anatomy[:2].amax(0).any(0).nonzero()
    measured = (heart.max() - heart.min() + 1) / (lungs.max() - lungs.min() + 1)
    assert measured.item() == pytest.approx(film.cardiothoracic_ratio, abs=0.02)


def test_the_contrast_unit_is_what_the_film_shows():
    film = phantom(texture=0)
    right, left, heart = film.anatomy.bool()
    aerated = film.image[0][(right | left) & ~heart].quantile(0.1)
    rows = torch.arange(512)[:, None]
    gap = film.image[0][(rows > 190) & (rows < 300) & (torch.arange(512) > 240) & (torch.arange(512) < 268)]
    assert (gap.median() - aerated).item() == pytest.approx(film.contrast_unit, rel=0.1)


def test_lungs_lie_apart_and_the_patients_right_is_on_the_left_of_the_image():
    right, left, _ = phantom(size=(256, 320)).anatomy
    assert not (right & left).any()
    assert right.any(0).nonzero().max() < left.any(0).nonzero().min()
