"""A film must move towards the words of what was asked for, more than towards other words."""

from dataclasses import replace

import pytest
import torch
from phantom_film import context

from monai_cars.edits.edit import SEVERITY, Edit, Region
from monai_cars.gates import TextImageAgrees
from monai_cars.gates.checks.text_image_agrees import curated_prompts
from monai_cars.teachers import CallableTeacher
from monai_cars.teachers.dual_encoder import CallableDualEncoder
from monai_cars.teachers.text_image import TextImageTeacher

NAMES = ("nodule", "edema", "effusion", "fracture")
BEFORE, AFTER = torch.zeros(1, 8, 8), torch.ones(1, 8, 8)
SUPPORT = torch.ones(8, 8, dtype=torch.bool)


def _teacher(*after: float) -> CallableTeacher:
    return CallableTeacher("told", lambda film, anatomy: list(after) if film.max() > 0 else [0.1] * 4, NAMES)


def _seen(operation="insert", finding="nodule"):
    region = Region(point=(4.0, 4.0)) if operation == "delete" else None
    return context(Edit(operation, finding, region=region), SUPPORT)


@pytest.mark.parametrize(
    ("after", "value", "verdict"),
    [
        ((0.6, 0.1, 0.1, 0.1), 0.5, "pass"),
        ((0.6, 0.6, 0.6, 0.6), 0.0, "fail"),  # more abnormal in every way says nothing of a nodule
        ((0.1, 0.9, 0.1, 0.1), 0.0, "fail"),
        ((0.6, 0.9, 0.3, 0.2), 0.3, "pass"),  # the median of 0.8, 0.2, 0.1
    ],
)
def test_the_median_of_the_others_is_taken_off(after, value, verdict):
    result = TextImageAgrees(_teacher(*after))(BEFORE, AFTER, _seen())
    assert (result.value, result.verdict) == (pytest.approx(value), verdict)


def test_a_deletion_moves_the_other_way():
    check = TextImageAgrees(_teacher(0.0, 0.1, 0.1, 0.1))
    assert check(BEFORE, AFTER, _seen("delete")).value == pytest.approx(0.1)
    assert check(BEFORE, AFTER, _seen("insert")).value == pytest.approx(-0.1)


def test_answers_are_shared_with_other_checks():
    asked = []

    def answer(film, anatomy):
        asked.append(float(film.max()))
        return [0.2] * 4

    teacher, seen = CallableTeacher("counted", answer, NAMES), _seen()
    TextImageAgrees(teacher)(BEFORE, AFTER, seen)
    TextImageAgrees(teacher, name="again")(BEFORE, AFTER, seen)
    assert asked == [0.0, 1.0]


def test_a_sham_and_an_unknown_word_are_unavailable():
    check = TextImageAgrees(_teacher(0.1, 0.1, 0.1, 0.1))
    assert check(BEFORE, AFTER, _seen("sham")).code == "nothing_asked"
    result = check(BEFORE, AFTER, replace(_seen(), edit=Edit("insert", "mass")))
    assert (result.code, result.reason) == ("teacher_lacks_finding", "told has no words for mass")


def test_a_single_finding_leaves_nothing_to_compare_with():
    with pytest.raises(ValueError, match=r"needs two findings or more to compare \(got \('nodule',\)\)"):
        TextImageAgrees(CallableTeacher("one", lambda film, anatomy: [0.1], ("nodule",)))


def test_the_curated_words_are_of_findings_that_can_be_edited():
    told = curated_prompts()
    assert set(told) <= set(SEVERITY)
    assert len({pair.present for pair in told.values()}) == len(told) == 12
    assert all("no" in sentence.lower().split() for pair in told.values() for sentence in pair.absent)


def test_a_dual_encoder_that_reads_one_word_agrees_with_that_finding_only():
    """Images and sentences on two axes: brightness, and whether an effusion is spoken of."""

    def text(sentences):
        spoken = [0.5 * ("effusion" in s) * (-1.0 if "no " in s.lower() else 1.0) for s in sentences]
        return torch.tensor([[value, 1.0] for value in spoken])

    encoder = CallableDualEncoder("axes", lambda film: torch.stack([film.mean(), torch.tensor(1.0)]), text)
    check = TextImageAgrees(TextImageTeacher(encoder, curated_prompts()))
    assert check(BEFORE, AFTER, _seen(finding="effusion")).verdict == "pass"
    assert check(BEFORE, AFTER, _seen(finding="edema")).value == pytest.approx(0.0, abs=1e-6)
