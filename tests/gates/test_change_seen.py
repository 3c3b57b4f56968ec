"""One of several checks is enough, and none at all is no answer."""

from dataclasses import dataclass

import pytest
import torch
from closed_form_models import bright_localiser, density_teacher
from phantom_film import context

from monai_cars.edits.edit import Edit
from monai_cars.gates import CheckResult, ConditionMet, Gate, OneSees, TargetMoved
from monai_cars.gates.judges import judges, require_independent

FILM = torch.zeros(1, 8, 8)
CONTEXT = context(Edit("insert", "consolidation"), torch.ones(8, 8, dtype=torch.bool))


@dataclass(frozen=True)
class Says:
    verdict: str
    name: str = "says"

    def __call__(self, before, after, context):
        return CheckResult(self.name, 0.5, 0.5, self.verdict, "" if self.verdict == "pass" else f"it {self.verdict}s")


@pytest.mark.parametrize(
    ("verdicts", "value", "verdict"),
    [
        (("pass", "pass"), 2, "pass"),
        (("fail", "pass"), 1, "pass"),
        (("unavailable", "pass"), 1, "pass"),
        (("unavailable", "fail"), 0, "fail"),
        (("fail", "fail"), 0, "fail"),
        (("unavailable", "unavailable"), None, "unavailable"),
    ],
)
def test_one_is_enough(verdicts, value, verdict):
    found = OneSees([Says(each, f"check {k}") for k, each in enumerate(verdicts)])(FILM, FILM, CONTEXT)
    assert (found.name, found.value, found.verdict) == ("change_seen", value, verdict)
    assert found.code == {"pass": "", "fail": "change_seen_failed"}.get(verdict, "change_seen_unavailable")
    if verdict != "pass":
        assert found.reason == f"check 0: it {verdicts[0]}s; check 1: it {verdicts[1]}s"


def test_its_models_are_models_of_the_gate():
    checks = (TargetMoved(density_teacher()), ConditionMet(bright_localiser()))
    gate = Gate([OneSees(checks)])
    assert judges(gate) == judges(Gate(checks))
    require_independent(gate, frozenset({"elsewhere"}), strict=True)
