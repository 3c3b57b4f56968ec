"""Models decide where they can be trusted: a stated accuracy, a calibrated threshold, and no ruler at hand."""

from dataclasses import dataclass

import pytest
import torch

from monai_cars.chest_xray import BUNDLE
from monai_cars.chest_xray.gate import (
    LEVELS,
    RECORDED,
    GateModels,
    decides,
    default_gate,
    profile_table,
    shipped_models,
)
from monai_cars.findings.registry import FINDINGS, SEVERITY
from monai_cars.gates.checks.change_seen import OneSees
from monai_cars.gates.thresholds import BOUNDED, GateThresholds, shipped_thresholds
from monai_cars.teachers import CallableTeacher
from monai_cars.weights.records import RECORDS

GEOMETRY = [name for name, finding in FINDINGS.items() if finding.judged.by_geometry]
BOXED = [name for name, finding in FINDINGS.items() if finding.judged.by_localiser == "taught"]
LOCALISED = [name for name, finding in FINDINGS.items() if finding.judged.by_localiser != "no"]
OUTPUTS = ("opacity", "consolidation", "effusion", "mass", "hernia")


@dataclass(frozen=True)
class Bright:
    name: str = "bright"
    data: frozenset = frozenset({"nih-chestxray14:teacher-patients"})

    def __call__(self, film, anatomy):
        return torch.zeros(film.shape[1:])


def models(**auroc):
    teacher = CallableTeacher("flat", lambda film, anatomy: [0.5] * len(OUTPUTS), OUTPUTS, auroc=auroc)
    return GateModels(teacher, Bright())


CALIBRATED = GateThresholds(
    {"off_target_stable": 0.3, "no_seam": 1.4},
    {
        f"{operation} {finding}": {"target_moved": 0.2, "target_level": 0.4, "condition_met": 0.3, "level_inside": 0.3}
        for operation in ("insert", "delete")
        for finding in SEVERITY
    },
    alpha=0.05,
    max_attempts=4,
    data_sha256="ab" * 32,
)
FROM_MODELS = {"target_moved", "target_level", "off_target_stable", "condition_met", "level_inside", "present_before"}
OF_AN_INSERTION = FROM_MODELS - {"present_before"}


def gate(finding, operation="insert", thresholds=CALIBRATED, **auroc):
    return default_gate(finding, operation, "full", models=models(**auroc), thresholds=thresholds)


def required(found):
    """What decides, alone or as one of several."""
    several = {check.name for one in found.checks if isinstance(one, OneSees) for check in one.checks}
    return set(found.names) - set(found.advisory) | several


def test_a_classifier_below_075_is_advisory():
    good, poor = gate("consolidation", consolidation=0.75), gate("consolidation", consolidation=0.74)
    assert required(good) >= OF_AN_INSERTION - set(LEVELS)
    assert set(good.advisory) == {"target_moved", "condition_met", *LEVELS, *RECORDED}
    assert set(poor.advisory) == {"target_moved", *LEVELS, *RECORDED}
    assert set(gate("consolidation").advisory) == {"target_moved", *LEVELS, *RECORDED}  # nothing stated


@pytest.mark.parametrize("finding", sorted(GEOMETRY))
def test_geometry_judges_what_has_one(finding):
    found = gate(finding, effusion=0.99)
    assert not {"target_moved", "target_level"} & required(found)
    assert not {"condition_met", "level_inside"} & set(found.names)
    assert "severity_agrees" in required(found)


def test_a_localiser_of_opacities_judges_nodules_and_masses_beside_a_classifier_that_can():
    for finding in ("nodule", "mass"):
        assert "condition_met" in gate(finding).advisory
    assert "condition_met" in required(gate("mass", mass=0.9))


@pytest.mark.parametrize("finding", BOXED)
def test_a_localiser_of_opacities_judges_opacities_whatever_the_classifier_is_worth(finding):
    assert "condition_met" in required(gate(finding))
    alone = default_gate(finding, "insert", "full", models=GateModels(None, Bright()), thresholds=CALIBRATED)
    assert alone.advisory == ("measurement_agrees", "level_inside")


def test_levels_are_recorded_until_they_are_asked_for():
    found = gate("consolidation", consolidation=0.9)
    assert {"level_inside", "target_level"} <= set(found.advisory)
    left = found.requiring("level_inside", "target_level").advisory
    assert set(left) == {"measurement_agrees", "target_moved", "condition_met"}


def test_where_two_models_judge_a_change_one_has_to_see_it():
    found = gate("consolidation", consolidation=0.9)
    (several,) = (check for check in found.checks if isinstance(check, OneSees))
    assert [(check.name, check.threshold) for check in several.checks] == [
        ("target_moved", 0.2),
        ("condition_met", 0.3),
    ]
    assert not any(isinstance(check, OneSees) for check in gate("consolidation").checks)


def test_first_settings_of_models_decide_nothing():
    found = gate("consolidation", thresholds=GateThresholds(), consolidation=0.9)
    assert set(found.advisory) == OF_AN_INSERTION | {"measurement_agrees"}
    assert found.thresholds == "first settings"


def test_calibrated_thresholds_are_taken_and_named():
    found = gate("consolidation", consolidation=0.9)
    known = {check.name: getattr(check, "threshold", None) for check in found.checks}
    assert {known[name] for name in ("target_moved", "off_target_stable", "no_seam")} == {0.2, 0.3, 1.4}
    assert found.thresholds == CALIBRATED.name
    cheap = default_gate("consolidation", "insert", thresholds=CALIBRATED)
    assert next(c for c in cheap.checks if c.name == "no_seam").threshold == 1.4
    assert cheap.thresholds == CALIBRATED.name
    # Only what stands between a control and its acceptance is bounded over attempts.
    assert (found.attempts, cheap.attempts, gate("effusion").attempts) == (4, None, None)


def test_a_gate_without_a_calibrated_check_says_first_settings():
    only = GateThresholds({}, {"insert mass": {"target_moved": 0.2}}, alpha=0.05, data_sha256="ab" * 32)
    assert default_gate("nodule", "insert", thresholds=only).thresholds == "first settings"
    assert default_gate("mass", "insert", thresholds=only).thresholds == "first settings"
    assert gate("mass", thresholds=only).thresholds == only.name


def test_without_models_the_full_profile_segments_and_measures_again():
    for operation in ("insert", "delete", "sham"):
        cheap, full = (
            default_gate("nodule", operation, profile, models=GateModels(), thresholds=GateThresholds())
            for profile in ("cheap", "full")
        )
        assert full.names == (*cheap.names, "anatomy_preserved", "measurement_agrees")
        assert full.advisory == ("measurement_agrees",)


def test_what_is_tolerated_by_definition_is_recorded_and_never_calibrated():
    for finding in SEVERITY:
        assert "measurement_agrees" in gate(finding, opacity=0.9).advisory
    assert not set(RECORDED) & set(BOUNDED)
    made_up = GateThresholds({"measurement_agrees": 9.0})
    with pytest.raises(ValueError, match="not for 'measurement_agrees'; leave it out"):
        gate("mass", thresholds=made_up)


@pytest.mark.parametrize("finding", sorted(SEVERITY))
def test_what_decides_is_what_a_calibrated_gate_requires(finding):
    found, teacher = gate(finding, consolidation=0.9), models(consolidation=0.9).teacher
    asked = [check for check in found.checks if check.name in FROM_MODELS]
    assert {check.name for check in asked if decides(check, finding, teacher)} == required(found) & FROM_MODELS


def test_a_sham_is_asked_about_what_it_must_not_move_only():
    assert FROM_MODELS & set(gate("nodule", "sham").names) == {"off_target_stable"}


def test_a_classifier_without_an_answer_is_not_asked():
    lone = GateModels(CallableTeacher("hernia", lambda film, anatomy: [0.5], ("hernia",)))
    found = default_gate("fracture", "insert", "full", models=lone)
    assert FROM_MODELS & set(found.names) == {"off_target_stable"}


def test_what_models_say_is_of_checks_that_are_calibrated():
    assert set(BOUNDED) >= FROM_MODELS
    assert set(LOCALISED) | set(GEOMETRY) <= set(SEVERITY)


def test_the_table_has_every_finding_and_edit():
    lines = profile_table(models=models(consolidation=0.9), thresholds=CALIBRATED).splitlines()
    assert len(lines) == 2 + 2 * len(SEVERITY)
    row = next(line for line in lines if line.startswith("| consolidation | insert |"))
    assert "anatomy_preserved, off_target_stable, change_seen" in row
    assert row.endswith("| measurement_agrees, target_level, level_inside, target_moved, condition_met |")
    assert len({line.count("|") for line in lines}) == 1


def test_the_shipped_models_are_those_with_a_record():
    found = shipped_models()
    assert (found.teacher is None) == (found.localiser is None) == ("cars_teacher" not in RECORDS)
    assert default_gate("nodule", "insert").thresholds in ("first settings", shipped_thresholds(BUNDLE).name)


def test_an_unknown_profile_is_refused():
    with pytest.raises(ValueError, match="profile must be 'cheap' or 'full', got 'strict'"):
        default_gate("nodule", "insert", "strict")
