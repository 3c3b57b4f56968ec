"""The last line of a chain: what holds passes, what does not goes back, wholly."""

import json

import pytest
import torch
from monai.transforms import Compose, Flipd, Lambdad, Resized, ScaleIntensityd, Transposed

from monai_cars.chest_xray.checks.anatomy_preserved import AnatomyPreserved
from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.training.teacher_films import EDITOR_PATIENTS, TEACHER_PATIENTS
from monai_cars.features import load_vocabulary, vector_of
from monai_cars.gates import Gate, OffTargetStable, OutsideUnchanged, judged
from monai_cars.teachers import CallableTeacher, SharedDataError, SharedDataWarning
from monai_cars.transforms import InsertFindingd, RandCounterfactuald, ValidityGate, ValidityGated

NIH = load_vocabulary("nih-14")


class Never:
    name = "never"

    def __call__(self, before, after, context):
        return judged("never", 0, 1, at_most=False, reason="nothing passes")


STRICT = Gate([OutsideUnchanged(), Never()])


def insert(side="right", **options):
    return InsertFindingd("image", "nodule", side=side, severity=0.5, seed=1, **options)


def record(sample):
    return json.loads(sample["counterfactual"])


def same(one, two):
    return torch.equal(torch.as_tensor(one).nan_to_num(-1), torch.as_tensor(two).nan_to_num(-1))


def test_an_edit_that_passed_its_gate_passes_again_and_the_before_keys_go(sample):
    edited = insert()(sample)
    out = ValidityGated("image")(edited)
    assert set(out) == {"image", "anatomy", "lesion", "support", "counterfactual"}
    assert record(out)["gate"]["accepted"]
    assert same(out["image"], edited["image"])
    names = [check["name"] for check in record(edited)["edits"][0]["checks"]]
    assert [check["name"] for check in record(out)["gate"]["checks"]] == names


def test_the_gate_measures_what_the_edit_measured(sample):
    edited = insert()(sample)
    again = {check["name"]: check["value"] for check in record(ValidityGated("image")(edited))["gate"]["checks"]}
    first = {check["name"]: check["value"] for check in record(edited)["edits"][0]["checks"]}
    # The record carries four digits of the asked and measured amounts; their small difference keeps fewer.
    assert again == pytest.approx(first, rel=1e-3, abs=1e-4)


def test_two_edits_are_judged_one_by_one(sample):
    out = Compose([insert("right"), insert("left"), ValidityGated("image")])(sample)
    checks = record(out)["gate"]["checks"]
    assert {check["edit"] for check in checks} == {0, 1}
    assert record(out)["gate"]["accepted"]


def test_edits_that_meet_are_judged_by_what_holds_for_the_whole_film(sample):
    edited = insert()(sample)
    (edit,) = record(edited)["edits"]
    out = ValidityGated("image")({**edited, "counterfactual": json.dumps({"edits": [edit, edit]})})
    assert record(out)["gate"]["accepted"]
    required = {check["name"] for check in record(out)["gate"]["checks"] if check["required"]}
    assert required == {"outside_unchanged", "no_seam"}


def test_a_film_that_does_not_hold_goes_back_with_its_labels_and_masks(sample):
    sample["labels"] = vector_of({"Hernia": 1}, NIH)
    edited = insert(findings_key="labels", vocabulary="nih-14")(sample)
    assert not same(edited["labels"], sample["labels"])
    out = ValidityGated("image", gate=STRICT)(edited)
    for key in ("image", "labels", "anatomy"):
        assert same(out[key], sample[key])
    assert not out["lesion"].any()
    assert not out["support"].any()
    (edit,) = record(out)["edits"]
    assert not edit["accepted"]
    assert edit["reason"] == "validity gate: nodule: never: nothing passes"
    assert set(out) == {"image", "anatomy", "labels", "lesion", "support", "counterfactual"}


def test_flag_keeps_the_film_and_raise_raises(sample):
    edited = insert()(sample)
    out = ValidityGated("image", gate=lambda finding, operation: STRICT, on_fail="flag")(edited)
    assert same(out["image"], edited["image"])
    assert record(out)["edits"][0]["accepted"]
    assert record(out)["gate"]["reason"] == "nodule: never: nothing passes"
    with pytest.raises(ValueError, match="the edits of this film do not hold: nodule: never: nothing passes"):
        ValidityGated("image", gate=STRICT, on_fail="raise")(edited)


def test_a_change_outside_the_support_is_caught(sample):
    edited = insert()(sample)
    edited["image"] = edited["image"].clone()
    edited["image"][0, 0, 0] += 1
    out = ValidityGated("image")(edited)
    assert record(out)["gate"]["reason"] == "1 pixels outside the support changed since the film was edited"
    assert same(out["image"], sample["image"])


def test_films_that_were_left_alone_pass(sample):
    out = Compose([RandCounterfactuald("image", prob=0.0), ValidityGated("image")])(sample)
    assert record(out)["gate"] == {"accepted": True, "reason": "", "checks": [], "judges": []}
    assert same(out["image"], sample["image"])


def test_the_full_gate_segments_the_film_again(sample, film):
    moved = lambda image: film.anatomy.roll(60, 1)  # noqa: E731
    out = Compose([insert(), ValidityGated("image", gate="full", segmenter=moved)])(sample)
    assert "moved" in record(out)["gate"]["reason"]
    still = Compose([insert(), ValidityGated("image", gate="full", segmenter=lambda image: film.anatomy)])(sample)
    assert record(still)["gate"]["accepted"]


def test_the_full_gate_measures_again_and_segments_a_lone_edit_once(sample, film):
    asked = []

    def segmenter(image):
        asked.append(image)
        return film.anatomy

    def gated():
        return ValidityGated("image", gate=lambda f, o: Gate([AnatomyPreserved(), Measured()]), segmenter=segmenter)

    class Measured:
        name = "measured"

        def __call__(self, before, after, context):
            same = torch.equal(context.anatomy_after(after), film.anatomy)
            return judged("measured", same, 1, at_most=False)

    one = Compose([insert("right"), gated()])(sample)
    assert (record(one)["gate"]["accepted"], len(asked)) == (True, 1)
    asked.clear()
    two = Compose([insert("right"), insert("left"), gated()])(sample)
    assert (record(two)["gate"]["accepted"], len(asked)) == (True, 3)  # the whole chain, and each edit alone


def test_transposed_and_inverted_films(sample):
    chain = [Transposed(["image", "anatomy"], (0, 2, 1)), insert(), ValidityGated("image")]
    assert record(Compose(chain)(sample))["gate"]["accepted"]
    inverted = {"image": 4095 - sample["image"].as_tensor(), "anatomy": sample["anatomy"]}
    out = Compose([insert(), ValidityGated("image")])(inverted)
    assert record(out)["gate"]["checks"]
    assert record(out)["gate"]["accepted"]


@pytest.mark.parametrize(
    "between",
    [Resized("image", (400, 400)), Flipd("image", 1), Transposed("image", (0, 2, 1))],
    ids=lambda transform: type(transform).__name__,
)
def test_spatial_transforms_before_the_gate_name_the_remedy(sample, between):
    with pytest.raises((RuntimeError, ValueError)) as caught:
        Compose([insert(), between, ValidityGated("image")])(sample)
    assert "put the gate before spatial transforms" in str(caught.value.__cause__ or caught.value)


def test_intensity_transforms_before_the_gate_name_the_remedy(sample):
    with pytest.raises((RuntimeError, ValueError)) as caught:
        Compose([insert(), ScaleIntensityd("image"), ValidityGated("image")])(sample)
    assert "put the gate before intensity transforms" in str(caught.value.__cause__ or caught.value)


def test_without_an_edit_before_it(sample):
    with pytest.raises(KeyError, match=r"found no 'image_before' and 'counterfactual'.*keep_before=True"):
        ValidityGated("image")(sample)
    with pytest.raises(KeyError, match="found no 'image_before'"):
        ValidityGated("image")(insert(keep_before=False)(sample))
    assert ValidityGated("image", allow_missing_keys=True)({"labels": 1}) == {"labels": 1}


def test_arguments():
    with pytest.raises(ValueError, match=r"on_fail must be restore, flag or raise \(got 'drop'\)"):
        ValidityGated("image", on_fail="drop")
    with pytest.raises(ValueError, match="judges one film: give one key"):
        ValidityGated(["image", "prior"])
    with pytest.raises(ValueError, match="gate must be cheap or full"):
        ValidityGated("image", gate="strict")


def test_the_array_class(sample):
    edited = insert()(sample)
    judge = ValidityGate()
    edits = record(edited)["edits"]
    assert judge(sample["image"], edited["image"], sample["anatomy"], edited["support"], edits).accepted
    tampered = Compose([Lambdad("image", lambda image: image + (image > 4000))])(edited)["image"]
    assert not judge(sample["image"], tampered, sample["anatomy"], edited["support"], edits).accepted


class Learned:
    """The attenuation editor, had it learned from the editor's patients what it draws."""

    name, weights, data = "attenuation", None, frozenset({EDITOR_PATIENTS})
    propose = AttenuationEditor().propose


class TestIndependence:
    """A model that knows the editor's patients warns, and a strict gate refuses it."""

    @staticmethod
    def gate(data: str) -> Gate:
        teacher = CallableTeacher(
            "judge", lambda film, anatomy: [0.5], ("COVID-19",), frozenset({data}), sha256="d" * 64
        )
        return Gate([OutsideUnchanged(), OffTargetStable(teacher)])

    def test_the_record_tells_who_judged(self, sample):
        out = insert(gate=self.gate(TEACHER_PATIENTS), strict=True)(sample)
        judged = [{"name": "judge", "sha256": "d" * 64, "data": [TEACHER_PATIENTS]}]
        assert record(out)["edits"][0]["judges"] == judged
        out = ValidityGated("image", self.gate(TEACHER_PATIENTS), strict=True)(out)
        assert record(out)["gate"]["judges"] == judged

    def test_shared_patients_warn(self, sample):
        said = (
            "the editor 'attenuation' and the gate's model 'judge' were both trained on nih-chestxray14:editor-patients"
        )
        with pytest.warns(SharedDataWarning, match=said):
            out = insert(gate=self.gate(EDITOR_PATIENTS), editor=Learned())(sample)
        with pytest.warns(SharedDataWarning, match=said):
            ValidityGated("image", self.gate(EDITOR_PATIENTS))(out)

    def test_a_strict_gate_refuses_them(self, sample):
        with pytest.raises(SharedDataError, match="judge with a teacher that was trained on other patients"):
            insert(gate=self.gate(EDITOR_PATIENTS), editor=Learned(), strict=True)(sample)
        out = insert(editor=Learned())(sample)
        with pytest.raises(SharedDataError, match="judge with a teacher that was trained on other patients"):
            ValidityGated("image", self.gate(EDITOR_PATIENTS), strict=True)(out)
