"""Every check of every default gate refuses an edit that is bad in its respect, and passes the same edit made well."""

from functools import cache

import pytest
from known_bad import KnownBad
from known_bad_cheap import CHEAP
from known_bad_full import FULL

from monai_cars.edits.edit import OPERATIONS
from monai_cars.findings.severity import SEVERITY
from monai_cars.gates import default_gate

BY_NAME = {make.__name__: make for make in (*CHEAP, *FULL)}


@cache
def case(name: str) -> KnownBad:
    return BY_NAME[name]()


def result_of(verdict, check):
    return next(result for result in verdict.checks if result.name == check)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_edit_made_well_passes(name):
    known = case(name)
    verdict = known.good.judged_by(known.gate)
    assert verdict.accepted, verdict.reason
    assert result_of(verdict, known.check).verdict == "pass"


@pytest.mark.parametrize("name", BY_NAME)
def test_the_bad_edit_is_refused_by_its_check_alone(name):
    known = case(name)
    verdict = known.bad.judged_by(known.gate)
    result = result_of(verdict, known.check)
    assert result.verdict == "fail", f"{known.check} found {result.value} against {result.threshold}"
    refused = {r.name for r in verdict.checks if r.required and r.verdict != "pass"}
    required = known.check not in known.gate.advisory
    assert refused - set(known.others) == ({known.check} if required else set())
    assert verdict.accepted == (not refused)


def test_every_check_of_every_default_gate_has_a_known_bad_edit():
    gates = [
        default_gate(finding, operation, profile)
        for finding in SEVERITY
        for operation in OPERATIONS
        for profile in ("cheap", "full")
    ]
    held = {name for gate in gates for name in gate.names}
    assert {case(name).check for name in BY_NAME} == held
    # A check that decides somewhere must be shown to decide, unless it decides through `change_seen` alone.
    decide = {name for gate in gates for name in gate.names if name not in gate.advisory}
    shown = {case(name).check for name in BY_NAME if case(name).check not in case(name).gate.advisory}
    assert decide == shown
