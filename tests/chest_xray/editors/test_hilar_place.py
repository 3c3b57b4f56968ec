"""Hila and mediastinal borders of a film that has them where they are drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, phantom

from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.mediastinum.hilar_place import from_spine, hilum_centre, mediastinal_border
from monai_cars.edits.edit import CannotEdit

FILM = phantom(size=(384, 400))


def canvas_of(film=FILM):
    drawn = drawn_film(film)
    return make_canvas(drawn.image, film.anatomy, drawn.unit, spacing=drawn.spacing, position="erect")


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_hilum_lies_in_the_medial_part_of_the_middle_of_its_field(side):
    canvas = canvas_of()
    row, column = hilum_centre(canvas, side)
    rows = np.flatnonzero(canvas.lung(side).any(1))
    assert 0.3 < (row - rows[0]) / np.ptp(rows) < 0.65
    assert 0.05 < from_spine(canvas, side)[int(row), int(column)] < 0.55


@pytest.mark.parametrize(("side", "height"), [("right", 0.48), ("left", 0.47)])
def test_the_hilum_is_where_the_vessels_are(side, height):
    film = phantom(size=(384, 400), texture=0.0)
    canvas = canvas_of(film)
    rows = np.flatnonzero(canvas.lung(side).any(1))
    y, x = np.mgrid[:384, :400]
    centre = (rows[0] + height * np.ptp(rows), 200 + (-52 if side == "right" else 55))
    drawn = 900 * sum(np.exp(-(((y - centre[0] - dy) ** 2 + (x - centre[1]) ** 2) / 18)) for dy in (-9, 0, 9))
    crowded = replace(film, image=film.image + torch.from_numpy(drawn.astype(np.float32)))
    found = hilum_centre(canvas_of(crowded), side)
    assert found == pytest.approx(centre, abs=9)


def test_the_left_hilum_lies_higher_on_a_film_without_vessels():
    film = phantom(size=(384, 400), texture=0.0)
    flat = replace(film, image=torch.where(film.anatomy[:2].amax(0) > 0, 700.0, film.image[0])[None])
    heights = []
    for side in ("right", "left"):
        canvas = canvas_of(flat)
        rows = np.flatnonzero(canvas.lung(side).any(1))
        heights.append((hilum_centre(canvas, side)[0] - rows[0]) / np.ptp(rows))
    assert heights[1] < heights[0]


@pytest.mark.parametrize(("side", "edge"), [("right", 0.46), ("left", 0.53)])
def test_the_border_is_where_the_lung_begins(side, edge):
    _, column = mediastinal_border(canvas_of(), side, 0.3)
    # The field's own medial border, or the mediastinum that reaches 0.075 of the width beside the middle.
    assert abs(column - edge * 400) < 20


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(["right", "left"]), st.floats(0.15, 0.6))
def test_the_border_lies_in_the_field(side, height):
    canvas = canvas_of()
    row, column = mediastinal_border(canvas, side, height)
    assert canvas.lung(side)[int(row), int(column)]


def test_places_between_spine_and_wall_run_from_0_to_1():
    canvas = canvas_of()
    for side in ("right", "left"):
        share, field = from_spine(canvas, side), canvas.lung(side)
        assert share[~field].max() == 0
        row = share[200][field[200]]
        assert (np.diff(row) < 0).all() if canvas.wall_is_left(side) else (np.diff(row) > 0).all()


class TestRefusals:
    def test_no_lung(self):
        canvas = canvas_of()
        canvas.anatomy[0] = False
        with pytest.raises(CannotEdit, match="no right lung field was found on this film"):
            hilum_centre(canvas, "right")
        with pytest.raises(CannotEdit, match="no right lung field was found on this film"):
            mediastinal_border(canvas, "right", 0.3)

    def test_no_border(self):
        canvas = canvas_of()
        with pytest.raises(CannotEdit, match="the left border of the mediastinum is not seen against aerated lung"):
            mediastinal_border(replace(canvas, u=np.ones_like(canvas.u)), "left", 0.3)
