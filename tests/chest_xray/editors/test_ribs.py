"""Ribs of a film whose ribs are known: nine arcs 0.028 of its height thick."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, phantom
from scipy import ndimage

from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.wall.ribs import LEAST_CONTRAST, bar_response, find_ribs, normals, straightened

HEIGHT = 0.028  # of the phantom's ribs, as a share of the film's height


def part_of(film, side):
    drawn = drawn_film(film)
    canvas = make_canvas(drawn.image, film.anatomy, drawn.unit, spacing=drawn.spacing, position="erect")
    return canvas.around(side)[0]


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("size", [(384, 400), (1030, 1040)])
def test_ribs_are_found_with_their_height_and_density(size, side):
    part = part_of(phantom(size=size), side)
    ribs = find_ribs(part, side)
    assert len(ribs) >= 4
    heights = [2 * np.median(rib.half) for rib in ribs]
    assert np.median(heights) == pytest.approx(HEIGHT * 384 if size[0] == 384 else HEIGHT * 515, rel=0.2)
    for rib in ribs:
        assert len(rib.path) == len(rib.half) == len(rib.contrast) == len(rib.clarity)
        assert 0.05 < np.median(rib.contrast[rib.contrast > LEAST_CONTRAST]) < 0.25


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_rib_runs_from_the_spine_and_falls_towards_the_wall(side):
    part = part_of(phantom(size=(384, 400)), side)
    for rib in find_ribs(part, side):
        lateral = rib.path[-1, 1] - rib.path[0, 1]
        assert (lateral < 0) == part.wall_is_left(side)
        half = rib.path[len(rib.path) // 2 :, 0]
        assert half[-1] > half[0]


def test_a_film_without_ribs_has_none():
    film = phantom(size=(384, 400))
    smooth = ndimage.gaussian_filter(film.image[0].numpy(), 20.0)[None]
    flat = replace(film, image=torch.from_numpy(smooth))
    assert find_ribs(part_of(flat, "right"), "right") == []


def test_a_side_without_lung_has_none():
    film = phantom(size=(384, 400))
    part = part_of(film, "right")
    part.anatomy[0] = False
    assert find_ribs(part, "right") == []


@settings(max_examples=10, deadline=None)
@given(st.floats(-2.0, 2.0), st.floats(-0.01, 0.01))
def test_no_answer_to_a_constant_or_a_slope(level, slope):
    y, x = np.mgrid[:80, :90].astype(np.float32)
    answer = bar_response(level + slope * y + slope * x, mm=0.8)
    assert np.abs(answer[30:50, 30:60]).max() < 1e-4


@given(st.floats(-0.4, 0.4))
def test_a_straight_path_lays_the_film_out_unturned(slope):
    columns = np.arange(20.0, 60.0)
    path = np.stack([40 + slope * (columns - 20), columns], 1)
    y = np.mgrid[:100, :100][0].astype(float)
    across = np.array([-3.0, 0.0, 3.0])
    laid = straightened(y, path, across)
    assert laid[:, 1] == pytest.approx(path[:, 0])
    assert laid[5, 2] - laid[5, 0] == pytest.approx(6 / np.hypot(1, slope), rel=1e-6)


@given(st.booleans(), st.floats(-0.5, 0.5))
def test_normals_point_down_whichever_way_a_path_runs(backwards, slope):
    columns = np.arange(30.0)
    path = np.stack([10 + slope * columns, columns], 1)
    found = normals(path[::-1] if backwards else path)
    assert (found[:, 0] > 0).all()
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(30))
