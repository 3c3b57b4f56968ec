"""Which checks a finding has to pass."""

from __future__ import annotations

from typing import Literal

from monai_cars.anatomy import STRUCTURES
from monai_cars.gates.anatomy_preserved import AnatomyPreserved
from monai_cars.gates.contract import Check, Gate
from monai_cars.gates.density_preserved import DensityPreserved
from monai_cars.gates.devices_preserved import DevicesPreserved
from monai_cars.gates.devices_removed import DevicesRemoved
from monai_cars.gates.hole import NoHole
from monai_cars.gates.outside import OutsideUnchanged
from monai_cars.gates.region import InsideRegion
from monai_cars.gates.removed import OpacityRemoved
from monai_cars.gates.rewritten import Rewritten
from monai_cars.gates.seam import NoSeam
from monai_cars.gates.severity import SeverityAgrees
from monai_cars.gates.site import InsideLung
from monai_cars.gates.visibility import Visible
from monai_cars.severity import canonical

Profile = Literal["cheap", "full"]
PROFILES = ("cheap", "full")
# Where findings that do not lie within one lung field lie.
REGION = {
    "irregular hilum": "hilum",
    "adenopathy": "hilum",
    "enlarged heart": "heart",
    "enlarged cardiomediastinum": "mediastinum",
    "irregular diaphragm": "diaphragm",
    "fracture": "thorax",
}
IN_BOTH_LUNGS = ("infection", "edema")
MOVED_BORDER = ("enlarged heart", "enlarged cardiomediastinum", "irregular diaphragm")
# A ratio varies little from person to person: 0.04 of 0.55 is the 0.02 that repeat films of one patient show.
TOLERANCE = {"enlarged heart": 0.04}
ANYWHERE = ("support devices",)
LOOSE = (
    "effusion",
    "fluid",
    "meniscus sign",
    "costophrenic blunting",
    "absent lung markings",
    "pleural air",
    "lung collapse",
)
# Findings that are no opacity: a border that moves, texture that goes, a thin line. Severity is their proof.
NO_CONTRAST = (
    "enlarged heart",
    "enlarged cardiomediastinum",
    "irregular diaphragm",
    "absent lung markings",
    "pleural air",
    "lung collapse",
    "irregular parenchyma",
    "fracture",
    "support devices",
)


def default_gate(finding: str, operation: str, profile: str = "cheap") -> Gate:
    """The checks that an edit has to pass; thresholds are first settings, not yet calibrated on controls.

    Args:
        finding: key of SEVERITY.
        operation: ``"insert"``, ``"delete"`` or ``"sham"``.
        profile: ``"cheap"`` needs no network; ``"full"`` segments the film again.

    Raises:
        ValueError: unknown profile.

    Example:
        >>> default_gate("nodule", "insert").names
        ('outside_unchanged', 'inside_lung', 'no_seam', 'severity_agrees', 'visible', 'devices_preserved')
    """
    if profile not in PROFILES:
        raise ValueError(f"profile must be 'cheap' or 'full', got {profile!r}")
    finding = canonical(finding)
    checks: list[Check] = [OutsideUnchanged(), *_site(finding, operation)]
    if operation == "sham":
        # A redrawn texture differs from the film up to the support's feather; there it ends as every edit does.
        checks += [NoSeam(), Rewritten(), DensityPreserved()]
    else:
        checks += [NoSeam(), SeverityAgrees(tolerance=TOLERANCE.get(finding, 0.20))]
        if finding not in NO_CONTRAST:
            checks.append(Visible())
    if operation == "delete" and finding not in NO_CONTRAST:
        checks += [OpacityRemoved(), NoHole()]
    if finding not in ANYWHERE:
        checks.append(DevicesPreserved())
    elif operation == "delete":
        checks.append(DevicesRemoved())
    if profile == "full":
        moved = finding in MOVED_BORDER and operation != "sham"
        checks.append(AnatomyPreserved(hidden=STRUCTURES if moved else ("heart",)))
    return Gate(checks)


def _site(finding: str, operation: str) -> list[Check]:
    if operation != "sham" and finding in REGION:
        return [InsideRegion(REGION[finding])]
    if operation != "sham" and finding in ANYWHERE:
        return []
    # Fluid fills the costophrenic angle to the true pleura, a few millimetres beyond the segmented field.
    loose = operation == "delete" or (operation == "insert" and finding in LOOSE)
    together = operation != "sham" and finding in IN_BOTH_LUNGS
    return [InsideLung(threshold=0.80 if loose else 0.90, together=together)]
