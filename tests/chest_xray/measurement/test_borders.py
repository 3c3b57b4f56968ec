"""Borders are measured from films alone: closed forms on drawn films, and nothing where nothing moved."""

import numpy as np
import pytest
import torch

from monai_cars.chest_xray.anatomy import ContrastUnit, cardiothoracic_ratio
from monai_cars.chest_xray.measurement import measure

UNIT = ContrastUnit(value=200.0, mediastinum=200.0, aerated=0.0, share=0.5)
SHAPE = (300, 400)
INNER, OUTER, MIDDLE = (40, 360), (180, 220), slice(120, 260)  # thorax, gap between the fields, rows of the heart


def _masks() -> torch.Tensor:
    masks = torch.zeros(3, *SHAPE, dtype=torch.uint8)
    masks[0, 20:260, INNER[0] : OUTER[0]] = masks[1, 20:260, OUTER[1] : INNER[1]] = 1
    masks[2, MIDDLE, 130:280] = 1
    return masks


def _film(heart: tuple[int, int] = (130, 280), gap: tuple[int, int] = OUTER, floor: int = 260, seed: int = 0):
    """(1, H, W): lung 0, everything else 200, a little grain."""
    film = torch.full(SHAPE, 200.0)
    film[20:floor, INNER[0] : INNER[1]] = 0.0
    film[20:floor, gap[0] : gap[1]] = 200.0
    film[MIDDLE, heart[0] : heart[1]] = 160.0
    film[MIDDLE, OUTER[0] : OUTER[1]] = 200.0
    return (film + 4 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed)))[None]


def _value(finding: str, before: torch.Tensor, after: torch.Tensor, operation: str = "insert", spacing=(1.0, 1.0)):
    found = measure(finding, before, after, _masks(), unit=UNIT, spacing=spacing, operation=operation)
    return None if found is None else found.value


def test_without_a_change_the_ratio_is_that_of_the_masks():
    ratio = cardiothoracic_ratio(_masks())
    assert _value("enlarged heart", _film(), _film()) == pytest.approx(ratio)
    assert _value("enlarged heart", _film(), _film(), "delete") == pytest.approx(ratio)


@pytest.mark.parametrize("heart", [(130, 300), (120, 310), (110, 330)])
def test_a_wider_heart_has_the_ratio_of_its_width(heart):
    expected = (heart[1] - heart[0]) / (INNER[1] - INNER[0])
    assert _value("enlarged heart", _film(), _film(heart)) == pytest.approx(expected, abs=0.012)


@pytest.mark.parametrize("heart", [(140, 260), (150, 250)])
def test_a_deleted_enlargement_has_the_ratio_of_the_smaller_heart(heart):
    expected = (heart[1] - heart[0]) / (INNER[1] - INNER[0])
    assert _value("enlarged heart", _film(), _film(heart), "delete") == pytest.approx(expected, abs=0.012)


def test_density_alone_is_no_enlargement():
    """More density within the silhouette, a faint haze beside it, an opacity apart from it: the heart is as wide."""
    ratio = cardiothoracic_ratio(_masks())
    denser, hazy, apart = _film(), _film(), _film()
    denser[0, MIDDLE, 130:280] += 60.0
    hazy[0, MIDDLE, 280:330] += 30.0
    apart[0, 150:200, 310:340] += 160.0
    for after in (denser, hazy, apart):
        assert _value("enlarged heart", _film(), after) == pytest.approx(ratio, abs=0.012)


def test_a_ratio_needs_a_heart():
    masks = _masks()
    masks[2] = 0
    assert measure("enlarged heart", _film(), _film(), masks, unit=UNIT, spacing=(1.0, 1.0)) is None


@pytest.mark.parametrize("added", [10, 24, 40])
def test_a_wider_mediastinum_is_wider_by_what_was_added(added):
    wide = _film()
    wide[0, 40:110, OUTER[0] - added // 2 : OUTER[1] + added // 2] = 200.0
    assert _value("enlarged cardiomediastinum", _film(), wide) == pytest.approx(added, abs=2.5)
    assert _value("enlarged cardiomediastinum", wide, _film(), "delete") == pytest.approx(added, abs=2.5)


def test_a_larger_heart_is_no_wider_mediastinum():
    assert _value("enlarged cardiomediastinum", _film(), _film()) == pytest.approx(0.0, abs=0.5)
    low = _film()
    low[0, 190:260, 280:330] = 160.0
    assert _value("enlarged cardiomediastinum", _film(), low) < 3.0


@pytest.mark.parametrize("height", [6, 15, 30])
def test_a_raised_contour_is_as_high_as_it_was_drawn(height):
    raised = _film()
    raised[0, 260 - height : 260, 60:110] = 200.0
    assert _value("irregular diaphragm", _film(), raised) == pytest.approx(height, abs=1.5)


def test_an_opacity_above_the_diaphragm_is_no_contour():
    apart = _film()
    apart[0, 150:190, 60:110] = 200.0
    assert _value("irregular diaphragm", _film(), apart) == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize("finding", ["enlarged cardiomediastinum", "irregular diaphragm"])
def test_millimetres_need_a_scale(finding):
    assert _value(finding, _film(), _film(), spacing=None) is None


@pytest.mark.parametrize("scale", [2.0**-6, 32.0])
def test_the_films_scale_does_not_matter(scale):
    before, after = _film(), _film((120, 310))
    unit = ContrastUnit(scale * 200.0, scale * 200.0, 0.0, 0.5)
    scaled = measure("enlarged heart", scale * before, scale * after, _masks(), unit=unit, spacing=(1.0, 1.0))
    assert scaled.value == pytest.approx(_value("enlarged heart", before, after))


def test_a_large_film_is_measured_as_its_small_copy():
    before, after = (film.repeat_interleave(3, 1).repeat_interleave(3, 2) for film in (_film(), _film((120, 310))))
    masks = _masks().repeat_interleave(3, 1).repeat_interleave(3, 2)
    large = measure("enlarged heart", before, after, masks, unit=UNIT, spacing=(1 / 3, 1 / 3))
    assert large.value == pytest.approx(_value("enlarged heart", _film(), _film((120, 310))), abs=0.01)
    assert np.isfinite(large.value)
