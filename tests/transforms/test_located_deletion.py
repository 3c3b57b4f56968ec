"""What the anatomy itself shows is deleted without a region; every usual name of a finding is understood."""

import json

import pytest
import torch

from monai_cars.chest_xray.editors import attenuation
from monai_cars.edits.edit import CannotEdit, Edit, Region
from monai_cars.features import load_vocabulary, vector_of
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.transforms import DeleteFinding, DeleteFindingd, InsertFindingd, RandCounterfactuald

NIH, CHEXPERT = load_vocabulary("nih-14"), load_vocabulary("chexpert-14")
ANYTHING = Gate([OutsideUnchanged()])


def edits(sample):
    return json.loads(sample["counterfactual"])["edits"]


@pytest.fixture
def any_heart(monkeypatch):
    """Deletes the heart's left border on any film, so that this test does not depend on how that is drawn."""
    nodule = attenuation.DRAWINGS["nodule"].insert

    def delete(canvas, edit, generator):
        side = Edit("insert", "nodule", side="left", severity=0.5)
        part, y0, x0 = canvas.around("left")
        proposal = nodule(part, side, generator)
        box = proposal.box
        return type(proposal)(
            type(box)(box.y0 + y0, box.x0 + x0, box.y1 + y0, box.x1 + x0),
            -proposal.residual,
            proposal.support,
            proposal.lesion,
        )

    monkeypatch.setitem(attenuation.DRAWINGS, "enlarged heart", attenuation.Drawing(nodule, delete))


def test_an_enlarged_heart_needs_no_region_and_its_label_goes(sample, any_heart):
    sample["labels"] = vector_of({"Cardiomegaly": 1}, NIH, otherwise=0)
    delete = DeleteFindingd("image", "cardiomegaly", gate=ANYTHING, findings_key="labels", vocabulary="nih-14")
    out = delete(sample)
    (edit,) = edits(out)
    assert edit["accepted"], edit["reason"]
    assert (edit["finding"], edit["instance_only"]) == ("enlarged heart", False)
    assert out["labels"][NIH.index("Cardiomegaly")] == 0


def test_a_heart_that_cannot_be_made_smaller_is_left_alone(sample, monkeypatch):
    def refuse(canvas, edit, generator):
        raise CannotEdit("the heart is not enlarged")

    monkeypatch.setitem(attenuation.DRAWINGS, "enlarged heart", attenuation.Drawing(refuse, refuse))
    sample["labels"] = vector_of({"Cardiomegaly": 1}, NIH, otherwise=0)
    out = DeleteFindingd("image", "enlarged heart", findings_key="labels", vocabulary="nih-14")(sample)
    assert edits(out)[0]["reason"] == "the heart is not enlarged"
    assert out["labels"][NIH.index("Cardiomegaly")] == 1


def test_a_box_that_is_asked_for_and_missing_still_abstains(sample, any_heart):
    out = DeleteFindingd("image", "cardiomegaly", box_key="box", gate=ANYTHING)({**sample, "box": []})
    assert edits(out)[0]["reason"] == "no region of the finding on this film"


def test_a_random_deletion_of_what_the_anatomy_shows(sample, any_heart):
    rand = RandCounterfactuald(
        "image", {"cardiomegaly": 1}, {"delete": 1}, 1.0, gate=ANYTHING, findings_key="labels", vocabulary="nih-14"
    )
    sample["labels"] = vector_of({"Cardiomegaly": 1}, NIH, otherwise=0)
    out = rand(sample)
    assert edits(out)[0]["operation"] == "delete"
    assert edits(out)[0]["accepted"], edits(out)[0]["reason"]
    assert out["labels"][NIH.index("Cardiomegaly")] == 0
    healthy = rand({**sample, "labels": vector_of({}, NIH, otherwise=0)})
    assert edits(healthy)[0]["reason"] == "no region of a finding on this film"
    assert torch.equal(healthy["image"], sample["image"])


def test_other_findings_still_need_a_region():
    with pytest.raises(ValueError, match=r"must be told where the mass lies by exactly one of .* \(got none\)"):
        DeleteFindingd("image", "mass")
    with pytest.raises(ValueError, match=r"give mask_keys or box_keys"):
        RandCounterfactuald("image", {"mass": 1}, {"delete": 1})


def test_aliases_name_findings_everywhere(sample):
    assert InsertFindingd("image", "pneumothorax", findings_key="f", vocabulary="carpa-19").insert.edit.finding == (
        "pleural air"
    )
    assert DeleteFinding("Pleural Effusion").finding == "effusion"
    rand = RandCounterfactuald("image", {"Cardiomegaly": 2}, findings_key="f", vocabulary="chexpert-14")
    assert rand.rand_counterfactual.choices.findings == {"enlarged heart": 2}
    region = {"Pleural Effusion": Region(point=(400.0, 120.0))}
    only = RandCounterfactuald("image", {"effusion": 1}, {"delete": 1}, 1.0, box_keys={"pleural effusion": "box"})
    out = only({**sample, "box": [300, 60, 420, 200]})
    assert (edits(out)[0]["operation"], edits(out)[0]["finding"]) == ("delete", "effusion")
    only.rand_counterfactual.randomize()
    result = only.rand_counterfactual.counterfactual(sample["image"], sample["anatomy"], region)
    assert result.record["reason"] != "no region of a finding on this film"


@pytest.fixture
def two_masses(sample):
    made = sample
    for side in ("right", "left"):
        made = InsertFindingd("image", "mass", side=side, severity=0.1, seed=4, keep_before=False)(made)
    boxes = [edit["box"] for edit in edits(made) if edit["accepted"]]
    assert len(boxes) == 2
    return {"image": made["image"], "anatomy": made["anatomy"], "box": boxes, "labels": vector_of({"Mass": 1}, NIH)}


def test_every_box_is_deleted_one_after_another(two_masses):
    delete = DeleteFindingd(
        "image", "mass", box_key="box", instance=None, complete=True, findings_key="labels", vocabulary="nih-14"
    )
    out = delete(two_masses)
    first, second = edits(out)
    assert first["instance_only"]
    if first["accepted"] and second["accepted"]:
        assert not second["instance_only"]
        assert out["labels"][NIH.index("Mass")] == 0
    else:
        assert out["labels"][NIH.index("Mass")] == 1
    assert edits(delete({**two_masses, "box": []}))[0]["reason"] == "no region of the finding on this film"
    with pytest.raises(ValueError, match="instance=None deletes one box after another and needs box_key"):
        DeleteFindingd("image", "mass", point=(1, 2), instance=None)
