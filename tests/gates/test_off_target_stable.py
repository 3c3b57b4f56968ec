"""What the edit does not imply stays: C3's max-norm and argmax."""

import pytest
import torch
from closed_form_models import density_teacher, fixed_teacher, logistic
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import context

from monai_cars.edits.edit import Edit, Region
from monai_cars.gates import OffTargetStable, SameArgmax
from monai_cars.gates.implications import NO_FINDING, concept

REGION = Region(box=(0.0, 0.0, 5.0, 5.0))
INSERT, DELETE = Edit("insert", "consolidation"), Edit("delete", "consolidation", region=REGION)
SHAM = Edit("sham", "consolidation")
EVERYWHERE = torch.ones(4, 4, dtype=torch.bool)
BEFORE, AFTER = torch.zeros(1, 4, 4), torch.ones(1, 4, 4)
NAMES = ("No Finding", "Pneumonia", "Mass", "Cardiomegaly", "Pneumothorax", "COVID-19")
probability = st.floats(0, 1)


def of(edit: Edit):
    return context(edit, EVERYWHERE)


@settings(max_examples=15, deadline=None)
@given(st.lists(probability, min_size=6, max_size=6), st.lists(probability, min_size=6, max_size=6))
def test_the_value_is_the_max_norm_over_what_must_stay(before, after):
    teacher = fixed_teacher(dict(zip(NAMES, before, strict=True)), dict(zip(NAMES, after, strict=True)))
    change = {name: abs(b - a) for name, b, a in zip(NAMES, before, after, strict=True)}
    result = OffTargetStable(teacher)(BEFORE, AFTER, of(INSERT))
    assert result.value == pytest.approx(max(change[name] for name in ("Cardiomegaly", "Pneumothorax", "COVID-19")))
    sham = OffTargetStable(teacher)(BEFORE, AFTER, of(SHAM))
    assert sham.value == pytest.approx(max(value for name, value in change.items() if name != "No Finding"))


def test_density_elsewhere_is_told_by_name(lungs):
    film = torch.zeros(1, 160, 200)
    after = film + 100 * (lungs[2] > 0) * (lungs[:2].sum(0) == 0)
    seen = context(INSERT, torch.ones(160, 200, dtype=torch.bool), anatomy=lungs)
    result = OffTargetStable(density_teacher(), threshold=0.01)(film, after, seen)
    share = float(((lungs[2] > 0) & (lungs[:2].sum(0) == 0)).sum() / (lungs[2] > 0).sum())
    assert result.value == pytest.approx(logistic(share) - 0.5, abs=1e-6)
    assert (result.verdict, result.code) == ("fail", "off_target_stable_failed")
    assert result.reason.startswith("density: 'Cardiomegaly' went from 0.50 to 0.")


@pytest.mark.parametrize("check", [OffTargetStable, SameArgmax])
def test_a_teacher_of_implied_findings_only_has_nothing_to_compare(check):
    teacher = fixed_teacher({"Pneumonia": 0.1, "normal": 0.9}, {"Pneumonia": 0.9, "normal": 0.1})
    result = check(teacher)(BEFORE, AFTER, of(INSERT))
    assert (result.verdict, result.code) == ("unavailable", "nothing_to_compare")
    assert result.reason == "every output of fixed may move with consolidation"


def label(name: str, second: str = "") -> dict[str, float]:
    return {other: 0.6 if other == name else 0.3 if other == second else 0.02 for other in NAMES}


@pytest.mark.parametrize(
    ("edit", "before", "after", "kept"),
    [
        (INSERT, label("No Finding"), label("Pneumonia"), True),
        (INSERT, label("No Finding"), label("No Finding"), True),
        (INSERT, label("No Finding"), label("COVID-19"), False),
        (INSERT, label("Cardiomegaly"), label("Pneumonia"), True),
        (INSERT, label("Cardiomegaly"), label("No Finding"), False),
        (DELETE, label("Pneumonia"), label("No Finding"), True),
        (DELETE, label("Pneumonia", "Cardiomegaly"), label("Cardiomegaly"), True),
        (DELETE, label("Pneumonia", "Cardiomegaly"), label("COVID-19"), False),
        (SHAM, label("Pneumonia"), label("No Finding"), False),
        (SHAM, label("No Finding"), label("Pneumonia"), False),
    ],
)
def test_a_label_comes_or_goes_only_where_the_edit_implies_it(edit, before, after, kept):
    result = SameArgmax(fixed_teacher(before, after))(BEFORE, AFTER, of(edit))
    assert (result.value, result.verdict) == ((1.0, "pass") if kept else (0.0, "fail"))
    if not kept:
        first = [max(answer, key=answer.get) for answer in (before, after)]
        assert result.reason == f"fixed: the label went from {first[0]!r} to {first[1]!r}"


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from([INSERT, DELETE, SHAM]))
def test_the_same_answer_keeps_the_label_and_moves_nothing(name, edit):
    teacher = fixed_teacher(label(name), label(name))
    assert SameArgmax(teacher)(BEFORE, AFTER, of(edit)).value == 1.0
    assert OffTargetStable(teacher)(BEFORE, AFTER, of(edit)).value == 0.0
    assert concept("Normal") == NO_FINDING
