"""Several findings in one film: each its own edit, and nothing that a film cannot show."""

import json

import pytest
import torch
from monai.transforms import Compose

from monai_cars.features import load_vocabulary, present_findings, vector_of
from monai_cars.gates import Gate, OutsideUnchanged, judged
from monai_cars.transforms import InsertFindings, InsertFindingsd, ValidityGated

NIH = load_vocabulary("nih-14")
TWO = [
    {"finding": "nodule", "side": "right", "severity": 0.5},
    {"finding": "effusion", "side": "left", "severity": 0.2},
]


class NoNodule:
    """Passes everything but nodules."""

    name = "no_nodule"

    def __call__(self, before, after, context):
        return judged("no_nodule", float(context.edit.finding == "nodule"), 0, at_most=True, reason="a nodule")


WITHOUT_NODULES = Gate([OutsideUnchanged(), NoNodule()])


def record(sample):
    return json.loads(sample["counterfactual"])


def same(one, two):
    return torch.equal(torch.as_tensor(one).nan_to_num(-1), torch.as_tensor(two).nan_to_num(-1))


@pytest.mark.parametrize("findings", [TWO, TWO[::-1]], ids=["nodule first", "effusion first"])
def test_findings_in_any_order_each_with_its_record(sample, findings):
    sample["labels"] = vector_of({}, NIH, otherwise=0)
    out = InsertFindingsd("image", findings, findings_key="labels", vocabulary="nih-14")(sample)
    edits = record(out)["edits"]
    assert [edit["finding"] for edit in edits] == [row["finding"] for row in findings]
    assert all(edit["accepted"] for edit in edits), edits
    assert len({edit["seed"] for edit in edits}) == 2
    # They lie on different sides, so that neither hides the other.
    assert set(present_findings(out["labels"], NIH)) == {"Nodule", "Effusion"}
    changed = out["image"].as_tensor() != sample["image"].as_tensor()
    assert not (changed & (out["support"].as_tensor() == 0)).any()
    assert same(out["image_before"], sample["image"])


def test_a_finding_under_a_later_one_becomes_unknown(sample):
    sample["labels"] = vector_of({}, NIH, otherwise=0)
    below = {"finding": "nodule", "side": "left", "zone": "lower", "severity": 0.3}
    fluid = {"finding": "effusion", "side": "left", "severity": 0.9}
    anything = Gate([OutsideUnchanged()])
    out = InsertFindingsd("image", [below, fluid], gate=anything, findings_key="labels", vocabulary="nih-14")(sample)
    assert out["labels"][NIH.index("Effusion")] == 1
    assert out["labels"][NIH.index("Nodule")].isnan()


def test_the_same_finding_twice(sample):
    out = InsertFindingsd("image", [{"finding": "nodule", "side": "left", "severity": 0.3}] * 2)(sample)
    one, two = record(out)["edits"]
    assert one["seed"] != two["seed"]
    assert one["lesion_rle"] != two["lesion_rle"]


def test_the_same_seed_gives_the_same_film(sample):
    one, two, other = (InsertFindingsd("image", TWO, seed=seed)(sample) for seed in (3, 3, 4))
    assert one["counterfactual"] == two["counterfactual"]
    assert same(one["image"], two["image"])
    assert not same(one["image"], other["image"])


def test_each_abstains_alone_unless_all_are_wanted(sample):
    sample["labels"] = vector_of({}, NIH, otherwise=0)
    options = {"gate": WITHOUT_NODULES, "findings_key": "labels", "vocabulary": "nih-14", "max_attempts": 1}
    some = InsertFindingsd("image", TWO, **options)(sample)
    assert [edit["accepted"] for edit in record(some)["edits"]] == [False, True]
    assert present_findings(some["labels"], NIH) == ("Effusion",)
    none = InsertFindingsd("image", TWO, all_or_none=True, **options)(sample)
    refused, withdrawn = record(none)["edits"]
    assert refused["reason"] == "no_nodule: a nodule"
    assert withdrawn["reason"] == "the combination is not complete: nodule: no_nodule: a nodule"
    assert not withdrawn["accepted"]
    assert same(none["image"], sample["image"])
    assert same(none["labels"], sample["labels"])
    assert not none["support"].any()
    assert not none["lesion"].any()


def test_the_gate_at_the_end_judges_each_on_the_film_it_was_made_on(sample):
    edited = InsertFindingsd("image", TWO)(sample)
    out = ValidityGated("image")(edited)
    assert record(out)["gate"]["accepted"], record(out)["gate"]["reason"]
    again = {(check["edit"], check["name"]): check["value"] for check in record(out)["gate"]["checks"]}
    first = {
        (number, check["name"]): check["value"]
        for number, edit in enumerate(record(edited)["edits"])
        for check in edit["checks"]
    }
    assert again == pytest.approx(first, rel=1e-3, abs=1e-3)


def test_findings_that_meet_are_judged_together(sample):
    overlapping = [{"finding": "consolidation", "side": "left", "zone": "lower", "severity": 0.5}, TWO[1]]
    insert = InsertFindingsd("image", overlapping, gate=Gate([OutsideUnchanged()]))
    out = Compose([insert, ValidityGated("image")])(sample)
    checks = record(out)["gate"]["checks"]
    assert {check["name"] for check in checks if check["required"]} == {"outside_unchanged", "no_seam"}


def test_the_array_class(sample):
    results = InsertFindings(TWO).counterfactual(sample["image"], sample["anatomy"])
    assert [result.record["finding"] for result in results] == ["nodule", "effusion"]
    both = InsertFindingsd("image", TWO)(sample)
    assert same(results[-1].image, both["image"])
    assert InsertFindings(["cardiomegaly"]).edits[0].finding == "enlarged heart"
    assert InsertFindings(["cardiomegaly"]).edits == InsertFindings(["enlarged heart"]).edits


@pytest.mark.parametrize(
    ("findings", "message"),
    [
        ([], r"findings must be a list with at least one finding \(got \[\]\)"),
        ("nodule", r"findings must be a list with at least one finding \(got 'nodule'\)"),
        (["mass", "No Finding"], "findings contradict each other: 'No Finding' says that there is none, and 'mass' is"),
        (["unremarkable", {"finding": "mass"}], "findings contradict each other: 'unremarkable' says"),
        (["unremarkable"], "'unremarkable' is no finding to insert"),
        (["gout"], r"findings\[0\]: finding must be one of nodule, mass"),
        (
            ["mass", {"side": "left"}],
            r"findings\[1\] names no finding; it may hold finding, side, zone",
        ),
        ([{"finding": "mass", "size": 3}], r"findings\[0\] has the unknown field 'size'"),
        ([{"finding": "mass", "severity": {"value": 5, "unit": "mm"}}], r"findings\[0\]: severity of mass must lie in"),
        ([{"finding": "mass", "seed": 1}] * 2, r"findings\[1\] asks for the mass of findings\[0\] again, at the same"),
    ],
)
def test_what_cannot_be_asked_for(findings, message):
    with pytest.raises(ValueError, match=message):
        InsertFindings(findings)


def test_a_finding_that_is_neither_name_nor_mapping():
    with pytest.raises(TypeError, match=r"findings\[1\] must be a name, or a mapping with 'finding' \(got 3\)"):
        InsertFindings(["mass", 3])


def test_a_vocabulary_without_a_word_for_a_finding():
    with pytest.raises(ValueError, match="NIH-14 does not say what 'fracture' is called"):
        InsertFindingsd("image", ["fracture"], findings_key="labels", vocabulary="nih-14")
