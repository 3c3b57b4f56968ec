"""Diffuse opacities are taken away: what was added comes off, what lies around and beside it stays."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, drawn_header, phantom, propose
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.lung.diffuse import FOUND, lung_with_border
from monai_cars.edits.edit import CannotEdit, Edit, Region
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
ANYTHING = Gate([OutsideUnchanged()])
CENTRE, RADIUS = (170.0, 100.0), 34.0


def _blob(centre=CENTRE, radius=RADIUS, soft=6.0) -> np.ndarray:
    y, x = np.mgrid[:384, :400]
    return ndi.gaussian_filter((np.hypot(y - centre[0], x - centre[1]) < radius).astype(np.float32), soft)


def _opaque(film=FILM, amplitude=0.35, **shape):
    """The phantom with a soft opacity in the right lung; integers stay integers."""
    added = torch.from_numpy(_blob(**shape)) * amplitude * drawn_film(film).unit.value
    return replace(film, image=(film.image + added[None]).round())


def _box(margin=0.0):
    (y, x), reach = CENTRE, RADIUS + margin
    return Region(box=(y - reach, x - reach, y + reach, x + reach))


def _deleted(film, region=None, gate=ANYTHING, finding="consolidation"):
    edit = Edit("delete", finding, region=region or _box())
    return make_counterfactual(film.image, film.anatomy, edit, header=drawn_header(film), gate=gate)


@pytest.mark.parametrize("amplitude", [0.25, 0.45])
def test_what_was_added_comes_off(amplitude):
    ill = _opaque(amplitude=amplitude)
    found = _deleted(ill)
    assert found.accepted
    unit = drawn_film(FILM).unit.value
    core = torch.from_numpy(_blob() > 0.9)
    left = ((found.image - FILM.image)[0] / unit)[core]
    assert abs(float(left.mean())) < 0.35 * amplitude
    # Ribs and vessels of the place stay where they are.
    detail = [
        ndi.gaussian_filter(f[0].numpy(), 1.0) - ndi.gaussian_filter(f[0].numpy(), 6.0)
        for f in (FILM.image, found.image)
    ]
    assert np.corrcoef(detail[0][core.numpy()], detail[1][core.numpy()])[0, 1] > 0.9


def test_a_mask_and_its_box_take_the_same_off():
    ill = _opaque()
    by_mask = _deleted(ill, Region(mask=torch.from_numpy(_blob() > 0.2)))
    by_box = _deleted(ill)
    both = (by_mask.lesion > 0) & (by_box.lesion > 0)
    assert both.sum() > 0.8 * (by_box.lesion > 0).sum()
    change = [(found.image - ill.image)[both].mean() for found in (by_mask, by_box)]
    assert float(change[0]) == pytest.approx(float(change[1]), rel=0.15)


@settings(max_examples=8, deadline=None)
@given(st.floats(0.15, 0.6), st.floats(-10, 20), st.floats(20, 40))
def test_outside_the_support_not_a_bit_changes(amplitude, margin, radius):
    ill = _opaque(amplitude=amplitude, radius=radius)
    found = _deleted(ill, _box(margin))
    untouched = found.support == 0
    assert torch.equal(found.image[untouched], ill.image[untouched])
    assert not (found.lesion > found.support).any()
    lungs = FILM.anatomy[:2].amax(0) > 0
    assert (found.support[0] > 0)[~torch.from_numpy(ndi.binary_dilation(lungs, iterations=4))].sum() == 0


def test_no_seam_and_no_hole_by_the_gate():
    found = _deleted(_opaque(), gate=None)
    assert found.accepted, found.record["reason"]
    values = {check["name"]: check["value"] for check in found.record["checks"]}
    assert values["no_seam"] < 0.5
    assert values["no_hole"] == 0


def test_the_residual_falls_to_nothing_before_the_support_ends():
    proposal = propose(_opaque(), Edit("delete", "consolidation", region=_box()))
    rim = proposal.support & ~torch.from_numpy(ndi.binary_erosion(proposal.support.numpy(), iterations=2))
    smooth = torch.from_numpy(ndi.uniform_filter(proposal.residual.numpy(), 3))
    assert smooth[rim].abs().median() < 0.02
    assert smooth.abs().max() > 0.2


def test_more_is_taken_from_a_denser_opacity():
    shares = [_deleted(_opaque(amplitude=a)).record["severity_asked"]["value"] for a in (0.2, 0.3, 0.5)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


def test_the_lesion_is_where_the_opacity_was():
    found = _deleted(_opaque(), Region(box=(120.0, 50.0, 220.0, 150.0)))
    truth = 0.35 * _blob() > FOUND
    lesion = found.lesion[0].numpy() > 0
    assert 2 * (lesion & truth).sum() / (lesion.sum() + truth.sum()) > 0.7


def test_a_large_film_keeps_its_detail():
    large = phantom(size=(1152, 1200), seed=3)
    added = torch.from_numpy(np.kron(_blob(), np.ones((3, 3), np.float32))) * 0.35 * drawn_film(large).unit.value
    ill = replace(large, image=(large.image + added[None]).round())
    box = tuple(3 * edge for edge in _box().box)
    found = _deleted(ill, Region(box=box))
    assert found.accepted
    core = np.kron(_blob() > 0.95, np.ones((3, 3), bool))
    fine = [f[0].numpy() - ndi.gaussian_filter(f[0].numpy(), 2.0) for f in (ill.image, found.image)]
    assert np.corrcoef(fine[0][core], fine[1][core])[0, 1] > 0.98


class TestRefusals:
    def test_healthy_lung(self):
        with pytest.raises(CannotEdit, match=r"the region exceeds healthy lung by .* contrast units, 0.1 are needed"):
            propose(FILM, Edit("delete", "consolidation", region=Region(box=(150.0, 90.0, 190.0, 130.0))))

    def test_beside_the_lung(self):
        with pytest.raises(CannotEdit, match="only 0% of the opacity lies over a lung field"):
            propose(FILM, Edit("delete", "consolidation", region=Region(box=(2.0, 2.0, 30.0, 30.0))))

    def test_behind_the_heart(self):
        rows, columns = np.nonzero((FILM.anatomy[2] * FILM.anatomy[1]).numpy())
        y, x = float(np.median(rows)), float(np.median(columns))
        with pytest.raises(CannotEdit, match="of the opacity lies over lung that the heart does not hide"):
            propose(FILM, Edit("delete", "consolidation", region=Region(box=(y - 12, x - 12, y + 12, x + 12))))


def test_borders_are_smooth_and_the_ramp_ends_on_them():
    seen = drawn_film(FILM)
    canvas = make_canvas(FILM.image, FILM.anatomy, seen.unit, spacing=seen.spacing, position=None)
    lung, ramp = lung_with_border(canvas)
    assert (ramp[~lung] == 0).all()
    assert ramp.max() == 1
    free = canvas.anatomy[:2].any(0) & ~canvas.heart
    assert (lung & free).sum() > 0.95 * free.sum()
