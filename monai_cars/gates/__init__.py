"""Checks and gates: what an edit must show before it enters training."""

from monai_cars.gates.anatomy_preserved import AnatomyPreserved
from monai_cars.gates.contract import Check, CheckResult, Context, Gate, Verdict, joined, judged, unavailable
from monai_cars.gates.density_preserved import DensityPreserved
from monai_cars.gates.devices_preserved import DevicesPreserved
from monai_cars.gates.devices_removed import DevicesRemoved
from monai_cars.gates.hole import NoHole
from monai_cars.gates.outside import OutsideUnchanged
from monai_cars.gates.profiles import default_gate
from monai_cars.gates.region import InsideRegion
from monai_cars.gates.removed import OpacityRemoved
from monai_cars.gates.rewritten import Rewritten
from monai_cars.gates.seam import NoSeam
from monai_cars.gates.severity import SeverityAgrees
from monai_cars.gates.site import InsideLung
from monai_cars.gates.visibility import Visible

__all__ = [
    "AnatomyPreserved",
    "Check",
    "CheckResult",
    "Context",
    "DensityPreserved",
    "DevicesPreserved",
    "DevicesRemoved",
    "Gate",
    "InsideLung",
    "InsideRegion",
    "NoHole",
    "NoSeam",
    "OpacityRemoved",
    "OutsideUnchanged",
    "Rewritten",
    "SeverityAgrees",
    "Verdict",
    "Visible",
    "default_gate",
    "joined",
    "judged",
    "unavailable",
]
