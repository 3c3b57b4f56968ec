"""A wide mediastinum: the asked millimetres in its widest row, above the heart."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from phantom_film import drawn_film, drawn_header, lesion_of, phantom, propose, written

from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.edit import CannotEdit, Edit, Quantity
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
FINDING = "enlarged cardiomediastinum"


def _edit(mm: float, **more) -> Edit:
    return Edit("insert", FINDING, severity=Quantity(mm, "mm"), **more)


def _measured(proposal) -> float:
    seen = drawn_film(FILM)
    after = written(FILM, proposal).image
    return measure(FINDING, FILM.image, after, FILM.anatomy, unit=seen.unit, spacing=seen.spacing).value


def test_the_width_rises_as_asked():
    found = [_measured(propose(FILM, _edit(mm), draw=1)) for mm in (12.0, 20.0, 28.0, 36.0, 44.0)]
    assert found == sorted(found)
    assert np.abs(np.array(found) - [12.0, 20.0, 28.0, 36.0, 44.0]).max() < 5.0


@pytest.mark.parametrize(("side", "field"), [("right", 0), ("left", 1)])
def test_one_side_alone_is_widened_when_asked(side, field):
    lesion = lesion_of(propose(FILM, _edit(20.0, side=side)), FILM)
    assert lesion.any()
    assert not (lesion & (FILM.anatomy[1 - field].numpy() > 0)).any()


def test_heart_and_bases_stay():
    proposal = propose(FILM, _edit(30.0))
    support = np.zeros(FILM.image.shape[1:], bool)
    support[proposal.box.slices] = proposal.support.numpy()
    heart = np.flatnonzero(FILM.anatomy[2].any(1).numpy())
    assert not support[int(heart[0] + 0.6 * len(heart)) :].any()


def test_the_same_seed_gives_the_same_bytes_and_the_gate_accepts():
    one, again = (propose(FILM, _edit(25.0), draw=3) for _ in range(2))
    assert torch.equal(one.residual, again.residual)
    made = make_counterfactual(FILM.image, FILM.anatomy, _edit(25.0, seed=2), header=drawn_header(FILM))
    assert made.accepted, made.record["reason"]
    untouched = made.support == 0
    assert torch.equal(made.image[untouched], FILM.image[untouched])


def test_too_little_lung_beside_it_is_refused():
    masks = FILM.anatomy.clone()
    masks[0, :, :150] = 0
    masks[1, :, 250:] = 0
    with pytest.raises(CannotEdit, match=r"widening by .* mm leaves too little .* lung beside it \(at most"):
        propose(replace(FILM, anatomy=masks), _edit(44.0))


def test_without_a_heart_or_a_scale_it_is_refused():
    masks = FILM.anatomy.clone()
    masks[2] = 0
    with pytest.raises(CannotEdit, match="between both lung fields and above the heart"):
        propose(replace(FILM, anatomy=masks), _edit(20.0))
    with pytest.raises(CannotEdit, match="no pixel spacing"):
        propose(FILM, _edit(20.0), spacing=None)


def test_a_heart_up_to_the_apices_is_refused():
    masks = FILM.anatomy.clone()
    masks[2, 10:, 190:210] = 1
    with pytest.raises(CannotEdit, match="too little of the mediastinum is seen above the heart"):
        propose(replace(FILM, anatomy=masks), _edit(20.0))


def test_deletion_is_refused_with_a_reason():
    with pytest.raises(CannotEdit, match="no film shows where its mediastinal border ran before"):
        propose(FILM, Edit("delete", FINDING))
