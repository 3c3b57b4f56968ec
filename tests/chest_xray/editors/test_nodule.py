"""Looks of nodules and masses, and the place that they are put in."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, phantom, propose, written
from scipy import ndimage

from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.lung.lump import EDGE
from monai_cars.chest_xray.editors.lung.nodule import STRANDED_MM, _look, _profile, quietest
from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.edit import CannotEdit, Edit
from monai_cars.findings.registry import FINDINGS

FILM = phantom(size=(384, 400))
LOOKS = {name: finding.looks for name, finding in FINDINGS.items() if finding.looks}
ALL_LOOKS = sorted({look for shares in LOOKS.values() for look, _ in shares})


@pytest.mark.parametrize("finding", LOOKS)
def test_shares_of_looks_add_up(finding):
    assert sum(share for _, share in LOOKS[finding]) == pytest.approx(1.0)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(ALL_LOOKS))
def test_every_look_is_one_solid_shadow_that_ends_within_its_grid(seed, look):
    profile = _profile(look, torch.Generator().manual_seed(seed))
    assert profile.max() == pytest.approx(1.0)
    assert profile.min() >= 0.0
    assert max(profile[[0, -1]].max(), profile[:, [0, -1]].max()) < 0.06
    labels, _ = ndimage.label(profile > EDGE)
    assert np.bincount(labels.ravel())[1:].max() > 0.97 * (labels > 0).sum()


def test_a_small_nodule_shows_no_spicules():
    looks = {_look("nodule", STRANDED_MM - 1, torch.Generator().manual_seed(seed)) for seed in range(60)}
    assert "spiculated" not in looks
    looks = {_look("nodule", STRANDED_MM + 1, torch.Generator().manual_seed(seed)) for seed in range(60)}
    assert looks == {look for look, _ in LOOKS["nodule"]}


def test_a_cavity_is_less_dense_than_its_wall():
    profile = _profile("cavity", torch.Generator().manual_seed(1))
    middle = len(profile) // 2
    assert profile[middle - 3 : middle + 3, middle - 3 : middle + 3].mean() < 0.8


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["nodule", "mass"]), st.floats(0.0, 0.4))
def test_the_measured_diameter_is_the_asked_one(seed, finding, severity):
    edit = Edit("insert", finding, severity=severity, side="right")
    try:
        proposal = propose(FILM, edit, draw=seed)
    except CannotEdit:
        return
    drawn = drawn_film(FILM)
    after = written(FILM, proposal).image
    found = measure(finding, FILM.image, after, FILM.anatomy, unit=drawn.unit, spacing=drawn.spacing)
    assert found.value == pytest.approx(edit.asked.value, rel=0.07, abs=0.8)


def test_the_quietest_place_is_taken():
    drawn = drawn_film(FILM)
    canvas = make_canvas(drawn.image, FILM.anatomy, drawn.unit, spacing=drawn.spacing, position="erect")
    canvas.u[100:140, 60:100] = 0.1
    canvas.u[200:240, 60:100] = np.indices((40, 40)).sum(0) % 2
    site, spread = quietest(canvas, [(220.0, 80.0), (120.0, 80.0)], radius=8.0)
    assert site == (120.0, 80.0)
    assert spread < 0.01


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31))
def test_a_mass_of_the_lung_does_not_reach_beyond_it(seed):
    try:
        proposal = propose(FILM, Edit("insert", "mass", severity=0.3, side="left"), draw=seed)
    except CannotEdit:
        return
    lungs = (FILM.anatomy[:2].amax(0) > 0)[proposal.box.slices]
    far = ~torch.from_numpy(ndimage.binary_dilation(lungs.numpy(), iterations=6))
    assert float(proposal.residual[far].sum()) < 0.01 * float(proposal.residual.sum())


def test_no_finding_where_the_lung_is_too_busy_to_see_it():
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.standard_normal((384, 400)), 1.5)
    noise = torch.from_numpy((0.5 * drawn_film(FILM).unit.value * noise / noise.std()).astype(np.float32))
    busy = replace(FILM, image=FILM.image + torch.where(FILM.anatomy[:2].amax(0) > 0, noise, 0.0))
    with pytest.raises(CannotEdit, match="a nodule would not be seen between the ribs and vessels"):
        propose(busy, Edit("insert", "nodule", severity=0.2))
