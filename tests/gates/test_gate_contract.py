"""Gates join checks; a check that could not be made is no pass."""

import math
from dataclasses import dataclass, replace

import pytest
import torch
from phantom_film import context

from monai_cars.chest_xray.scale import film_scale
from monai_cars.edits.edit import Edit
from monai_cars.edits.film import Scale
from monai_cars.files.header import Header
from monai_cars.gates import CheckResult, Gate, judged, unavailable

FILM = torch.zeros(1, 8, 8)
CONTEXT = context(Edit("insert", "nodule"), torch.ones(8, 8, dtype=torch.bool))


@dataclass(frozen=True)
class Fixed:
    result: CheckResult

    @property
    def name(self) -> str:
        return self.result.name

    def __call__(self, before, after, context) -> CheckResult:
        return self.result


GOOD = Fixed(judged("good", 0.1, 0.5, at_most=True))
BAD = Fixed(judged("bad", 0.9, 0.5, at_most=True, reason="too much"))
UNSURE = Fixed(unavailable("unsure", "nothing to look at", 0.5))


@pytest.mark.parametrize(
    ("value", "at_most", "verdict"),
    [(0.5, True, "pass"), (0.5, False, "pass"), (0.6, True, "fail"), (0.4, False, "fail")],
)
def test_the_bound_itself_passes(value, at_most, verdict):
    assert judged("x", value, 0.5, at_most=at_most).verdict == verdict


@pytest.mark.parametrize("at_most", [True, False])
def test_not_a_number_fails_either_way(at_most):
    result = judged("x", math.nan, 0.5, at_most=at_most, reason="no number")
    assert (result.verdict, result.reason) == ("fail", "no number")
    assert result.entry()["value"] is None


def test_a_passing_check_gives_no_reason():
    assert judged("x", 0.1, 0.5, at_most=True, reason="too much").reason == ""


@pytest.mark.parametrize(("check", "passed"), [(GOOD, True), (BAD, False), (UNSURE, None)])
def test_an_entry_tells_pass_fail_and_unavailable_apart(check, passed):
    assert check.result.entry()["passed"] is passed


@pytest.mark.parametrize(
    ("checks", "advisory", "accepted", "reason"),
    [
        ((GOOD,), (), True, ""),
        ((GOOD, BAD), (), False, "bad: too much"),
        ((GOOD, UNSURE), (), False, "unsure: nothing to look at"),
        ((BAD, UNSURE, GOOD), (), False, "bad: too much; unsure: nothing to look at"),
        ((GOOD, BAD, UNSURE), ("bad", "unsure"), True, ""),
        ((GOOD, BAD, UNSURE), ("bad",), False, "unsure: nothing to look at"),
        ((), (), True, ""),
    ],
)
def test_required_checks_decide_and_all_are_recorded(checks, advisory, accepted, reason):
    verdict = Gate(checks, advisory)(FILM, FILM, CONTEXT)
    assert (verdict.accepted, verdict.reason) == (accepted, reason)
    assert [r.name for r in verdict.checks] == [c.name for c in checks]
    assert [r.required for r in verdict.checks] == [c.name not in advisory for c in checks]


def test_a_gate_without_a_check_decides_by_the_others():
    gate = Gate((GOOD, BAD, UNSURE), ("unsure",), thresholds="mine").without("bad", "unsure")
    assert (gate.names, gate.advisory) == (("good",), ())
    assert gate(FILM, FILM, CONTEXT).accepted
    assert gate(FILM, FILM, CONTEXT).thresholds == "mine"
    with pytest.raises(ValueError, match="without names other, the gate has good"):
        gate.without("other")


def test_names_of_a_gate_are_its_own():
    with pytest.raises(ValueError, match=r"checks of a gate must have different names, got good, good"):
        Gate([GOOD, GOOD])
    with pytest.raises(ValueError, match=r"advisory names other, the gate has good, bad"):
        Gate([GOOD, BAD], ("other", "bad"))


def test_the_film_is_segmented_once_and_only_when_asked():
    calls = []

    def segmenter(image):
        calls.append(image)
        return torch.ones(3, 8, 8)

    seen = context(Edit("insert", "nodule"), torch.ones(8, 8, dtype=torch.bool), segmenter=segmenter)
    assert not calls
    assert seen.anatomy_after(FILM) is seen.anatomy_after(FILM)
    assert len(calls) == 1
    assert CONTEXT.anatomy_after(FILM) is None


def test_a_millimetre_without_a_scale_is_a_share_of_the_thorax():
    masks = torch.zeros(3, 8, 600)
    masks[0, :, 10:100] = masks[1, :, 400:571] = 1
    unknown = Header("memory", "", "tensor", age=3)  # a child's thorax says nothing of its scale
    assert film_scale(unknown, masks).millimetre == pytest.approx(560 / 280)
    assert film_scale(unknown, torch.zeros(3, 8, 8)).millimetre == 1.0
    film = replace(CONTEXT.film, scale=Scale((0.2, 0.3)))
    assert replace(CONTEXT, film=film).millimetre == pytest.approx(4.0)


def test_what_checks_share_is_made_once():
    calls = []
    shared = replace(CONTEXT, _made={})
    assert [shared.once("key", lambda: calls.append(1) or 5) for _ in range(3)] == [5, 5, 5]
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("verdict", "given", "code"),
    [("fail", "", "seam_failed"), ("unavailable", "", "seam_unavailable"), ("pass", "", ""), ("fail", "own", "own")],
)
def test_a_verdict_that_is_no_pass_has_a_reason_code(verdict, given, code):
    assert CheckResult("seam", 0.1, 0.2, verdict, code=given).entry()["code"] == code


def test_a_recorded_check_decides_where_it_is_required():
    gate = Gate((GOOD, BAD), ("bad",))
    assert gate(FILM, FILM, CONTEXT).accepted
    assert gate.requiring("good") == gate
    assert not gate.requiring("bad")(FILM, FILM, CONTEXT).accepted
    with pytest.raises(ValueError, match="requiring names other, the gate has good, bad"):
        gate.requiring("other")
