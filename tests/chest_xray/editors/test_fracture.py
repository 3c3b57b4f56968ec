"""A rib is broken: what is taken off is laid back, moved by what was asked, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, drawn_header, outside, phantom, propose, written
from scipy import ndimage

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.edit import CannotEdit, Edit, Quantity
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
ANYTHING = Gate([OutsideUnchanged()])


def edit_of(severity: float | Quantity | None = 0.5, **more) -> Edit:
    return Edit("insert", "fracture", severity=severity, **more)


def measured(film, edit, proposal) -> float:
    drawn, after = drawn_film(film), written(film, proposal).image
    return measure("fracture", film.image, after, film.anatomy, unit=drawn.unit, spacing=drawn.spacing).value


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_step_grows_with_severity_and_is_what_was_asked(side):
    edits = [edit_of(severity, side=side) for severity in (0.0, 0.3, 0.6, 1.0)]
    steps = [measured(FILM, edit, propose(FILM, edit)) for edit in edits]
    assert steps == sorted(steps)
    for edit, step in zip(edits, steps, strict=True):
        assert step == pytest.approx(edit.asked.value, abs=0.9)


@pytest.mark.parametrize("size", [(300, 320), (1030, 1040)])
def test_the_same_step_on_films_of_any_size(size):
    film = phantom(size=size)
    edit = edit_of(Quantity(5.0, "mm"), side="right")
    assert measured(film, edit, propose(film, edit)) == pytest.approx(5.0, abs=0.7)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 1), st.sampled_from(["right", "left"]))
def test_outside_the_support_not_a_bit_changes(seed, severity, side):
    found = make_counterfactual(
        FILM.image, FILM.anatomy, edit_of(severity, seed=seed, side=side), header=drawn_header(FILM), gate=ANYTHING
    )
    untouched = found.support == 0
    assert torch.equal(found.image[untouched], FILM.image[untouched])
    assert not (found.lesion > found.support).any()
    if found.accepted:
        other = FILM.anatomy[1 if side == "right" else 0] > 0
        assert not (found.support[0] > 0)[other].any()


def test_a_proposal_is_zero_outside_its_support_and_fades_before_its_border():
    proposal = propose(FILM, edit_of(1.0))
    assert (proposal.residual[~proposal.support] == 0).all()
    rim = proposal.support & ~torch.from_numpy(ndimage.binary_erosion(proposal.support.numpy()))
    assert proposal.residual[rim].abs().max() < 0.02
    after = written(FILM, proposal).image
    same = outside(proposal, FILM.image.shape)
    assert torch.equal(after[0][same], FILM.image[0][same])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    one, again, other = (propose(FILM, edit_of(), draw=draw) for draw in (3, 3, 4))
    assert one.box == again.box
    assert torch.equal(one.residual, again.residual)
    assert one.box != other.box or not torch.equal(one.residual, other.residual)


def test_the_lesion_marks_the_line_and_not_the_whole_fragment():
    proposal = propose(FILM, edit_of(0.8))
    mm = 1 / FILM.spacing[0]
    columns = np.flatnonzero(proposal.lesion.any(0).numpy())
    assert np.ptp(columns) < 30 * mm
    assert proposal.lesion.sum() < proposal.support.sum()


def test_a_default_gate_accepts_it():
    found = make_counterfactual(FILM.image, FILM.anatomy, edit_of(0.5), header=drawn_header(FILM))
    assert found.accepted, found.record["reason"]


class TestRefusals:
    def test_no_scale(self):
        with pytest.raises(CannotEdit, match="the film has no pixel spacing and none could be estimated"):
            propose(FILM, edit_of(), spacing=None)

    def test_no_ribs(self):
        smooth = torch.from_numpy(ndimage.gaussian_filter(FILM.image[0].numpy(), 15.0)[None])
        with pytest.raises(CannotEdit, match="no rib can be followed well enough over the left lung to be broken"):
            propose(replace(FILM, image=smooth), edit_of(side="left"))

    def test_no_rib_in_the_zone(self):
        with pytest.raises(CannotEdit, match="no rib can be followed well enough over the right apex lung"):
            propose(FILM, edit_of(side="right", zone="apex"))

    def test_a_side_without_lung(self):
        one = FILM.anatomy * torch.tensor([0, 1, 1], dtype=torch.uint8)[:, None, None]
        with pytest.raises(CannotEdit, match="no right lung field was found on this film"):
            AttenuationEditor().propose(drawn_film(FILM), one, edit_of(side="right"), torch.Generator())
