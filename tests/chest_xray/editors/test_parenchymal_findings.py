"""Findings of the lung parenchyma: severity, site, look, reproducibility and what a film must allow."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, drawn_header, phantom, propose, written
from scipy import ndimage

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.gate import default_gate
from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.edit import CannotEdit, Edit
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(256, 256))
ONE_SIDED = ("opacities", "pneumonitis", "consolidation", "irregular parenchyma", "atelectasis")
FINDINGS = (*ONE_SIDED, "infection", "edema")
ANYTHING = Gate([OutsideUnchanged()])


def _edit(finding, severity=0.4, **more):
    sided = {} if finding == "edema" else {"side": "right"}
    return Edit("insert", finding, severity=severity, **{**sided, **more})


def _amount(edit, proposal, film=FILM):
    seen = drawn_film(film)
    after = written(film, proposal).image
    return measure(edit.finding, film.image, after, film.anatomy, unit=seen.unit, spacing=seen.spacing).value


def _full(array, proposal, film=FILM):
    full = np.zeros(film.image.shape[1:], array.numpy().dtype)
    full[proposal.box.slices] = array.numpy()
    return full


@pytest.mark.parametrize("finding", FINDINGS)
def test_severity_is_reached_and_monotone(finding):
    edits = [_edit(finding, severity) for severity in (0.05, 0.4, 0.75)]
    amounts = [_amount(edit, propose(FILM, edit)) for edit in edits]
    assert amounts == sorted(set(amounts))
    for edit, amount in zip(edits, amounts, strict=True):
        assert amount == pytest.approx(edit.asked.value, rel=0.1, abs=0.006)


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_film_of_many_pixels_is_measured_alike(finding):
    film = phantom(size=(1030, 1040))
    edit = _edit(finding, 0.3)
    assert _amount(edit, propose(film, edit), film) == pytest.approx(edit.asked.value, rel=0.1)


@pytest.mark.parametrize("finding", FINDINGS)
def test_without_a_severity_one_of_the_range_is_drawn(finding):
    edit = replace(_edit(finding), severity=None)
    scale = edit.scale
    assert scale.low <= propose(FILM, edit).asked.value <= scale.high


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(FINDINGS), st.integers(0, 2**31), st.floats(0.0, 0.7))
def test_outside_the_support_not_a_bit_changes_and_the_proposal_ends_softly(finding, seed, severity):
    edit = _edit(finding, severity, seed=seed)
    found = make_counterfactual(FILM.image, FILM.anatomy, edit, header=drawn_header(FILM), gate=ANYTHING)
    untouched = found.support == 0
    assert torch.equal(found.image[untouched], FILM.image[untouched])
    if not found.accepted:
        return
    proposal = propose(FILM, edit, draw=seed % 1000)
    assert (proposal.residual[~proposal.support] == 0).all()
    assert not (proposal.lesion & ~proposal.support).any()
    assert torch.isfinite(proposal.residual).all()


@pytest.mark.parametrize("finding", FINDINGS)
def test_the_same_seed_gives_the_same_bytes_and_another_others(finding):
    edit = _edit(finding)
    one, again, other = (written(FILM, propose(FILM, edit, draw=draw)).image for draw in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("finding", [*ONE_SIDED, "infection"])
@pytest.mark.parametrize(("side", "channel"), [("right", 0), ("left", 1)])
def test_the_asked_side_is_kept(finding, side, channel):
    proposal = propose(FILM, _edit(finding, 0.3, side=side))
    change = np.abs(_full(proposal.residual, proposal))
    assert change[FILM.anatomy[channel].numpy() > 0].sum() > 0.9 * change.sum()
    assert change[(FILM.anatomy[1 - channel].numpy() > 0) & (FILM.anatomy[channel].numpy() == 0)].sum() == 0


@pytest.mark.parametrize("finding", ["opacities", "pneumonitis", "consolidation", "infection", "irregular parenchyma"])
@pytest.mark.parametrize("zone", ["upper", "lower"])
def test_the_asked_zone_holds_most_of_the_change(finding, zone):
    edit = _edit(finding, 0.2, zone=zone)
    found = make_counterfactual(FILM.image, FILM.anatomy, edit, header=drawn_header(FILM))
    site = next(check for check in found.record["checks"] if check["name"] == "inside_lung")
    assert site["passed"], site


@pytest.mark.parametrize("severity", [0.2, 0.6])
def test_oedema_is_on_both_sides_and_not_the_same(severity):
    proposal = propose(FILM, _edit("edema", severity))
    change = _full(proposal.residual, proposal)
    sums = [change[field.numpy() > 0].sum() for field in FILM.anatomy[:2]]
    assert 0.4 < sums[0] / sums[1] < 2.5
    assert sums[0] != sums[1]


def test_an_infection_without_a_side_may_take_both_lungs():
    both = 0
    for draw in range(8):
        proposal = propose(FILM, Edit("insert", "infection", severity=0.3), draw=draw)
        lesion = _full(proposal.lesion, proposal)
        both += all(lesion[field.numpy() > 0].any() for field in FILM.anatomy[:2])
    assert 0 < both < 8


def test_air_bronchograms_are_darker_than_the_filling_around_them():
    film = phantom(size=(512, 512), texture=0.0)
    proposal = propose(film, _edit("consolidation", 0.7))
    residual = proposal.residual.numpy()
    # Lucent lines of 2 to 3 mm inside a filling: far below the residual a few millimetres beside them.
    hollow = ndimage.grey_closing(residual, size=(13, 13)) - residual
    assert hollow[ndimage.binary_erosion(proposal.lesion.numpy(), iterations=8)].max() > 0.12


def test_ground_glass_keeps_vessels_and_consolidation_hides_them():
    edits = [_edit(finding, 0.6) for finding in ("opacities", "consolidation")]
    kept = []
    for edit in edits:
        proposal = propose(FILM, edit)
        after = written(FILM, proposal).image[0].numpy()
        core = _full(proposal.residual, proposal) > 0.5 * proposal.residual.max().item()
        fine = [film - _smooth(film) for film in (FILM.image[0].numpy(), after)]
        kept.append(np.polyfit(fine[0][core], fine[1][core], 1)[0])
    assert kept[0] > kept[1]
    assert kept[0] > 0.6


def _smooth(film):
    return ndimage.gaussian_filter(film, 3.0)


def test_small_atelectases_are_plates_and_large_ones_a_lobe():
    film = phantom(size=(512, 512))
    small, large = (propose(film, _edit("atelectasis", severity)) for severity in (0.05, 0.9))
    thick = [ndimage.distance_transform_edt(np.pad(p.lesion.numpy(), 1)).max() for p in (small, large)]
    # Half of the thickest part, in millimetres.
    assert thick[0] * film.spacing[0] < 5.0 < 12.0 < thick[1] * film.spacing[0]
    assert "volume loss is not drawn" in large.note


@pytest.mark.parametrize("more", [{"side": "left"}, {"zone": "upper"}])
def test_oedema_of_one_side_or_zone_is_refused(more):
    with pytest.raises(CannotEdit, match="oedema is a finding of both lungs; leave side and zone out"):
        propose(FILM, Edit("insert", "edema", severity=0.4, **more))


def test_oedema_needs_both_lungs():
    film = replace(FILM, anatomy=FILM.anatomy.clone())
    film.anatomy[1] = 0
    seen = drawn_film(FILM)
    with pytest.raises(CannotEdit, match="oedema needs both lung fields, and this film shows one"):
        AttenuationEditor().propose(seen, film.anatomy, _edit("edema"), torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("finding", "reason"),
    [
        ("opacities", "no aerated right lung to put the opacities into"),
        ("pneumonitis", "no aerated right lung to put the pneumonitis into"),
        ("infection", "no aerated right lung to put the infection into"),
        ("consolidation", "too little aerated right lung for a consolidation of 18%"),
        ("irregular parenchyma", "no aerated right lung to put irregular parenchyma into"),
        ("edema", "the lungs are not aerated enough for oedema of 34% of both fields"),
        ("atelectasis", "too little aerated right lung for atelectasis of 11% of its field"),
    ],
)
def test_white_lungs_are_refused(finding, reason):
    seen = drawn_film(FILM)
    lungs = (FILM.anatomy[:2] > 0).any(0)
    white = torch.where(lungs, seen.unit.mediastinum, FILM.image[0])[None]
    film, generator = replace(seen, image=white), torch.Generator().manual_seed(0)
    with pytest.raises(CannotEdit, match=reason):
        AttenuationEditor().propose(film, FILM.anatomy, _edit(finding), generator)


@pytest.mark.parametrize("zone", ["upper", "middle", "lower"])
def test_every_zone_has_its_collapsed_lobe(zone):
    proposal = propose(FILM, _edit("atelectasis", 0.35, zone=zone))
    lesion = _full(proposal.lesion, proposal)
    field = np.flatnonzero(FILM.anatomy[0].numpy().any(1))
    height = (np.nonzero(lesion)[0].mean() - field[0]) / len(field)
    assert (
        {"upper": 0.0, "middle": 0.3, "lower": 0.55}[zone] < height < {"upper": 0.45, "middle": 0.7, "lower": 1.0}[zone]
    )


def test_findings_of_both_lungs_are_looked_for_in_both_and_no_further():
    for finding in ("infection", "edema"):
        check = next(c for c in default_gate(finding, "insert").checks if c.name == "inside_lung")
        assert check.together
    assert not next(c for c in default_gate("opacities", "insert").checks if c.name == "inside_lung").together
