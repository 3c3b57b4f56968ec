"""Fluid merges with the abdomen under it and leaves a stomach bubble alone."""

from dataclasses import replace

import numpy as np
import torch
from phantom_film import drawn_film, phantom, propose, written

from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.pleura.fluid import distance_to_wall, fluid_at, soft_tissue
from monai_cars.edits.edit import Edit

FILM = phantom(size=(384, 400))


def _canvas(image=None):
    film = drawn_film(FILM)
    return make_canvas(
        FILM.image if image is None else image, FILM.anatomy, film.unit, spacing=film.spacing, position="erect"
    )


def test_soft_tissue_is_the_abdomens_density_in_every_column():
    canvas = _canvas()
    tissue = soft_tissue(canvas, canvas.lung("right"))
    assert tissue.shape == (1, canvas.u.shape[1])
    columns = np.flatnonzero(canvas.lung("right").any(0))
    assert np.abs(tissue[0, columns] - 1.05).max() < 0.1  # the phantom's abdomen


def test_without_an_abdomen_a_usual_density_is_taken():
    canvas = _canvas()
    field = canvas.lung("right").copy()
    field[:] = False
    field[-40:, 20:60] = True
    assert (soft_tissue(canvas, field) == 0.9).all()


def test_the_diaphragm_vanishes_under_fluid():
    edit = Edit("insert", "effusion", side="right", severity=0.6)
    after = _canvas(written(FILM, propose(FILM, edit)).image)
    before = _canvas()
    field = before.lung("right")
    column = int(np.flatnonzero(field.any(0)).mean())
    base = np.flatnonzero(field[:, column])[-1]

    def step(canvas):
        return canvas.u[base + 4 : base + 12, column].mean() - canvas.u[base - 12 : base - 4, column].mean()

    assert step(after) < 0.35 * step(before)


def test_a_stomach_bubble_stays():
    canvas = _canvas()
    field = canvas.lung("left")
    column = int(np.flatnonzero(field.any(0)).mean())
    base = int(np.flatnonzero(field[:, column])[-1])
    image = FILM.image.clone()
    bubble = (slice(base + 4, base + 50), slice(column - 30, column + 30))
    image[0][bubble] = float(FILM.image[0][field].median())
    edited = _canvas(image)
    fluid = fluid_at(edited, "left", np.ones_like(edited.u))
    inner = (slice(base + 12, base + 44), slice(column - 22, column + 22))
    assert not fluid.support[inner].any()


def test_the_wall_does_not_turn_inward_below_the_angle():
    field = np.zeros((40, 40), bool)
    field[5:25, 10:30] = True
    field[25:30, 15:25] = True
    x = np.mgrid[:40, :40][1].astype(np.float32)
    distance = distance_to_wall(field, x, wall_is_left=True)
    assert (distance[10:30, 10] == 0).all()
    assert (distance[28, 15:20] == np.arange(5, 10)).all()


def test_the_draw_decides_the_form():
    edit = Edit("insert", "fluid", side="left", severity=0.3)
    one, other = propose(FILM, edit, draw=1), propose(FILM, edit, draw=2)
    assert one.box != other.box or not torch.equal(one.residual, other.residual)
    assert replace(one).asked == other.asked
