"""Which checks a finding has to pass, and which are only recorded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from monai_cars.chest_xray import BUNDLE
from monai_cars.chest_xray.anatomy import STRUCTURES
from monai_cars.chest_xray.checks.anatomy_preserved import AnatomyPreserved
from monai_cars.chest_xray.checks.devices_preserved import DevicesPreserved
from monai_cars.chest_xray.checks.devices_removed import DevicesRemoved
from monai_cars.chest_xray.checks.inside_lung import InsideLung
from monai_cars.chest_xray.checks.inside_region import InsideRegion
from monai_cars.chest_xray.checks.measurement_agrees import MeasurementAgrees
from monai_cars.chest_xray.checks.no_hole import NoHole
from monai_cars.chest_xray.checks.opacity_removed import OpacityRemoved
from monai_cars.findings.finding import Finding
from monai_cars.findings.registry import FINDINGS, finding_of
from monai_cars.gates.checks.change_seen import OneSees
from monai_cars.gates.checks.condition_met import ConditionMet
from monai_cars.gates.checks.density_preserved import DensityPreserved
from monai_cars.gates.checks.level_inside import LevelInside
from monai_cars.gates.checks.no_seam import NoSeam
from monai_cars.gates.checks.off_target_stable import OffTargetStable
from monai_cars.gates.checks.outside_unchanged import OutsideUnchanged
from monai_cars.gates.checks.present_before import PresentBefore
from monai_cars.gates.checks.rewritten import Rewritten
from monai_cars.gates.checks.severity_agrees import SeverityAgrees
from monai_cars.gates.checks.target_level import TargetLevel
from monai_cars.gates.checks.target_moved import TargetMoved
from monai_cars.gates.checks.visible import Visible
from monai_cars.gates.contract import FIRST_SETTINGS, Check, Gate
from monai_cars.gates.implications import decisive, stable_outputs, target_output
from monai_cars.gates.thresholds import BOUNDED, GateThresholds, shipped_thresholds
from monai_cars.modality import PROFILES
from monai_cars.teachers import Localiser, Teacher
from monai_cars.weights.records import RECORDS

ORGAN, LUNG, ANYWHERE = "chest_xray", "lung", "anywhere"  # the last two are places of findings
OF_DELETION, OF_SHAM = 0.80, 0.90  # least share inside the lung: what is taken away is drawn more widely than what came
OF_LOCALISER = ("condition_met", "level_inside", "present_before")
TEACHER = "cars_teacher"
# Its threshold is 1 by definition (what is tolerated): no calibration can tell when to trust it.
RECORDED = ("measurement_agrees",)
# They say that the finding is as plain as in four of five real films, of sick people: required, they would pass what is
# severe and hold back what is mild (`Gate.requiring` asks for them all the same).
LEVELS = ("target_level", "level_inside")


@dataclass(frozen=True)
class GateModels:
    """Models that the full profile asks.

    Args:
        teacher: a classifier of findings, None without.
        localiser: of opacities, None without.

    Example:
        >>> GateModels().teacher is None
        True
    """

    teacher: Teacher | None = None
    localiser: Localiser | None = None


@lru_cache(maxsize=1)
def shipped_models() -> GateModels:
    """The models that come with the library, loaded once a process; none where none is shipped."""
    if TEACHER not in RECORDS:
        return GateModels()
    from monai_cars.chest_xray.teacher.shipped import (  # networks load only for the full profile
        load_localiser,
        load_teacher,
    )

    return GateModels(load_teacher(), load_localiser())


def default_gate(
    finding: str,
    operation: str,
    profile: str = "cheap",
    *,
    models: GateModels | None = None,
    thresholds: GateThresholds | None = None,
) -> Gate:
    """The checks that an edit has to pass, as the finding's data (`monai_cars.findings`) choose them.

    Models decide where they can be trusted: a classifier only about findings that it states an out-of-fold AUROC of at
    least 0.75 for and that have no geometry, a localiser about opacities (and about nodules and masses where such a
    classifier stands beside it), and each only by a threshold that was calibrated; else its answer is recorded. Where
    both decide, one of them has to see the finding come (`OneSees`). What the anatomy measures anew
    (`measurement_agrees`) and how plain a finding is (`target_level`, `level_inside`) is recorded only.

    Args:
        finding: name of a finding of the chest, or another usual one.
        operation: ``"insert"``, ``"delete"`` or ``"sham"``.
        profile: ``"cheap"`` needs no network; ``"full"`` segments the film again and asks independent models.
        models: of the full profile; the shipped ones when None.
        thresholds: calibrated ones; the shipped ones when None, and the first settings of the checks where those say
            nothing.

    Raises:
        ValueError: unknown profile or finding.

    Example:
        >>> default_gate("nodule", "insert").names
        ('outside_unchanged', 'inside_lung', 'no_seam', 'severity_agrees', 'visible', 'devices_preserved')
    """
    if profile not in PROFILES:
        raise ValueError(f"profile must be 'cheap' or 'full', got {profile!r}")
    one = finding_of(finding)
    finding = one.name
    thresholds = shipped_thresholds(BUNDLE) if thresholds is None else thresholds
    checks = _cheap(one, operation)
    advisory: tuple[str, ...] = ()
    asked: list[Check] = []
    known = thresholds.of(operation, finding)
    if profile == "full":
        models = shipped_models() if models is None else models
        checks.append(AnatomyPreserved() if operation == "sham" else AnatomyPreserved(hidden=STRUCTURES))
        asked = [MeasurementAgrees()]
        asked += [*_classified(finding, operation, models.teacher), *_localised(one, operation, models.localiser)]
        checks += asked
        advisory = tuple(c.name for c in asked if c.name not in known or not decides(c, finding, models.teacher))
    name = thresholds.name if any(check.name in known for check in checks) else FIRST_SETTINGS
    checks = thresholds.applied(checks, operation, finding)
    of_change = {c.name for c in asked if c.name not in advisory and BOUNDED[c.name].purpose == "change"}
    if len(of_change) > 1:  # calibrated together: what any of them lets through is bounded
        checks.append(OneSees(tuple(check for check in checks if check.name in of_change)))
        advisory += tuple(check.name for check in asked if check.name in of_change)
    return Gate(checks, advisory, name, thresholds.max_attempts if of_change else None)


def profile_table(*, models: GateModels | None = None, thresholds: GateThresholds | None = None) -> str:
    """Markdown table of every finding's checks: what both profiles require, what the full one adds, what is recorded.

    Example:
        >>> print(profile_table().splitlines()[0])
        | finding | edit | required | required by the full profile too | recorded by the full profile |
    """
    rows = ["| finding | edit | required | required by the full profile too | recorded by the full profile |"]
    rows.append("|---" * 5 + "|")
    for finding in (name for name, one in FINDINGS.items() if one.organ == ORGAN):
        for operation in ("insert", "delete"):
            cheap = default_gate(finding, operation, thresholds=thresholds).names
            full = default_gate(finding, operation, "full", models=models, thresholds=thresholds)
            more = [name for name in full.names if name not in cheap and name not in full.advisory]
            cells = (finding, operation, ", ".join(cheap), ", ".join(more), ", ".join(full.advisory) or "-")
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _cheap(finding: Finding, operation: str) -> list[Check]:
    """Checks without a network."""
    judged = finding.judged
    checks: list[Check] = [OutsideUnchanged(), *_site(finding, operation)]
    if operation == "sham":
        # A redrawn texture differs from the film up to the support's feather; there it ends as every edit does.
        checks += [NoSeam(), Rewritten(), DensityPreserved()]
    else:
        checks += [NoSeam(), SeverityAgrees(tolerance=judged.tolerance)]
        if judged.by_contrast:
            checks.append(Visible())
    if operation == "delete" and judged.by_contrast:
        checks += [OpacityRemoved(), NoHole()]
    if judged.keeps_devices:
        checks.append(DevicesPreserved())
    elif operation == "delete":
        checks.append(DevicesRemoved())
    return checks


def _classified(finding: str, operation: str, teacher: Teacher | None) -> list[Check]:
    """Checks that ask a classifier, of those that it has an answer for."""
    if teacher is None:
        return []
    checks: list[Check] = []
    if operation != "sham" and target_output(finding, teacher.outputs) is not None:
        checks += [TargetMoved(teacher), TargetLevel(teacher)]
    if stable_outputs(finding, operation, teacher.outputs):
        checks.append(OffTargetStable(teacher))
    return checks


def _localised(finding: Finding, operation: str, localiser: Localiser | None) -> list[Check]:
    if localiser is None or operation == "sham" or finding.judged.by_localiser == "no":
        return []
    found: list[Check] = [ConditionMet(localiser), LevelInside(localiser)]
    return [*found, PresentBefore(localiser)] if operation == "delete" else found


def decides(check: Check, finding: str, teacher: Teacher | None) -> bool:
    """Whether the full profile requires a model's check of a finding once its threshold is calibrated.

    Args:
        check: that asks a model, or measures the anatomy anew.
        finding: name of a finding of the chest, or another usual one.
        teacher: the classifier of the full profile.

    Example:
        >>> decides(MeasurementAgrees(), "nodule", None)
        False
    """
    judged = finding_of(finding).judged
    if check.name in (*RECORDED, *LEVELS):
        return False
    taught = check.name in OF_LOCALISER and judged.by_localiser == "taught"
    if taught or BOUNDED[check.name].purpose == "preservation":
        return True
    return not judged.by_geometry and teacher is not None and decisive(teacher, finding)


def _site(finding: Finding, operation: str) -> list[Check]:
    """Where the change has to lie; a sham is lung redrawn, whatever it is offered as."""
    place, least = finding.place, finding.judged.least_inside
    if operation == "sham":
        return [InsideLung(threshold=OF_SHAM)]
    if place.within == ANYWHERE:
        return []
    if place.within != LUNG:
        return [InsideRegion(place.within, threshold=least)]
    return [InsideLung(threshold=OF_DELETION if operation == "delete" else least, together=place.sides != "one")]
