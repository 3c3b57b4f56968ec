"""A film's class number beside its edits: monai_101's own idiom, an integer under "label"."""

import json

import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import Compose, SelectItemsd

from monai_cars.edits.edit import Region
from monai_cars.gates import Gate
from monai_cars.gates.checks.outside_unchanged import OutsideUnchanged
from monai_cars.transforms import DeleteFindingd, InsertFindingd, RandCounterfactuald, ShamEditd, ValidityGated

LABEL = {"label_key": "label", "label_of": {"nodule": 1}}


class Refuses:
    name = "refuses"

    def __call__(self, before, after, context):
        from monai_cars.gates import judged

        return judged("refuses", 0, 1, at_most=False, reason="nothing passes")


def insert(**options):
    return InsertFindingd("image", "nodule", severity=0.4, seed=1, **options)


def test_an_integer_label_follows_the_edit_through_the_loader(sample):
    chain = Compose([insert(**LABEL), ValidityGated("image"), SelectItemsd(["image", "label"])])
    batch = next(iter(DataLoader(Dataset([{**sample, "label": 0}, {**sample, "label": 1}], chain), batch_size=2)))
    assert batch["label"].tolist() == [1, 1]
    assert batch["label"].dtype == torch.int64


def test_a_gate_takes_the_label_back_with_the_film(sample):
    out = ValidityGated("image", Gate([Refuses()]))(insert(**LABEL)({**sample, "label": 0}))
    assert out["label"] == 0
    assert "label_before" not in out
    assert torch.equal(out["image"].as_tensor(), sample["image"].as_tensor())


def test_an_abstention_a_sham_and_another_finding_leave_it(sample):
    row = {**sample, "label": 0}
    assert insert(gate=Gate([Refuses()]), max_attempts=1, **LABEL)(row)["label"] == 0
    assert ShamEditd("image", "nodule", **LABEL)(row)["label"] == 0
    assert InsertFindingd("image", "mass", severity=0.1, **LABEL)(row)["label"] == 0


def test_a_deletion_gives_the_normal_class_where_the_known_ones_are_all(sample):
    made = insert(keep_before=False)(sample)
    box = json.loads(made["counterfactual"])["edits"][0]["box"]
    options = {"label_key": "label", "label_of": {"nodule": 1, "no finding": 0}, "gate": Gate([OutsideUnchanged()])}
    row = {"image": made["image"], "anatomy": made["anatomy"], "box": box, "label": 1}
    assert DeleteFindingd("image", "nodule", box_key="box", complete=True, **options)(row)["label"] == 0
    assert DeleteFindingd("image", "nodule", box_key="box", **options)(row)["label"] == 1
    assert Region(box=tuple(map(float, box)))


def test_a_random_edit_and_a_vector(sample):
    rand = RandCounterfactuald(
        "image", {"nodule": 1}, prob=1.0, seed_key="sample_seed", label_key="y", label_of={"normal": 0, "nodule": 1}
    )
    out = rand({**sample, "y": torch.tensor([1.0, 0.0]), "sample_seed": 1})
    accepted = json.loads(out["counterfactual"])["edits"][0]["accepted"]
    assert out["y"].tolist() == ([0, 1] if accepted else [1, 0])


def test_a_label_without_a_word_is_warned_of(sample):
    with pytest.warns(UserWarning, match="'label' is left as it was, though the film's nodule was changed"):
        out = insert()({**sample, "label": 0})
    assert out["label"] == 0


def test_half_an_argument_and_a_missing_entry_are_refused(sample):
    with pytest.raises(ValueError, match="label_key needs label_of="):
        insert(label_key="label")
    with pytest.raises(ValueError, match="label_of needs label_key="):
        insert(label_of={"nodule": 1})
    with pytest.raises(KeyError, match="label_key='label' names no entry of the sample"):
        insert(**LABEL)(sample)
