"""Strands along the bronchi, acinar mottle, the bronchial tree and where patches lie."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, phantom
from scipy import ndimage

from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.lung.airways import LOBAR_MM, Airways
from monai_cars.chest_xray.editors.lung.lung_texture import mottle, strands
from monai_cars.chest_xray.editors.lung.parenchyma import Lung
from monai_cars.chest_xray.editors.lung.patches import APART_MM, centres, patch_distance
from monai_cars.chest_xray.editors.lung.septal_lines import HEIGHTS, STRENGTH, septal_lines

FILM = phantom(size=(256, 256))


def _lung(side="right", film=FILM):
    seen = drawn_film(film)
    canvas = make_canvas(film.image, film.anatomy, seen.unit, spacing=seen.spacing, position="erect")
    return Lung(canvas.around(side)[0], side)


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


LUNG = _lung()


def test_strands_are_longer_along_the_rays_than_across():
    lung = _lung(film=phantom(size=(512, 512)))
    # Below the hilum rays run down: neighbours in a column are more alike than neighbours in a row.
    dy, dx = lung.from_hilum
    below = lung.field & (np.abs(dx) < 0.35 * dy)
    field = strands(lung, _generator(3))
    down, right = (np.abs(np.diff(field, axis=a)) for a in (0, 1))
    assert down[below[:-1]].mean() < 0.85 * right[below[:, :-1]].mean()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.1, 0.4))
def test_mottle_is_a_positive_factor_of_mean_one(seed, amount):
    factor = mottle(LUNG, _generator(seed), amount)
    assert factor.min() > 0
    assert factor[LUNG.field].mean() == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("side", ["right", "left"])
def test_airways_start_at_the_hilum_and_taper(side):
    lung = _lung(side)
    airways = Airways(lung, _generator())
    row, column = (round(c) for c in lung.hilum)
    assert airways.distance[row - 8 : row + 9, column - 2 : column + 3].min() < 2.0
    on_line = airways.distance == 0
    far = np.hypot(*lung.from_hilum)[on_line]
    radius = airways.radius[on_line]
    assert radius.max() <= LOBAR_MM
    assert radius[far > np.median(far)].mean() < radius[far <= np.median(far)].mean()
    assert 0.5 < airways.lumen().max() <= 1.01
    assert airways.walls(1.0).min() >= 0.0
    assert airways.walls(1.0).max() <= 1.0


def test_centres_lie_in_the_zone_apart_from_each_other():
    places = centres(LUNG, "lower", _generator(), count=3, low=0.0, central=0.0)
    assert all(LUNG.height[row, 0] > 0.6 and LUNG.free[row, column] for row, column in places)
    for i, one in enumerate(places):
        for other in places[i + 1 :]:
            assert np.hypot(one[0] - other[0], one[1] - other[1]) / LUNG.mm > 0.9 * APART_MM


def test_centres_within_a_spread_stay_near_the_first():
    first, *others = centres(LUNG, None, _generator(1), count=3, low=0.0, central=0.0, spread_mm=30.0)
    assert others
    assert all(np.hypot(y - first[0], x - first[1]) / LUNG.mm < 34 for y, x in others)


def test_patches_grow_from_their_centres_and_into_the_zone_first():
    distance = patch_distance(LUNG, [(140, 60)], None, _generator())
    assert distance[LUNG.field].min() == 0
    zoned = patch_distance(LUNG, [(140, 60)], "lower", _generator())
    outside = LUNG.beyond_zone("lower") > 10
    assert (zoned - distance)[outside & LUNG.field].mean() > 20


@pytest.mark.parametrize("side", ["right", "left"])
def test_septal_lines_are_short_thin_and_at_the_lateral_base(side):
    lung = _lung(side)
    lines = septal_lines(lung, _generator())
    seen = lines > 0.4 * STRENGTH[0]
    assert seen.any()
    rows = np.flatnonzero(seen.any(1))
    assert lung.height[rows[0], 0] > HEIGHTS[0] - 0.05
    wall = ndimage.distance_transform_edt(lung.field) / lung.mm
    assert wall[seen & lung.field].max() < 30
    assert lines.max() < 1.6 * STRENGTH[1]
