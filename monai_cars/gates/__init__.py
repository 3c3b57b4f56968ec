"""Checks and gates: what an edit must show before it enters training."""

from monai_cars.gates.anatomy_preserved import AnatomyPreserved
from monai_cars.gates.batch import judge_many
from monai_cars.gates.condition_met import ConditionMet
from monai_cars.gates.contract import Check, CheckResult, Context, Gate, Verdict, joined, judged, unavailable
from monai_cars.gates.density_preserved import DensityPreserved
from monai_cars.gates.devices_preserved import DevicesPreserved
from monai_cars.gates.devices_removed import DevicesRemoved
from monai_cars.gates.hallucination import NothingHallucinated, real_baseline
from monai_cars.gates.hole import NoHole
from monai_cars.gates.identity import IdentityStable
from monai_cars.gates.implications import decisive, stable_outputs, target_output
from monai_cars.gates.measurement_agrees import MeasurementAgrees
from monai_cars.gates.near_duplicate import NotMemorised
from monai_cars.gates.off_target import OffTargetStable, SameArgmax
from monai_cars.gates.one_sees import OneSees
from monai_cars.gates.outside import OutsideUnchanged
from monai_cars.gates.peak_inside import LevelInside, PeakInside
from monai_cars.gates.present_before import PresentBefore
from monai_cars.gates.profiles import GateModels, default_gate, profile_table
from monai_cars.gates.realism import Realistic
from monai_cars.gates.region import InsideRegion
from monai_cars.gates.removed import OpacityRemoved
from monai_cars.gates.rewritten import Rewritten
from monai_cars.gates.seam import NoSeam
from monai_cars.gates.segmentation_agrees import MasksKept, SegmenterAgrees
from monai_cars.gates.severity import SeverityAgrees
from monai_cars.gates.site import InsideLung
from monai_cars.gates.target_moved import TargetLevel, TargetMoved
from monai_cars.gates.text_image import TextImageAgrees, curated_prompts
from monai_cars.gates.visibility import Visible

__all__ = [
    "AnatomyPreserved",
    "Check",
    "CheckResult",
    "ConditionMet",
    "Context",
    "DensityPreserved",
    "DevicesPreserved",
    "DevicesRemoved",
    "Gate",
    "GateModels",
    "IdentityStable",
    "InsideLung",
    "InsideRegion",
    "LevelInside",
    "MasksKept",
    "MeasurementAgrees",
    "NoHole",
    "NoSeam",
    "NotMemorised",
    "NothingHallucinated",
    "OffTargetStable",
    "OneSees",
    "OpacityRemoved",
    "OutsideUnchanged",
    "PeakInside",
    "PresentBefore",
    "Realistic",
    "Rewritten",
    "SameArgmax",
    "SegmenterAgrees",
    "SeverityAgrees",
    "TargetLevel",
    "TargetMoved",
    "TextImageAgrees",
    "Verdict",
    "Visible",
    "curated_prompts",
    "decisive",
    "default_gate",
    "joined",
    "judge_many",
    "judged",
    "profile_table",
    "real_baseline",
    "stable_outputs",
    "target_output",
    "unavailable",
]
