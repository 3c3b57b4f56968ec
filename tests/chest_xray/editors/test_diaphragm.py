"""An irregular diaphragm: the contour is raised by the asked millimetres, into the lung of one side."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from phantom_film import drawn_film, drawn_header, lesion_of, phantom, propose, written

from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.edit import CannotEdit, Edit, Quantity, Region
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
FINDING = "irregular diaphragm"


def _edit(mm: float, **more) -> Edit:
    return Edit("insert", FINDING, severity=Quantity(mm, "mm"), **more)


@pytest.mark.parametrize("draw", range(3))
def test_the_height_rises_as_asked(draw):
    seen, found = drawn_film(FILM), []
    for mm in (7.0, 12.0, 18.0, 24.0, 29.0):
        after = written(FILM, propose(FILM, _edit(mm, side="right"), draw=draw)).image
        found.append(measure(FINDING, FILM.image, after, FILM.anatomy, unit=seen.unit, spacing=seen.spacing).value)
    assert found == sorted(found)
    assert np.abs(np.array(found) - [7.0, 12.0, 18.0, 24.0, 29.0]).max() < 2.5


@pytest.mark.parametrize(("side", "field"), [("right", 0), ("left", 1)])
def test_the_lesion_is_lung_of_the_asked_side(side, field):
    lesion = lesion_of(propose(FILM, _edit(12.0, side=side)), FILM)
    assert (lesion & (FILM.anatomy[field].numpy() > 0)).sum() > 0.9 * lesion.sum() > 0


def test_the_raised_part_is_as_dense_as_what_lies_below():
    proposal = propose(FILM, _edit(20.0, side="right"))
    film = (FILM.image[0] - drawn_film(FILM).unit.aerated) / FILM.contrast_unit
    after = film[proposal.box.slices] + proposal.residual
    assert float(after[proposal.lesion].median()) > 0.75


def test_the_same_seed_gives_the_same_bytes_and_the_gate_accepts():
    one, again, other = (propose(FILM, _edit(14.0), draw=draw) for draw in (3, 3, 4))
    assert torch.equal(one.residual, again.residual)
    assert one.box != other.box or not torch.equal(one.residual, other.residual)
    made = make_counterfactual(FILM.image, FILM.anatomy, _edit(14.0, seed=2), header=drawn_header(FILM))
    assert made.accepted, made.record["reason"]
    untouched = made.support == 0
    assert torch.equal(made.image[untouched], FILM.image[untouched])


def test_a_short_contour_is_refused():
    masks = FILM.anatomy.clone()
    masks[0, :, 130:] = 0
    masks[0, :, :60] = 0
    with pytest.raises(CannotEdit, match=r"right hemidiaphragm is seen over \d+ mm: too short for a change of 30 mm"):
        propose(replace(FILM, anatomy=masks), _edit(30.0, side="right"))


def test_a_contour_behind_the_heart_is_refused():
    masks = FILM.anatomy.clone()
    masks[2, 150:] = 1
    with pytest.raises(CannotEdit, match="the left hemidiaphragm is not seen against lung"):
        propose(replace(FILM, anatomy=masks), _edit(10.0, side="left"))


def test_deletion_is_refused_with_a_reason():
    edit = Edit("delete", FINDING, region=Region(box=(250, 50, 300, 150)))
    with pytest.raises(CannotEdit, match="no film shows where the contour ran before"):
        propose(FILM, edit)
