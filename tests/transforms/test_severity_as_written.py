"""An amount with its unit as people write it, wherever a severity is taken."""

import pytest

from monai_cars.edits.edit import Edit, Quantity, severity_of
from monai_cars.transforms import InsertFinding, InsertFindingd, InsertFindings, InsertFindingsd

MM = {"value": 18, "unit": "mm"}


@pytest.mark.parametrize("amount", [MM, Quantity(18, "mm")])
def test_one_insertion_and_several_take_the_same_amount(amount):
    rows = [{"finding": "nodule", "severity": amount}]
    edits = [
        InsertFinding("nodule", severity=amount).edit,
        InsertFindingd("image", "nodule", severity=amount).insert.edit,
        *InsertFindings(rows).edits,
        *InsertFindingsd("image", rows).insert.edits,
    ]
    assert [edit.asked for edit in edits] == [Quantity(18, "mm")] * 4


def test_the_same_amount_makes_the_same_film(sample):
    one, two = (
        InsertFindingd("image", "nodule", severity=amount, seed=1)(sample) for amount in (MM, Quantity(18, "mm"))
    )
    assert one["counterfactual"] == two["counterfactual"]


@pytest.mark.parametrize(
    "amount",
    [{}, {"value": 18}, {"unit": "mm"}, {"value": "large", "unit": "mm"}, {"value": 18, "unit": "mm", "sd": 1}],
)
def test_a_mapping_that_is_no_amount_is_refused(amount):
    with pytest.raises(ValueError, match=r"an amount must hold a number and its unit, \{'value': 18, 'unit': 'mm'\}"):
        severity_of(amount)
    with pytest.raises(ValueError, match=r"findings\[0\]: an amount must hold a number and its unit"):
        InsertFindings([{"finding": "nodule", "severity": amount}])


@pytest.mark.parametrize("severity", ["18 mm", "0.5", [0.2, 0.4], {"value": 18, "unit": "mm"}])
def test_an_edit_says_what_a_severity_may_be(severity):
    with pytest.raises(ValueError, match=r"severity of nodule must be a number in \[0, 1\], a Quantity or \{'value'"):
        Edit("insert", "nodule", severity=severity)


@pytest.mark.parametrize(
    ("amount", "reason"), [({"value": 18, "unit": "cm"}, "in mm, got 18"), ({"value": 99, "unit": "mm"}, "must lie in")]
)
def test_an_amount_off_the_scale_is_refused(amount, reason):
    with pytest.raises(ValueError, match=reason):
        InsertFindingd("image", "nodule", severity=amount)
