"""How far a diffuse opacity may reach beyond its region."""

import numpy as np
import pytest
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.chest_xray.editors.canvas.extent import FARTHEST_MM, extent_of
from monai_cars.edits.edit import Region

SHAPE = (240, 260)


def _canvas(factor: int = 1) -> Canvas:
    anatomy = np.zeros((3, *SHAPE), bool)
    anatomy[0, 20:212, 20:116] = True
    anatomy[1, 20:212, 140:236] = True
    native = torch.zeros(SHAPE[0] * factor, SHAPE[1] * factor)
    return Canvas(np.zeros(SHAPE, np.float32), anatomy, factor, native, 1.0, "erect")


def _free(canvas: Canvas) -> np.ndarray:
    return canvas.anatomy[:2].any(0)


@pytest.mark.parametrize("factor", [1, 3])
def test_a_box_within_the_lung_falls_off_on_all_sides(factor):
    canvas = _canvas(factor)
    box = tuple(factor * edge for edge in (90.0, 50.0, 130.0, 90.0))
    region, extent = extent_of(canvas, Region(box=box), _free(canvas))
    assert region[110, 70]
    assert not region[80, 70]
    assert (extent[90:130, 50:90] > 0.99).all()
    assert 0 < extent[110, 46] < 1
    assert extent[110, 90 + int(FARTHEST_MM) + 1] == 0
    assert extent[90 - int(FARTHEST_MM) - 1, 70] == 0


def test_a_mask_is_all_within_and_falls_off_in_every_direction():
    mask = torch.zeros(SHAPE, dtype=torch.bool)
    mask[100:120, 60:80] = True
    region, extent = extent_of(_canvas(), Region(mask=mask), _free(_canvas()))
    assert np.array_equal(region, mask.numpy())
    assert (extent[region] == 1).all()
    falling = extent[110, 79 : 79 + int(FARTHEST_MM) + 2]
    assert (np.diff(falling) <= 0).all()
    assert falling[-1] == 0


@pytest.mark.parametrize(
    ("box", "inside", "outside"),
    [
        (
            (90.0, 30.0, 130.0, 80.0),
            (110, 22),
            (110, 112),
        ),  # near the right chest wall: beyond it, not to the medial side
        ((90.0, 180.0, 130.0, 226.0), (110, 234), (110, 142)),
        ((150.0, 50.0, 200.0, 90.0), (210, 70), (128, 70)),  # near the diaphragm
    ],
)
def test_a_narrow_strip_to_the_lungs_border_belongs_to_the_box(box, inside, outside):
    _, extent = extent_of(_canvas(), Region(box=box), _free(_canvas()))
    assert extent[inside] > 0.99
    assert extent[outside] == 0


def test_a_wide_strip_does_not():
    _, extent = extent_of(_canvas(), Region(box=(90.0, 60.0, 130.0, 90.0)), _free(_canvas()))
    assert extent[110, 25] == 0


def test_a_box_that_covers_the_film_is_taken():
    _, extent = extent_of(_canvas(), Region(box=(0.0, 0.0, 240.0, 260.0)), _free(_canvas()))
    assert (extent > 0.99).all()
