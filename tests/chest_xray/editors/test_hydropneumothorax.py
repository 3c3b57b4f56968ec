"""Air and fluid on one side of an erect film meet in a horizontal level, whichever came first."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from phantom_film import drawn_header, phantom

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.chest_xray.editors.pleura.hydropneumothorax import air_before, flat_level, fluid_before, level_of
from monai_cars.edits.edit import Edit
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
ANYTHING = Gate([OutsideUnchanged()])


def _chain(*edits, position="erect"):
    image, records, found = FILM.image, [], None
    for edit in edits:
        header = drawn_header(replace(FILM, image=image), position=position)
        found = make_counterfactual(image, FILM.anatomy, edit, header=header, gate=ANYTHING, earlier=records)
        assert found.accepted, found.record["reason"]
        image, records = found.image, [*records, found.record]
    return found


def _edit(finding, severity, side="right"):
    return Edit("insert", finding, severity=severity, side=side, seed=3)


def _tops(lesion, columns):
    return np.array([np.flatnonzero(lesion[:, c])[0] for c in columns if lesion[:, c].any()])


def _columns():
    """The middle of the right field, away from its borders and the heart."""
    columns = np.flatnonzero((FILM.anatomy[0] > 0).numpy().any(0))
    return range(int(np.percentile(columns, 20)), int(np.percentile(columns, 60)))


def test_fluid_under_air_has_a_horizontal_surface():
    found = _chain(_edit("pleural air", 0.6), _edit("effusion", 0.4))
    assert found.record["note"] == "hydropneumothorax: a horizontal air-fluid level"
    tops = _tops(found.lesion[0].numpy() > 0, _columns())
    assert np.ptp(tops) <= 2


def test_air_over_fluid_levels_it_out():
    found = _chain(_edit("effusion", 0.4), _edit("pleural air", 0.6))
    assert found.record["note"] == "hydropneumothorax: a horizontal air-fluid level"
    film = found.image[0].numpy()
    # The steepest rise of density in each column lies in one row.
    rows = [np.argmax(np.diff(film[:, c])[150:]) + 150 for c in _columns()]
    assert np.percentile(np.abs(np.array(rows) - np.median(rows)), 80) <= 2
    assert found.record["severity_measured"]["value"] == pytest.approx(found.record["severity_asked"]["value"], rel=0.2)


def test_the_part_that_climbed_the_wall_turns_to_air():
    fluid = _chain(_edit("effusion", 0.4))
    both = _chain(_edit("effusion", 0.4), _edit("pleural air", 0.6))
    lesion = fluid.lesion[0].numpy() > 0
    top = np.flatnonzero(lesion.any(1))[0]
    climbed = np.zeros_like(lesion)
    climbed[top : top + 20] = lesion[top : top + 20]
    assert (both.image - fluid.image)[0].numpy()[climbed].mean() < 0


@pytest.mark.parametrize("position", ["supine", None])
def test_another_position_keeps_the_plain_forms_and_says_so(position):
    for pair in (("pleural air", "effusion"), ("effusion", "pleural air")):
        found = _chain(_edit(pair[0], 0.3), _edit(pair[1], 0.3), position=position)
        expected = "air and fluid keep their own forms: an air-fluid level needs a film known to be erect"
        assert expected in found.record["note"]


def test_the_other_side_does_not_matter():
    found = _chain(_edit("pleural air", 0.4, "left"), _edit("effusion", 0.4, "right"))
    assert found.record["note"] == ""


def _canvas(**earlier):
    masks = np.zeros((3, 60, 60), bool)
    masks[0, 10:50, 10:50] = True
    lesions = {name.replace("_", " "): mask for name, mask in earlier.items()}
    return Canvas(np.zeros((60, 60), np.float32), masks, 1, torch.zeros(60, 60), 1.0, "erect", earlier=lesions)


def test_a_few_pixels_make_no_finding():
    few, many = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    few[20, 20:25] = many[20:40, 20:40] = True
    assert air_before(_canvas(pleural_air=few), "right") is None
    assert air_before(_canvas(), "right") is None
    assert fluid_before(_canvas(pleural_air=many), "right") is None
    assert np.array_equal(air_before(_canvas(lung_collapse=many), "right"), many)
    assert np.array_equal(fluid_before(_canvas(effusion=many), "right"), many)


def test_the_level_keeps_the_amount_of_fluid():
    fluid = np.zeros((60, 60), bool)
    fluid[20:50, 10:20] = True  # a column along the wall: 300 of 1600 pixels
    level = level_of(_canvas(effusion=fluid), "right", fluid)
    assert (50 - level) * 40 == pytest.approx(300, abs=40)


def test_a_level_is_a_step():
    depth = flat_level(_canvas())(30.0)
    assert (depth[:28] == 0).all()
    assert (depth[33:] == 1).all()
    assert (depth == depth[:, :1]).all()
