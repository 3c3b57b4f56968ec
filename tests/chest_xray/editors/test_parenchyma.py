"""One lung's air, its ceiling of soft tissue, and the bisection that reaches a share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom import MEDIASTINUM
from phantom_film import drawn_film, phantom

from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.lung.parenchyma import Lung, cover, opacified, reach
from monai_cars.edits.edit import CannotEdit, Edit

FILM = phantom(size=(256, 256))


def _lung(side="right", film=FILM):
    seen = drawn_film(film)
    canvas = make_canvas(film.image, film.anatomy, seen.unit, spacing=seen.spacing, position="erect")
    return Lung(canvas.around(side)[0], side)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_hilum_lies_medially_in_the_middle_of_the_field(side):
    lung = _lung(side)
    row, column = lung.hilum
    top, bottom, first, last = lung.box
    assert 0.3 < (row - top) / (bottom - top) < 0.6
    medial = (last - column) / (last - first) if side == "right" else (column - first) / (last - first)
    assert 0.0 < medial < 0.35


@pytest.mark.parametrize("side", ["right", "left"])
def test_aerated_lung_is_open_and_soft_tissue_is_shut(side):
    lung = _lung(side)
    # The phantom's heart and mediastinum have density 1, its lung 0 with ribs and vessels on it.
    assert np.median(lung.open[lung.free & (lung.canvas.u < 0.2)]) > 0.95
    assert lung.open[lung.canvas.blur(lung.canvas.u, 1.2) > 0.97 * MEDIASTINUM].max() < 0.1
    assert (lung.tissue <= 0.95).all()
    assert (lung.room >= 0).all()


def test_filling_leaves_no_dark_line_along_a_border():
    lung = _lung("right")
    # Along rows from lung into the mediastinum density never falls once lung has been filled to any degree.
    for share in (0.3, 0.7, 1.0):
        filled = lung.canvas.blur(lung.canvas.u, 1.2) + share * lung.depth * lung.empty
        row = int(lung.hilum[0])
        border = filled[row - 10 : row + 10, int(lung.hilum[1]) :].mean(0)
        into = border[: int(np.argmax(border > 0.95)) or None]
        assert (np.diff(into) > -0.04).all()


def test_the_space_reaches_at_most_its_rim_beyond_the_field():
    lung = _lung()
    assert (lung.space >= lung.field).all()
    assert not (lung.space & lung.canvas.anatomy[1] & ~lung.field).any()


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 0.99), st.floats(0.5, 50.0))
def test_reach_finds_the_least_size(need, high):
    found = reach(lambda size: np.array([size / high]), lambda r: float(r[0]), need, high, what="no")
    assert need <= found[0] <= need + 1e-3


def test_reach_says_why_it_cannot():
    with pytest.raises(CannotEdit, match="not that much lung"):
        reach(lambda size: np.zeros(1), lambda r: float(r[0]), 1.0, 5.0, what="not that much lung")


def test_cover_opacifies_the_share_of_the_free_field():
    lung = _lung()
    rows = np.arange(lung.field.shape[0])[:, None] * np.ones(lung.field.shape)
    residual = cover(lung, lambda size: 0.5 * (rows < size) * lung.field, 0.3, 400.0, Edit("insert", "opacities"))
    assert (opacified(residual) & lung.free).sum() / lung.free.sum() == pytest.approx(0.3, abs=0.02)


def test_cover_names_finding_place_and_share():
    edit = Edit("insert", "opacities", zone="apex")
    with pytest.raises(CannotEdit, match="too little aerated right apex lung for opacities of 40% of its field"):
        cover(_lung(), lambda size: np.zeros(_lung().field.shape), 0.4, 10.0, edit)
