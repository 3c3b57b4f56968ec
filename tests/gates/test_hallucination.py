"""What nobody asked for stays where real films leave it."""

import pytest
import torch
from closed_form_models import fixed_teacher
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import context

from monai_cars.edits.edit import Edit
from monai_cars.gates import CheckResult, NothingHallucinated, real_baseline
from monai_cars.teachers import TeacherError

BEFORE, AFTER = torch.zeros(1, 4, 4), torch.ones(1, 4, 4)


def judged(check: NothingHallucinated) -> CheckResult:
    return check(BEFORE, AFTER, context(Edit("insert", "consolidation"), torch.ones(4, 4, dtype=torch.bool)))


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_excess_is_over_the_baseline_or_over_the_film_itself(baseline, was, now):
    teacher = fixed_teacher({"COVID-19": was}, {"COVID-19": now})
    result = judged(NothingHallucinated(teacher, {"COVID-19": baseline}))
    assert result.value == pytest.approx(now - max(baseline, was))
    assert (result.verdict == "pass") == (now <= baseline or now <= was)


def test_the_worst_class_is_told_and_implied_ones_are_left_out():
    teacher = fixed_teacher(
        {"Pneumonia": 0.0, "COVID-19": 0.1, "Hernia": 0.1}, {"Pneumonia": 1, "COVID-19": 0.7, "Hernia": 0.2}
    )
    result = judged(NothingHallucinated(teacher, dict.fromkeys(teacher.outputs, 0.3)))
    assert result.value == pytest.approx(0.4)
    assert result.reason == "fixed: 'COVID-19' is 0.70, 0.10 before the edit and up to 0.30 on real films"
    alone = judged(NothingHallucinated(teacher, {"Pneumonia": 0.3}))
    assert (alone.verdict, alone.code) == ("unavailable", "nothing_to_compare")


@pytest.mark.parametrize(("baseline", "named"), [({"Gout": 0.1}, "Gout"), ({}, "none")])
def test_a_baseline_names_outputs(baseline, named):
    with pytest.raises(TeacherError, match=rf"baseline must name outputs of fixed \(Mass\), got {named}; make it with"):
        NothingHallucinated(fixed_teacher({"Mass": 0}, {"Mass": 0}), baseline)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0.05, 1))
def test_a_share_of_the_films_lies_at_or_below_the_baseline(values, share):
    baseline = real_baseline([{"x": value} for value in values], share=share)["x"]
    assert baseline in values
    assert sum(value <= baseline for value in values) >= share * (len(values) - 1)
    assert real_baseline([{"x": value} for value in values], share=1.0)["x"] == max(values)


@pytest.mark.parametrize(("answers", "share"), [([], 0.95), ([{"x": 0.1}], 0.0), ([{"x": 0.1}], 1.1)])
def test_a_baseline_needs_films_and_a_share(answers, share):
    with pytest.raises(ValueError, match=rf"needs films and a share in \(0, 1\], got {len(answers)} films and {share}"):
        real_baseline(answers, share=share)
