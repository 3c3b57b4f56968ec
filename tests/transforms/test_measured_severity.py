"""The severity that is handed to a regression is the one that was measured."""

import json

import pytest
import torch
from monai.transforms import Compose

from monai_cars.edits.edit import SEVERITY
from monai_cars.transforms import InsertFindingd, InsertFindingsd, MeasuredSeverity, MeasuredSeverityd, ShamEditd


def insert(finding="nodule"):
    return InsertFindingd("image", finding, severity=0.5, seed=1)


def test_it_is_what_the_record_says(sample):
    out = Compose([insert(), MeasuredSeverityd()])(sample)
    measured = json.loads(out["counterfactual"])["edits"][0]["severity_measured"]
    assert out["severity"].dtype == torch.float32
    assert out["severity"].item() == pytest.approx(measured["normalised"])
    assert out["severity_amount"].item() == pytest.approx(measured["value"])
    assert SEVERITY["nodule"].normalised(out["severity_amount"].item()) == pytest.approx(
        out["severity"].item(), abs=1e-3
    )


def test_unknown_where_nothing_was_inserted(sample):
    for chain in (ShamEditd("image", "nodule"), insert()):
        out = Compose([chain, MeasuredSeverityd(finding="pleural effusion")])(sample)
        assert out["severity"].isnan()
        assert out["severity_amount"].isnan()
    assert MeasuredSeverityd(allow_missing_keys=True)({})["severity"].isnan()


def test_the_finding_that_is_asked_for(sample):
    both = [{"finding": "nodule", "side": "right", "severity": 0.4}, {"finding": "effusion", "side": "left"}]
    out = InsertFindingsd("image", both)(sample)
    nodule = MeasuredSeverityd(finding="nodule", severity_key="size")(out)
    assert 8 < nodule["size_amount"] < 30
    assert MeasuredSeverityd(finding="effusion")(out)["severity_amount"] < 1


def test_errors():
    with pytest.raises(ValueError, match=r"finding must be one of nodule, .* \(got 'gout'\)"):
        MeasuredSeverity("gout")
    with pytest.raises(ValueError, match="reads one record: give one key"):
        MeasuredSeverityd(["one", "two"])
    with pytest.raises(KeyError, match="keys='counterfactual' names no entry of the sample"):
        MeasuredSeverityd()({"image": 1})
