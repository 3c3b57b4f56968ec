"""Irregular hilum and adenopathy: place, size, what stays as it was."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, drawn_header, outside, phantom, propose, written

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.edit import CannotEdit, Edit
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
FINDINGS = ("irregular hilum", "adenopathy")
ANYTHING = Gate([OutsideUnchanged()])


def edit_of(finding: str, severity: float | None = 0.5, **more) -> Edit:
    return Edit("insert", finding, severity=severity, **more)


def measured(film, edit, proposal) -> float:
    drawn, after = drawn_film(film), written(film, proposal).image
    return measure(edit.finding, film.image, after, film.anatomy, unit=drawn.unit, spacing=drawn.spacing).value


def on_film(proposal, mask) -> np.ndarray:
    full = np.zeros(FILM.image.shape[1:], bool)
    full[proposal.box.slices] = mask.numpy()
    return full


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("side", ["right", "left"])
def test_the_diameter_grows_with_severity_and_is_what_was_asked(finding, side):
    edits = [edit_of(finding, severity, side=side) for severity in (0.0, 0.35, 0.7, 1.0)]
    amounts = [measured(FILM, edit, propose(FILM, edit)) for edit in edits]
    assert amounts == sorted(amounts)
    for edit, amount in zip(edits, amounts, strict=True):
        assert amount == pytest.approx(edit.asked.value, rel=0.08)


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize(("side", "middle"), [("right", -1), ("left", 1)])
def test_it_lies_on_the_asked_side(finding, side, middle):
    proposal = propose(FILM, edit_of(finding, 0.4, side=side))
    lesion = on_film(proposal, proposal.lesion)
    columns = np.flatnonzero(lesion.any(0)) - 0.495 * 400
    assert (columns * middle > 0).mean() > 0.9


def test_severe_adenopathy_of_no_side_lies_on_both():
    sides = []
    for draw in range(6):
        proposal = propose(FILM, edit_of("adenopathy", 1.0), draw=draw)
        columns = np.flatnonzero(on_film(proposal, proposal.lesion).any(0)) - 0.495 * 400
        sides.append((columns < -5).any() and (columns > 5).any())
    assert sum(sides) >= 4


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_proposal_only_adds_and_ends_without_a_step(finding):
    proposal = propose(FILM, edit_of(finding, 0.8))
    assert (proposal.residual >= 0).all()
    assert (proposal.residual[~proposal.support] == 0).all()
    assert not (proposal.lesion & ~proposal.support).any()
    after = written(FILM, proposal).image
    same = outside(proposal, FILM.image.shape)
    assert torch.equal(after[0][same], FILM.image[0][same])


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(FINDINGS), st.integers(0, 2**31), st.floats(0, 1))
def test_outside_the_support_not_a_bit_changes(finding, seed, severity):
    found = make_counterfactual(
        FILM.image, FILM.anatomy, edit_of(finding, severity, seed=seed), header=drawn_header(FILM), gate=ANYTHING
    )
    untouched = found.support == 0
    assert torch.equal(found.image[untouched], FILM.image[untouched])
    assert not (found.lesion > found.support).any()


@pytest.mark.parametrize("finding", FINDINGS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(finding):
    one, again, other = (propose(FILM, edit_of(finding), draw=draw) for draw in (3, 3, 4))
    assert one.box == again.box
    assert torch.equal(one.residual, again.residual)
    assert one.box != other.box or not torch.equal(one.residual, other.residual)


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_default_gate_accepts_it(finding):
    found = make_counterfactual(FILM.image, FILM.anatomy, edit_of(finding), header=drawn_header(FILM))
    assert found.accepted, found.record["reason"]


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_film_with_native_detail_keeps_it(finding):
    film = phantom(size=(1030, 1040))
    proposal = propose(film, edit_of(finding, 0.5))
    after = written(film, proposal).image[0].numpy() / drawn_film(film).unit.value
    before = film.image[0].numpy() / drawn_film(film).unit.value
    rows, columns = proposal.box.slices
    fine = [np.diff(one[rows, columns], axis=1)[proposal.lesion[:, 1:].numpy()].std() for one in (before, after)]
    assert fine[1] == pytest.approx(fine[0], rel=0.1)


class TestRefusals:
    @pytest.mark.parametrize("finding", FINDINGS)
    def test_no_scale(self, finding):
        with pytest.raises(CannotEdit, match="the film has no pixel spacing and none could be estimated"):
            propose(FILM, edit_of(finding), spacing=None)

    @pytest.mark.parametrize("finding", FINDINGS)
    def test_a_side_without_lung(self, finding):
        one = FILM.anatomy * torch.tensor([0, 1, 1], dtype=torch.uint8)[:, None, None]
        with pytest.raises(CannotEdit, match="no right lung field was found on this film"):
            AttenuationEditor().propose(drawn_film(FILM), one, edit_of(finding, side="right"), torch.Generator())

    def test_no_lung_at_all(self):
        with pytest.raises(CannotEdit, match="no lung field was found on this film"):
            AttenuationEditor().propose(
                drawn_film(FILM), torch.zeros_like(FILM.anatomy), edit_of("adenopathy"), torch.Generator()
            )

    def test_a_white_lung(self):
        film = drawn_film(FILM)
        ramp = film.unit.mediastinum - 0.02 * film.unit.value * torch.linspace(0, 1, 400)
        white = torch.where(FILM.anatomy[:1] > 0, ramp.expand(1, 384, 400), FILM.image)
        with pytest.raises(CannotEdit, match=r"would not be seen|not seen against aerated lung"):
            AttenuationEditor().propose(
                replace(film, image=white), FILM.anatomy, edit_of("irregular hilum", side="right"), torch.Generator()
            )
