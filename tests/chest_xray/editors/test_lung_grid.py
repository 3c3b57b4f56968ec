"""Lung coordinates: cells lie where they should on a rectangle, and films spread from them are what was sampled."""

import numpy as np
import pytest
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.chest_xray.editors.lung.lung_grid import HEIGHTS, WIDTHS, lung_grid, sample

SHAPE = (240, 260)


def _canvas(mirrored: bool = False) -> Canvas:
    anatomy = np.zeros((3, *SHAPE), bool)
    anatomy[0, 20:212, 20:116] = True
    anatomy[1, 20:212, 140:236] = True
    if mirrored:
        anatomy[[0, 1]] = anatomy[[1, 0]]
    return Canvas(np.zeros(SHAPE, np.float32), anatomy, 1, torch.zeros(SHAPE), 1.0, "erect", mirrored=mirrored)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("side", ["right", "left"])
def test_the_first_column_of_cells_is_the_medial_one(side, mirrored):
    canvas = _canvas(mirrored)
    _, columns = lung_grid(canvas, side).cells()
    from_middle = np.abs(columns - SHAPE[1] / 2)
    assert (np.diff(from_middle, axis=1) > 0).all()


def test_cells_divide_a_rectangle_evenly():
    rows, columns = lung_grid(_canvas(), "left").cells()
    assert rows.shape == columns.shape == (HEIGHTS, WIDTHS)
    assert np.allclose(np.diff(rows, axis=0), 192 / HEIGHTS)
    # From the field's first to its last pixel, 95 columns apart.
    assert np.allclose(np.diff(columns, axis=1), 95 / WIDTHS)


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_linear_film_is_sampled_and_spread_again(side):
    canvas = _canvas()
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    film = 0.01 * y - 0.02 * x
    grid = lung_grid(canvas, side)
    spread = grid.spread(sample([grid, None], film)[0], SHAPE)
    inner = np.zeros(SHAPE, bool)
    rows, columns = grid.cells()
    inner[int(rows.min()) + 1 : int(rows.max()), int(columns.min()) + 1 : int(columns.max())] = True
    assert np.allclose(spread[inner], film[inner], atol=1e-3)


def test_a_lung_that_is_hardly_there_has_no_grid_and_no_values():
    canvas = _canvas()
    canvas.anatomy[0] = False
    canvas.anatomy[0, 30:40, 30:40] = True
    grids = [lung_grid(canvas, side) for side in ("right", "left")]
    assert grids[0] is None
    found = sample(grids, canvas.u)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
