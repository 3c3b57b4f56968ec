"""Measured severities against shapes whose size is known in closed form."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import disc

from monai_cars.chest_xray.anatomy import ContrastUnit
from monai_cars.chest_xray.measurement import measure

SHAPE = (200, 220)
UNIT = ContrastUnit(value=50.0, mediastinum=0.0, aerated=0.0, share=0.5)


def _lungs() -> torch.Tensor:
    masks = torch.zeros(3, *SHAPE, dtype=torch.uint8)
    masks[0, 20:180, 10:90] = masks[1, 20:180, 130:210] = 1
    masks[2, 120:180, 60:150] = 1
    return masks


def _measure(finding, change, *, spacing=(1.0, 1.0), unit=UNIT, operation="insert", anatomy=None):
    before = torch.zeros(1, *SHAPE)
    masks = _lungs() if anatomy is None else anatomy
    return measure(finding, before, before + change, masks, unit=unit, spacing=spacing, operation=operation)


@settings(max_examples=25, deadline=None)
@given(st.floats(8, 45), st.floats(5, 500), st.floats(0.5, 2.0))
def test_a_disc_is_measured_by_its_diameter(radius, height, millimetres):
    found = _measure("nodule", height * disc(SHAPE, (100, 110), radius), spacing=(millimetres, millimetres))
    assert found.unit == "mm"
    assert found.value == pytest.approx(2 * radius * millimetres, rel=0.1)


def test_a_paraboloid_ends_at_a_quarter_of_its_peak():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    cap = np.clip(1 - ((y - 100) ** 2 + (x - 110) ** 2) / 40.0**2, 0, None)
    found = _measure("mass", torch.from_numpy(100 * cap).float())
    assert found.value == pytest.approx(2 * 40 * np.sqrt(0.75), rel=0.02)


def test_pixels_need_not_be_square():
    found = _measure("nodule", 10 * disc(SHAPE, (100, 110), 20), spacing=(0.5, 2.0))
    assert found.value == pytest.approx(40, rel=0.05)


def test_only_the_largest_part_counts():
    both = disc(SHAPE, (60, 60), 25) | disc(SHAPE, (150, 170), 9)
    assert _measure("nodule", 10 * both).value == pytest.approx(
        _measure("nodule", 10 * disc(SHAPE, (60, 60), 25)).value
    )


@pytest.mark.parametrize("spacing", [(1.0, 1.0), None])
@pytest.mark.parametrize("finding", ["nodule", "consolidation"])
def test_no_change_measures_nothing(finding, spacing):
    found = _measure(finding, torch.zeros(SHAPE), spacing=spacing)
    if finding == "nodule" and spacing is None:
        assert found is None
    else:
        assert found.value == 0


def test_without_a_scale_there_are_no_millimetres_but_shares():
    change = 40 * torch.ones(SHAPE)
    assert _measure("mass", change, spacing=None) is None
    assert _measure("effusion", change, spacing=None).value == 1.0


@pytest.mark.parametrize("finding", ["nodule", "mass", "consolidation", "effusion"])
def test_a_deletion_measures_what_was_taken_away(finding):
    added = 40.0 * disc(SHAPE, (80, 50), 25)
    assert _measure(finding, -added, operation="delete") == _measure(finding, added)
    assert _measure(finding, added, operation="delete").value == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@settings(max_examples=10, deadline=None)
@given(scale=st.sampled_from([2.0**-12, 0.25, 8.0, 4096.0]))
def test_amounts_do_not_depend_on_the_values_scale(sign, scale):
    added = 40.0 * disc(SHAPE, (80, 50), 25)
    scaled = ContrastUnit(sign * scale * UNIT.value, 0.0, 0.0, 0.5)
    for finding in ("nodule", "consolidation"):
        assert _measure(finding, sign * scale * added, unit=scaled) == _measure(finding, added)


def test_a_share_is_of_the_field_outside_the_heart_and_of_the_worse_side():
    masks = _lungs()
    change = torch.zeros(SHAPE)
    change[20:60, 10:90] = 40.0  # 3200 of the right field's 160 * 80 - 60 * 30 = 11000 pixels
    change[20:30, 130:210] = 40.0
    found = _measure("effusion", change, anatomy=masks)
    assert found.unit == "fraction"
    assert found.value == pytest.approx(3200 / 11000, abs=0.01)


def test_opacity_over_the_heart_or_beside_the_lung_counts_for_nothing():
    change = torch.zeros(SHAPE)
    change[130:170, 95:125] = change[:10] = 90.0
    assert _measure("effusion", change).value == 0


def test_opacity_of_the_lung_behind_the_heart_counts_for_nothing():
    change = torch.zeros(SHAPE)
    change[130:170, 65:85] = 90.0  # in the right field, and over the heart
    assert _measure("effusion", change).value == 0


def test_shares_agree_between_the_native_and_the_working_grid():
    masks = _lungs()
    change = 40.0 * disc(SHAPE, (80, 50), 25)
    large = [t.repeat_interleave(6, -1).repeat_interleave(6, -2) for t in (masks, change[None])]
    before = torch.zeros(1, 1200, 1320)
    found = measure("consolidation", before, before + large[1], large[0], unit=UNIT, spacing=None)
    assert found.value == pytest.approx(_measure("consolidation", change).value, abs=0.01)


def test_empty_anatomy_measures_nothing():
    empty = torch.zeros(3, *SHAPE, dtype=torch.uint8)
    assert _measure("effusion", 40 * torch.ones(SHAPE), anatomy=empty).value == 0
