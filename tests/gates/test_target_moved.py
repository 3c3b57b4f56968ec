"""The edited finding's probability moves in the asked direction."""

import pytest
import torch
from closed_form_models import density_teacher, fixed_teacher, logistic
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import context

from monai_cars.edits.edit import Edit, Region
from monai_cars.gates import Gate, OffTargetStable, TargetLevel, TargetMoved
from monai_cars.gates.checks.target_moved import log_odds
from monai_cars.teachers import Teacher, TeacherError

REGION = Region(box=(0.0, 0.0, 5.0, 5.0))
INSERT, DELETE = Edit("insert", "consolidation"), Edit("delete", "consolidation", region=REGION)
EVERYWHERE = torch.ones(160, 200, dtype=torch.bool)


def denser(lungs, right: float) -> torch.Tensor:
    """A film that is zero but for the right lung."""
    return right * (lungs[:1] > 0).float()


@settings(max_examples=15, deadline=None)
@given(st.floats(-300, 300), st.floats(-300, 300))
def test_the_value_is_the_change_of_the_logistics_argument(was, now):
    lungs = torch.zeros(3, 8, 9)
    lungs[0, :, :4], lungs[1, :, 5:], lungs[2, :, 4] = 1, 1, 1
    seen = context(INSERT, torch.ones(8, 9, dtype=torch.bool), anatomy=lungs)
    result = TargetMoved(density_teacher())(denser(lungs, was), denser(lungs, now), seen)
    assert result.value == pytest.approx((now - was) / 100, abs=1e-4)
    assert (result.verdict == "pass") == (result.value >= 0.5)


def test_a_deletion_counts_downwards(lungs):
    seen = context(DELETE, EVERYWHERE, anatomy=lungs)
    result = TargetMoved(density_teacher())(denser(lungs, 100), denser(lungs, 0), seen)
    assert result.value == pytest.approx(1.0, abs=1e-5)
    seen = context(DELETE, EVERYWHERE, anatomy=lungs)
    assert TargetMoved(density_teacher())(denser(lungs, 0), denser(lungs, 100), seen).verdict == "fail"


def test_a_rare_finding_moves_as_far_as_a_common_one():
    values = []
    for before, after in ((0.01, 0.02), (0.3, 0.464)):
        teacher = fixed_teacher({"opacity": before}, {"opacity": after})
        values.append(
            TargetMoved(teacher)(torch.zeros(1, 2, 2), torch.ones(1, 2, 2), context(INSERT, EVERYWHERE)).value
        )
    assert values[0] == pytest.approx(values[1], rel=0.02)


def test_what_half_precision_cannot_tell_from_none_is_none():
    assert log_odds(0.0) == log_odds(1e-5) == pytest.approx(-log_odds(1.0)) == pytest.approx(-9.21, abs=0.01)


def test_the_output_that_is_told_well_judges():
    names = {"consolidation": 0.1, "opacity": 0.1}
    teacher = fixed_teacher(names, {**names, "opacity": 0.9}, auroc={"consolidation": 0.69, "opacity": 0.81})
    result = TargetMoved(teacher)(torch.zeros(1, 2, 2), torch.ones(1, 2, 2), context(INSERT, EVERYWHERE))
    assert result.value == pytest.approx(log_odds(0.9) - log_odds(0.1))


def test_a_lung_that_was_not_meant_moves_nothing(lungs):
    left = 100 * (lungs[1:2] > 0).float()
    result = TargetMoved(density_teacher())(torch.zeros_like(left), left, context(INSERT, EVERYWHERE, anatomy=lungs))
    assert (result.value, result.code) == (0.0, "target_moved_failed")
    assert result.reason == "density: 'Lung Opacity' went from 0.5 to 0.5"


@pytest.mark.parametrize(("edit", "value"), [(INSERT, logistic(0.5)), (DELETE, 1 - logistic(0.5))])
def test_the_level_is_of_what_was_asked_for_whatever_was_before(lungs, edit, value):
    seen = context(edit, EVERYWHERE, anatomy=lungs)
    result = TargetLevel(density_teacher())(denser(lungs, 700), denser(lungs, 50), seen)
    assert result.value == pytest.approx(value)
    assert result.verdict == ("pass" if value >= 0.5 else "fail")


@pytest.mark.parametrize("check", [TargetMoved, TargetLevel])
def test_a_teacher_without_the_finding_cannot_judge_it(lungs, check):
    film = torch.zeros(1, 160, 200)
    result = check(density_teacher())(film, film, context(Edit("insert", "fracture"), EVERYWHERE, anatomy=lungs))
    assert (result.verdict, result.code, result.value) == ("unavailable", "teacher_lacks_finding", None)
    assert result.reason.startswith("density has no output for fracture; it has No Finding, Lung Opacity")


@pytest.mark.parametrize("check", [TargetMoved, TargetLevel])
def test_a_sham_asks_for_nothing(lungs, check):
    film = torch.zeros(1, 160, 200)
    result = check(density_teacher())(film, film, context(Edit("sham", "consolidation"), EVERYWHERE, anatomy=lungs))
    assert (result.verdict, result.code) == ("unavailable", "nothing_asked")


def test_all_checks_of_an_edit_ask_a_teacher_once_about_each_film(lungs):
    asked: list = []
    teacher = density_teacher(asked=asked)
    before, after = torch.zeros(1, 160, 200), denser(lungs, 100)
    gate = Gate([TargetMoved(teacher), TargetLevel(teacher), OffTargetStable(teacher)])
    verdict = gate(before, after, context(INSERT, EVERYWHERE, anatomy=lungs))
    assert verdict.accepted
    assert [torch.equal(film, meant) for film, meant in zip(asked, (before, after), strict=True)] == [True, True]


def test_any_object_of_the_protocol_is_a_teacher(lungs):
    class Own:
        name, outputs, data, auroc = "own", ("opacity",), frozenset({"mine"}), {}

        def __call__(self, film, anatomy):
            return {"opacity": float(film.mean() > 0)}

    assert isinstance(Own(), Teacher)
    seen = context(INSERT, EVERYWHERE, anatomy=lungs)
    assert TargetMoved(Own())(torch.zeros(1, 160, 200), torch.ones(1, 160, 200), seen).value == pytest.approx(
        2 * log_odds(1.0)
    )


def test_an_answer_that_is_no_probability_is_refused(lungs):
    film = torch.ones(1, 160, 200)
    teacher = fixed_teacher({"opacity": 0.5}, {"opacity": 1.7})
    with pytest.raises(
        TeacherError, match=r"'opacity' of the teacher 'fixed' must be a probability in \[0, 1\], got 1.7"
    ):
        TargetMoved(teacher)(0 * film, film, context(INSERT, EVERYWHERE, anatomy=lungs))
