"""Lesion masks are ground truth: whole, smooth, inside the support, and of the size that was drawn."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phantom_film import disc, drawn_header, phantom
from scipy import ndimage

from monai_cars.chest_xray.editors.canvas.lesion import LEAST_SHARE, clean_lesion, smooth, whole
from monai_cars.edits.edit import Box, Edit, Proposal
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

TOUCHING = np.ones((3, 3), bool)
ANYTHING = Gate([OutsideUnchanged()])


def _proposal(lesion, support=None):
    lesion = torch.as_tensor(lesion)
    support = torch.ones_like(lesion) if support is None else torch.as_tensor(support)
    return Proposal(Box(0, 0, *lesion.shape), support.float(), support, lesion)


def _clean(lesion, support=None, millimetre=1.4):
    return clean_lesion(_proposal(lesion, support), millimetre).lesion.numpy()


def _parts(mask):
    return ndimage.label(mask, TOUCHING)[1]


def _holes(mask):
    return int((ndimage.binary_fill_holes(mask) & ~mask).sum())


def _blobs(seed, size=96, sigma=5.0):
    """Random blobs with crumbs, holes and teeth, in a support of their own."""
    random = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(random.standard_normal((size, size)), sigma)
    field = field / field.std() + 0.4 * random.standard_normal((size, size))
    support = ndimage.gaussian_filter(random.standard_normal((size, size)), 2 * sigma) > -0.02
    return (field > 1.0) & support, support


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.2, 12.0), st.sampled_from([48, 97, 160]))
@example(7058, 1.0, 48)  # a hole that is filled makes another part a crumb
def test_a_lesion_stays_in_the_support_without_crumbs_and_pinholes(seed, millimetre, size):
    lesion, support = _blobs(seed, size)
    drawn = _proposal(lesion, support)
    found = clean_lesion(drawn, millimetre)
    clean = found.lesion.numpy()
    assert not (clean & ~support).any()
    assert found.residual is drawn.residual
    assert found.support is drawn.support
    assert clean.any() == lesion.any()
    sizes = np.bincount(ndimage.label(clean, TOUCHING)[0].ravel())[1:]
    assert (sizes >= LEAST_SHARE * sizes.max(initial=0)).all()
    assert (clean == _clean(lesion, support, millimetre)).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.5, 6.0))
def test_smoothing_keeps_the_area_of_one_part(seed, sigma):
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:120, :120] - 60.0
    radius = random.uniform(12, 35) + ndimage.gaussian_filter1d(random.standard_normal(360), 4, mode="wrap") * 12
    lesion = np.hypot(y, x) < radius[(np.degrees(np.arctan2(y, x)).astype(int)) % 360]
    lesion = ndimage.label(lesion, TOUCHING)[0] == ndimage.label(lesion, TOUCHING)[0][60, 60]
    found = smooth(lesion, np.ones_like(lesion), sigma)
    assert found.sum() == pytest.approx(lesion.sum(), rel=0.02)


def test_crumbs_go_and_pinholes_are_filled():
    lesion = disc((120, 120), (60, 50), 30).numpy()
    drawn = lesion.copy()
    drawn[60, 50] = drawn[50:52, 44] = False
    drawn[5, 100] = drawn[100:103, 110] = drawn[60, 90:93] = True
    found = _clean(drawn)
    assert (_parts(drawn), _holes(drawn)) == (4, 3)
    assert (_parts(found), _holes(found)) == (1, 0)
    assert (found & lesion).sum() > 0.98 * (found | lesion).sum()


def test_a_round_lesion_stays_as_it_is():
    lesion = disc((100, 100), (50, 50), 20).numpy()
    found = _clean(lesion)
    assert found.sum() == pytest.approx(lesion.sum(), rel=0.01)
    assert (found ^ lesion).sum() < 0.02 * lesion.sum()


def test_both_sides_of_a_bilateral_lesion_are_kept():
    small, large = disc((120, 120), (60, 90), 7).numpy(), disc((120, 120), (60, 30), 25).numpy()
    found = _clean(small | large)
    assert _parts(found) == 2
    assert (found & small).sum() > 0.95 * small.sum()


def test_a_thin_crescent_keeps_its_length():
    shape = (160, 160)
    crescent = disc(shape, (80, 80), 50).numpy() & ~disc(shape, (80, 77), 50).numpy()
    found = _clean(crescent, millimetre=3.0)
    assert _parts(found) == 1
    assert found.sum() == pytest.approx(crescent.sum(), rel=0.05)
    assert np.ptp(np.flatnonzero(found.any(1))) > 0.85 * np.ptp(np.flatnonzero(crescent.any(1)))


def test_a_border_loses_its_teeth():
    lesion = disc((160, 160), (80, 80), 40).numpy()
    lesion[80:, ::2] &= disc((160, 160), (80, 80), 36).numpy()[80:, ::2]
    found = _clean(lesion)
    rims = [(mask & ~ndimage.binary_erosion(mask)).sum() for mask in (lesion, found)]
    assert rims[1] < 0.7 * rims[0]
    assert found.sum() == pytest.approx(lesion.sum(), rel=0.02)


def test_a_cavity_is_no_pinhole():
    ring = (disc((120, 120), (60, 60), 40) & ~disc((120, 120), (60, 60), 18)).numpy()
    assert _holes(_clean(ring)) == pytest.approx(_holes(ring), rel=0.1)


def test_what_opaque_metal_covers_is_no_lesion():
    lesion = disc((120, 120), (60, 60), 40).numpy()
    metal = disc((120, 120), (60, 60), 5).numpy()
    found = _clean(lesion & ~metal, ~metal)
    assert not (found & metal).any()
    assert found.sum() == pytest.approx((lesion & ~metal).sum(), rel=0.02)


def test_parts_are_weighed_against_the_largest():
    mask = np.zeros((40, 40), bool)
    mask[1:21, 1:21], mask[30:34, 30:34], mask[36, 36:39] = True, True, True
    assert whole(mask, np.ones_like(mask)).sum() == 416


def test_an_empty_lesion_stays_empty():
    drawn = _proposal(np.zeros((20, 20), bool))
    assert clean_lesion(drawn, 2.0) is drawn


@pytest.mark.parametrize("finding", ["effusion", "enlarged heart", "opacities", "mass"])
def test_edits_give_clean_lesions(finding):
    film = phantom(size=(384, 400))
    edit = Edit("insert", finding, severity=0.2, seed=3)
    found = make_counterfactual(film.image, film.anatomy, edit, header=drawn_header(film), gate=ANYTHING)
    lesion, support = found.lesion[0].numpy() > 0, found.support[0].numpy() > 0
    assert found.accepted
    assert _parts(lesion) <= 3
    assert not (lesion & ~support).any()
    sizes = np.bincount(ndimage.label(lesion, TOUCHING)[0].ravel())[1:]
    assert sizes.min() >= LEAST_SHARE * sizes.max()
