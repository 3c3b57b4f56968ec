"""The vocabulary of edits: what it refuses, and the linear severity scale."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.edits.edit import SEVERITY, ZONES, Box, Edit, Quantity, Region
from monai_cars.findings.registry import finding_of, registered

FINDINGS = sorted(SEVERITY)


@pytest.mark.parametrize("finding", FINDINGS)
def test_severity_is_linear_between_its_ends(finding):
    scale = SEVERITY[finding]
    assert scale.amount(0.0) == (scale.low, scale.unit)
    assert scale.amount(1.0).value == pytest.approx(scale.high)
    assert scale.amount(0.5).value == pytest.approx((scale.low + scale.high) / 2)
    assert 0 < scale.low < scale.high
    assert scale.source


@given(st.sampled_from(FINDINGS), st.floats(0, 1))
def test_normalised_is_the_inverse_of_amount(finding, severity):
    scale = SEVERITY[finding]
    assert scale.normalised(scale.amount(severity).value) == pytest.approx(severity, abs=1e-9)


def test_a_nodule_ends_where_a_mass_begins():
    assert SEVERITY["nodule"].high == SEVERITY["mass"].low


@given(st.sampled_from(FINDINGS), st.floats(0, 1))
def test_a_quantity_and_its_normalised_severity_ask_for_the_same(finding, severity):
    amount = SEVERITY[finding].amount(severity)
    low, high = SEVERITY[finding].low, SEVERITY[finding].high
    amount = Quantity(min(max(amount.value, low), high), amount.unit)
    assert Edit("insert", finding, severity=amount).asked.value == pytest.approx(
        Edit("insert", finding, severity=severity).asked.value
    )


def test_without_a_severity_the_editor_decides():
    assert Edit("insert", "nodule").asked is None


@pytest.mark.parametrize("zone", ZONES)
def test_every_zone_can_be_asked_for(zone):
    assert Edit("insert", "nodule", side="left", zone=zone).zone == zone


def test_an_organ_without_zones_takes_none():
    scar = replace(finding_of("nodule"), name="scar", aliases=(), organ="phantom")
    with registered(scar):
        assert Edit("insert", "scar", side="left").zone is None
        with pytest.raises(ValueError, match="scar: its organ has no zones, got zone 'upper'; leave it out"):
            Edit("insert", "scar", side="left", zone="upper")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"operation": "remove"}, r"operation must be one of insert, delete, sham, got 'remove'"),
        ({"finding": "gout"}, r"finding must be one of nodule, mass, .*, support devices, got 'gout'"),
        ({"side": "right lung"}, r"side must be one of left, right, got 'right lung'"),
        ({"zone": "base"}, r"zone must be one of upper, middle, .*hilar, got 'base'"),
        ({"operation": "delete"}, r"delete nodule: a region must say where the finding lies, got none; give a mask"),
        ({"operation": "sham", "region": Region(point=(1, 1))}, r"sham nodule: a region is for deletions only; remove"),
        ({"region": Region(point=(1, 1))}, r"insert nodule: a region is for deletions only; remove it"),
        ({"severity": 1.01}, r"severity of nodule must lie in \[0, 1\] or be a Quantity in mm, got 1.01"),
        ({"severity": -0.1}, r"severity of nodule must lie in \[0, 1\] or be a Quantity in mm, got -0.1"),
        ({"severity": float("nan")}, r"severity of nodule must lie in \[0, 1\] .* got nan"),
        ({"severity": Quantity(18, "cm")}, r"severity of nodule is measured in mm, got 18 cm"),
        ({"severity": Quantity(31, "mm")}, r"severity of nodule must lie in \[8.0, 30.0\] mm, got 31"),
        ({"severity": Quantity(float("nan"), "mm")}, r"severity of nodule must lie in \[8.0, 30.0\] mm, got nan"),
    ],
)
def test_a_wrong_edit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Edit(**{"operation": "insert", "finding": "nodule", **arguments})


def test_a_region_is_one_thing():
    with pytest.raises(ValueError, match=r"exactly one of mask, box, point must be given, got none of them"):
        Region()
    with pytest.raises(ValueError, match=r"exactly one of mask, box, point must be given, got \['box', 'point'\]"):
        Region(box=(0, 0, 1, 1), point=(0, 0))


def test_a_deletion_carries_its_region():
    assert Edit("delete", "mass", region=Region(box=(1, 2, 3, 4))).region.box == (1, 2, 3, 4)


def test_box_slices_cut_the_half_open_crop():
    grid = torch.arange(30).reshape(5, 6)
    assert torch.equal(grid[Box(1, 2, 4, 5).slices], grid[1:4, 2:5])
