"""What every gate holds: (finding, operation, profile) -> checks, their settings, required or recorded.

`golden_profiles.json` is read by people before it is committed. A gate that is to change is renewed on purpose, and the
difference is read again:

    python tests/chest_xray/test_golden_profiles.py --renew
"""

import json
import sys
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path

import pytest

from monai_cars.edits.edit import OPERATIONS
from monai_cars.findings.severity import SEVERITY
from monai_cars.gates import default_gate
from monai_cars.gates.thresholds import BOUNDED, GateThresholds

GOLDEN = Path(__file__).with_name("golden_profiles.json")
RENEW = "to renew the file on purpose: python tests/chest_xray/test_golden_profiles.py --renew, and read its difference"
PROFILES = ("cheap", "full")
SHARED = "as cheap"  # stands in a full gate for all checks of the cheap one, which then come first and are the same
UNCALIBRATED = GateThresholds()
# Every check that can be calibrated, at one threshold: what a gate then requires is what it trusts.
CALIBRATED = GateThresholds(dict.fromkeys(BOUNDED, 0.5), max_attempts=4, alpha=0.05, data_sha256="ab" * 32)


def told(value):
    """A setting as JSON: numbers, words and their lists as they are, of a model its name, of a check its settings."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [told(part) for part in value]
    return settings_of(value) if hasattr(value, "threshold") else value.name


def settings_of(check):
    """A check's name and every field that it was made with."""
    return {"check": check.name} | {f.name: told(getattr(check, f.name)) for f in fields(check) if f.name != "name"}


def line_of(check, gate):
    """A check as the gate holds it: whether the decision hangs on it, and its settings."""
    settings = settings_of(check)
    return {"check": settings.pop("check"), "required": check.name not in gate.advisory, **settings}


def gate_of(finding, operation, profile, thresholds=None):
    """One gate as it is told in the file, the checks in their order."""
    gate = default_gate(finding, operation, profile, thresholds=thresholds)
    checks = [line_of(check, gate) for check in gate.checks]
    return {"thresholds": gate.thresholds, "attempts": gate.attempts, "checks": checks}


@cache
def gates_now():
    """Every gate, by finding, operation and profile."""
    return {
        f"{finding}, {operation}, {profile}": gate_of(finding, operation, profile)
        for finding in sorted(SEVERITY)
        for operation in OPERATIONS
        for profile in PROFILES
    }


def first_settings():
    """Every different check of a gate that was never calibrated, and how many kinds of edit it judges so."""
    where = {}
    for finding in sorted(SEVERITY):
        for operation in OPERATIONS:
            for check in gate_of(finding, operation, "full", UNCALIBRATED)["checks"]:
                where.setdefault(json.dumps(check), []).append(f"{operation} {finding}")
    return [{**json.loads(text), "edits": len(edits)} for text, edits in sorted(where.items())]


def trusted():
    """What the full gate requires and records of its own, by finding and operation, were every threshold calibrated."""
    found = {}
    for finding in sorted(SEVERITY):
        for operation in OPERATIONS:
            cheap = default_gate(finding, operation, thresholds=CALIBRATED).names
            gate = default_gate(finding, operation, "full", thresholds=CALIBRATED)
            own = [name for name in gate.names if name not in cheap]
            required = [name for name in own if name not in gate.advisory]
            recorded = [name for name in own if name in gate.advisory]
            found[f"{finding}, {operation}"] = {"required": required, "recorded": recorded, "attempts": gate.attempts}
    return found


def thresholds_found():
    """How the threshold of each check is calibrated."""
    return [{"check": name, **asdict(bounded)} for name, bounded in sorted(BOUNDED.items())]


def collapsed(gates):
    """The gates with what a full one shares with the cheap one told once."""
    found = {}
    for key, gate in gates.items():
        cheap = gates[key.replace(", full", ", cheap")]["checks"]
        checks = gate["checks"]
        if key.endswith("full") and checks[: len(cheap)] == cheap:
            checks = [SHARED, *checks[len(cheap) :]]
        found[key] = {**gate, "checks": checks}
    return found


def expanded(gates):
    """The inverse of `collapsed`."""
    found = {}
    for key, gate in gates.items():
        checks = gate["checks"]
        if checks[:1] == [SHARED]:
            checks = [*gates[key.replace(", full", ", cheap")]["checks"], *checks[1:]]
        found[key] = {**gate, "checks": checks}
    return found


def lines(checks, indent):
    return "[\n" + ",\n".join(" " * indent + json.dumps(check) for check in checks) + "\n" + " " * (indent - 1) + "]"


def written():
    """The file's text: one line a check."""
    gates = []
    for key, gate in collapsed(gates_now()).items():
        head = f'"thresholds": {json.dumps(gate["thresholds"])}, "attempts": {json.dumps(gate["attempts"])}'
        gates.append(f'  {json.dumps(key)}: {{{head}, "checks": {lines(gate["checks"], 3)}}}')
    decided = ",\n".join(f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in trusted().items())
    parts = [
        f' "thresholds are found": {lines(thresholds_found(), 2)}',
        f' "first settings": {lines(first_settings(), 2)}',
        ' "full gate, were every threshold calibrated": {\n' + decided + "\n }",
        ' "gates": {\n' + ",\n".join(gates) + "\n }",
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


@pytest.fixture(scope="module")
def golden():
    return json.loads(GOLDEN.read_text("utf-8"))


def differences(wanted, found):
    """What differs between two gates, a line for each check."""
    said = [
        f"{what} is {found[what]!r}, the file says {wanted[what]!r}"
        for what in ("thresholds", "attempts")
        if found[what] != wanted[what]
    ]
    known, now = ({check["check"]: check for check in gate["checks"]} for gate in (wanted, found))
    said += [f"{name} is gone" for name in known if name not in now]
    said += [f"{name} is new" for name in now if name not in known]
    for name in (name for name in known if name in now):
        keys = sorted({*known[name], *now[name]})
        changed = [key for key in keys if known[name].get(key) != now[name].get(key)]
        said += [f"{name}: {key} is {now[name].get(key)!r}, the file says {known[name].get(key)!r}" for key in changed]
    if not said and list(known) != list(now):
        said = [f"the order is {', '.join(now)}, the file says {', '.join(known)}"]
    return said


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("finding", sorted(SEVERITY))
def test_a_gate_holds_what_was_reviewed(golden, finding, operation, profile):
    key = f"{finding}, {operation}, {profile}"
    assert key in golden["gates"], f"{key}: the file has no such gate; {RENEW}"
    said = differences(expanded(golden["gates"])[key], gates_now()[key])
    assert not said, f"{key}: " + "; ".join(said) + f"; {RENEW}"
    assert gates_now()[key] == expanded(golden["gates"])[key]


def test_the_file_has_no_gate_that_is_none(golden):
    assert set(golden["gates"]) == set(gates_now()), RENEW


def test_thresholds_are_calibrated_as_reviewed(golden):
    assert thresholds_found() == golden["thresholds are found"], RENEW


def test_a_gate_that_was_never_calibrated_has_the_first_settings_reviewed(golden):
    assert first_settings() == golden["first settings"], RENEW


def test_what_decides_once_it_is_calibrated_is_what_was_reviewed(golden):
    assert trusted() == golden["full gate, were every threshold calibrated"], RENEW


def test_the_file_is_written_one_check_a_line():
    assert GOLDEN.read_text("utf-8") == written(), RENEW


def test_a_difference_is_told_by_its_check_and_its_setting():
    gate = {"thresholds": "first settings", "attempts": None}
    one = {**gate, "checks": [{"check": "no_seam", "required": True, "threshold": 1.0}]}
    other = {**gate, "attempts": 4, "checks": [{"check": "no_seam", "required": False, "threshold": 9.0}]}
    assert differences(one, other) == [
        "attempts is 4, the file says None",
        "no_seam: required is False, the file says True",
        "no_seam: threshold is 9.0, the file says 1.0",
    ]
    assert differences(one, {**gate, "checks": []}) == ["no_seam is gone"]
    assert differences({**gate, "checks": []}, one) == ["no_seam is new"]
    two = [{"check": "visible", "required": True}, {"check": "no_seam", "required": True}]
    turned = differences({**gate, "checks": two}, {**gate, "checks": two[::-1]})
    assert turned == ["the order is no_seam, visible, the file says visible, no_seam"]


if __name__ == "__main__":
    if sys.argv[1:] != ["--renew"]:
        raise SystemExit("usage: python tests/chest_xray/test_golden_profiles.py --renew")
    GOLDEN.write_text(written(), "utf-8")
