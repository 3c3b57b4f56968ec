"""Drawn devices: their length is the asked one, their cross-section that of a tube, their place that of the patient."""

import numpy as np
import pytest
import torch
from phantom_film import drawn_film, drawn_header, outside, phantom, propose, written

from monai_cars.chest_xray.editors.devices.device_drawing import Can, Tube, draw_electrode, draw_generator, draw_tube
from monai_cars.chest_xray.editors.devices.device_insertion import insert_devices
from monai_cars.chest_xray.editors.devices.device_paths import CARINA, Body, body_of, gastric, smooth_path, tracheal
from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.edit import CannotEdit, Edit
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
KIND = "support devices"


def _edit(severity=0.4, **more):
    return Edit("insert", KIND, severity=severity, **more)


def _length(film, proposal):
    seen = drawn_film(film)
    after = written(film, proposal).image
    return measure(KIND, film.image, after, film.anatomy, unit=seen.unit, spacing=seen.spacing).value


@pytest.mark.parametrize("draw", [0, 1, 2])
def test_the_measured_length_grows_with_the_asked_one_and_agrees(draw):
    lengths = []
    for severity in (0.0, 0.5, 1.0):
        edit = _edit(severity)
        lengths.append(_length(FILM, propose(FILM, edit, draw=draw)))
        assert lengths[-1] == pytest.approx(edit.asked.value, rel=0.2)
    assert lengths == sorted(lengths)


def test_an_edit_changes_nothing_outside_its_support_and_passes_its_gate():
    found = make_counterfactual(FILM.image, FILM.anatomy, _edit(), header=drawn_header(FILM))
    assert found.accepted, found.record["reason"]
    assert torch.equal(found.image[found.support == 0], FILM.image[found.support == 0])
    assert not (found.lesion > found.support).any()
    assert found.record["note"].startswith("drawn: ")


def test_devices_only_add():
    proposal = propose(FILM, _edit(0.8))
    assert (proposal.residual >= 0).all()
    assert (proposal.residual[~proposal.support] == 0).all()
    unchanged = outside(proposal, FILM.image.shape)
    assert torch.equal(written(FILM, proposal).image[0][unchanged], FILM.image[0][unchanged])


def test_the_same_draw_gives_the_same_bytes_and_another_does_not():
    one, two, other = (propose(FILM, _edit(), draw=d) for d in (3, 3, 4))
    assert torch.equal(one.residual, two.residual)
    assert one.box != other.box or not torch.equal(one.residual, other.residual)


@pytest.mark.parametrize("side", ["left", "right"])
def test_of_one_side_nothing_runs_down_the_midline_of_the_abdomen(side):
    proposal = propose(FILM, _edit(0.1, side=side), draw=1)
    assert "nasogastric" not in proposal.note
    assert "endotracheal" not in proposal.note


def test_a_film_without_scale_is_refused():
    from dataclasses import replace

    from monai_cars.chest_xray.editors.canvas.canvas import make_canvas

    seen = drawn_film(FILM)
    canvas = make_canvas(seen.image, FILM.anatomy, seen.unit, spacing=None, position=None)
    with pytest.raises(CannotEdit, match="no pixel spacing"):
        insert_devices(replace(canvas, spacing=None), _edit(), torch.Generator().manual_seed(0))


def test_a_tube_is_densest_at_its_wall_and_a_wire_in_its_middle():
    offsets = np.linspace(-5, 5, 201)
    tube = Tube(8.0, 6.0, 0.2).attenuation(offsets)
    assert abs(offsets[tube.argmax()]) == pytest.approx(3.0, abs=0.1)
    assert tube.max() == pytest.approx(0.2, rel=0.02)
    assert tube[100] < 0.6 * tube.max()
    wire = Tube(2.0, 0.0, 0.4).attenuation(offsets)
    assert offsets[wire.argmax()] == pytest.approx(0.0, abs=0.01)
    assert (wire[np.abs(offsets) >= 1.0] == 0).all()


def test_the_added_attenuation_of_a_wire_is_its_cross_section():
    film = np.zeros((60, 200), np.float32)
    path = np.stack([np.full(800, 30.3), np.arange(800) * 0.25], 1)
    draw_tube(film, path, Tube(6.0, 0.0, 0.4), 1.0)
    # The mean chord of a circle of radius 3 across its width, times that width: pi r / 2 x r x amplitude / r.
    assert film[:, 100].sum() == pytest.approx(0.4 * np.pi * 3.0 / 2, rel=0.02)


def test_an_electrode_and_a_generator_may_lie_half_off_the_film():
    film = np.zeros((40, 40), np.float32)
    draw_electrode(film, np.array([0.0, 0.0]), 1.0)
    draw_generator(film, np.array([39.0, 20.0]), 1.0, Can(40, 40, 0.2))
    draw_generator(film, np.array([500.0, 500.0]), 1.0, Can(40, 40, 0.2))
    assert film[0, 0] > 0.5
    assert film[39, 20] > 0.6


def test_tubes_end_where_they_should():
    body = Body((40.0, 200.0), 0.0, 250.0, 1.2, 1, (384, 400))
    generator = torch.Generator().manual_seed(0)
    trachea = smooth_path(body, tracheal(body, 1.4, generator), generator, 0.0)
    assert 30 <= (CARINA * 250 + 40 - trachea[-1, 0]) / 1.4 <= 50.5
    assert abs(trachea[:, 1] - 200).max() < 8
    stomach = smooth_path(body, gastric(body, generator), generator, 0.0)
    assert stomach[-1, 0] > 40 + 250
    assert stomach[-1, 1] > 200 + 50


def test_a_mirrored_film_has_the_stomach_on_the_other_side():
    from monai_cars.chest_xray.editors.canvas.canvas import make_canvas

    seen = drawn_film(FILM)
    swapped = FILM.anatomy[[1, 0, 2]]
    canvas = make_canvas(seen.image, swapped, seen.unit, spacing=seen.spacing, position=None)
    assert canvas.mirrored
    assert body_of(canvas).left == -1
