"""The same patient before and after: predicted numbers, an embedding, and where they are read."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import context

from monai_cars.chest_xray.teacher.descriptor import FixedDescriptor
from monai_cars.edits.edit import Edit
from monai_cars.gates import IdentityStable
from monai_cars.gates.checks.identity_stable import cosine_distance, outside_of
from monai_cars.teachers import CallableTeacher

SHAPE = (20, 30)
BEFORE = torch.zeros(1, *SHAPE)
SUPPORT = torch.zeros(SHAPE, dtype=torch.bool)
SUPPORT[5:15, 10:20] = True
SEEN = context(Edit("insert", "nodule"), SUPPORT)


def _brightest(film, anatomy):
    return {"age": 50.0 + float(film.max()), "shoe size": float(film.max())}


@dataclass(frozen=True)
class Angle:
    """An embedding that turns by as many radians as the film's mean says."""

    name: str = "angle"
    data: frozenset = frozenset()

    def __call__(self, film, anatomy, box=None):
        return torch.stack([film.mean().cos(), film.mean().sin()])


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 20), st.floats(0.5, 20))
def test_a_change_counts_as_a_share_of_its_limit(years, limit):
    result = IdentityStable(describers=(_brightest,), limits={"age": limit})(BEFORE, BEFORE + years, SEEN)
    assert result.value == pytest.approx(years / limit, abs=1e-4)
    assert result.verdict == ("pass" if result.value <= 1 else "fail")


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 3))
def test_an_embedding_counts_by_its_cosine_distance(turn):
    result = IdentityStable(Angle(), cosine=0.5)(BEFORE, BEFORE + turn, SEEN)
    assert result.value == pytest.approx((1 - torch.tensor(turn).cos().item()) / 0.5, abs=1e-4)


def test_the_worst_decides_and_is_named():
    teacher = CallableTeacher("view", lambda film, anatomy: [min(float(film.max()), 1.0)], ("view",))
    result = IdentityStable(Angle(), (_brightest, teacher), cosine=1.0)(BEFORE, BEFORE + 0.5, SEEN)
    assert (result.verdict, result.reason) == ("fail", "view changed by 2.50 of its limit")


def test_what_has_no_limit_is_not_judged():
    result = IdentityStable(describers=(lambda film, anatomy: {"shoe size": 44.0},))(BEFORE, BEFORE, SEEN)
    assert (result.verdict, result.reason) == ("unavailable", "no model described age, sex, view")


def test_two_models_of_one_number_do_not_hide_each_other():
    still = CallableTeacher("still", lambda film, anatomy: [0.5], ("sex",))
    swayed = CallableTeacher("swayed", lambda film, anatomy: [min(float(film.max()), 1.0)], ("sex",))
    for pair in ((still, swayed), (swayed, still)):
        assert IdentityStable(describers=pair)(BEFORE, BEFORE + 1, SEEN).value == pytest.approx(5.0)


def test_not_a_number_fails_whatever_else_was_found():
    check = IdentityStable(Angle(), (lambda film, anatomy: {"age": float("nan")},))
    assert check(BEFORE, BEFORE, SEEN).verdict == "fail"


def test_outside_what_the_compositor_wrote_is_always_the_same():
    after = BEFORE.clone()
    after[0, SUPPORT] = 9.0
    assert torch.equal(outside_of(BEFORE, after, SEEN), BEFORE)
    assert IdentityStable(Angle(), (_brightest,), where="outside")(BEFORE, after, SEEN).value == 0.0
    assert IdentityStable(Angle(), (_brightest,))(BEFORE, after, SEEN).verdict == "fail"


def test_outside_sees_a_film_that_was_rewritten_whole():
    result = IdentityStable(describers=(_brightest,), where="outside")(BEFORE, BEFORE + 9, SEEN)
    assert result.value == pytest.approx(9 / 5)
    assert float(outside_of(BEFORE, BEFORE + 9, SEEN)[0, SUPPORT].max()) == 0.0


def test_the_shipped_descriptor_is_an_embedder_for_it(film, lungs):
    seen = context(Edit("insert", "nodule"), torch.ones(film.shape[1:], dtype=torch.bool), anatomy=lungs)
    check = IdentityStable(FixedDescriptor())
    nodule = film.clone()
    nodule[0, 40:50, 40:50] += 60
    assert check(film, nodule, seen).verdict == "pass"
    assert check(film, film.roll(20, 1), seen).verdict == "fail"


def test_opposite_vectors_are_two_apart():
    assert cosine_distance(torch.ones(3), -torch.ones(3)) == pytest.approx(2.0)


def test_it_needs_a_model_and_positive_limits():
    with pytest.raises(ValueError, match=r"needs an embedder or describers, got neither; try FixedDescriptor\(\)"):
        IdentityStable()
    with pytest.raises(ValueError, match=r"limits must be positive \(got \{'age': 0\}\)"):
        IdentityStable(Angle(), limits={"age": 0})
    with pytest.raises(ValueError, match=r"limits must be positive \(got \{'cosine': -1.0\}\)"):
        IdentityStable(Angle(), cosine=-1.0)
    with pytest.raises(ValueError, match=r"where must be 'film' or 'outside' \(got 'inside'\)"):
        IdentityStable(Angle(), where="inside")


@pytest.mark.parametrize("first", [0, 1])
def test_not_a_number_is_worst_whoever_else_describes_it(first):
    def lost(film, anatomy):
        return {"age": float("nan") if film.any() else 50.0}

    def steady(film, anatomy):
        return {"age": 50.0}

    describers = (lost, steady) if first == 0 else (steady, lost)
    assert IdentityStable(describers=describers)(BEFORE, BEFORE + 1, SEEN).verdict == "fail"
