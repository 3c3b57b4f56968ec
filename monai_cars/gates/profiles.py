"""Which checks a finding has to pass."""

from __future__ import annotations

from typing import Literal

from monai_cars.gates.anatomy_preserved import AnatomyPreserved
from monai_cars.gates.contract import Check, Gate
from monai_cars.gates.density_preserved import DensityPreserved
from monai_cars.gates.outside import OutsideUnchanged
from monai_cars.gates.removed import OpacityRemoved
from monai_cars.gates.rewritten import Rewritten
from monai_cars.gates.seam import NoSeam
from monai_cars.gates.severity import SeverityAgrees
from monai_cars.gates.site import InsideLung
from monai_cars.gates.visibility import Visible

Profile = Literal["cheap", "full"]
PROFILES = ("cheap", "full")


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
        ('outside_unchanged', 'inside_lung', 'no_seam', 'severity_agrees', 'visible')
    """
    if profile not in PROFILES:
        raise ValueError(f"profile must be 'cheap' or 'full', got {profile!r}")
    checks: list[Check] = [OutsideUnchanged(), _site(finding, operation)]
    if operation == "sham":
        # A redrawn texture differs from the film up to the support's feather; there it ends as every edit does.
        checks += [NoSeam(), Rewritten(), DensityPreserved()]
    else:
        checks += [NoSeam(), SeverityAgrees(), Visible()]
    if operation == "delete":
        checks.append(OpacityRemoved())
    if profile == "full":
        checks.append(AnatomyPreserved())
    return Gate(checks)


def _site(finding: str, operation: str) -> InsideLung:
    # Fluid fills the costophrenic angle to the true pleura, a few millimetres beyond the segmented field.
    return InsideLung(threshold=0.80 if finding == "effusion" or operation == "delete" else 0.90)
