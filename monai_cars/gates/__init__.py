"""Checks and gates: what an edit must show before it enters training."""

from monai_cars._moved import moved_name
from monai_cars.gates.batch import judge_many
from monai_cars.gates.checks.change_seen import OneSees
from monai_cars.gates.checks.condition_met import ConditionMet
from monai_cars.gates.checks.density_preserved import DensityPreserved
from monai_cars.gates.checks.identity_stable import IdentityStable
from monai_cars.gates.checks.level_inside import LevelInside
from monai_cars.gates.checks.masks_kept import MasksKept
from monai_cars.gates.checks.no_seam import NoSeam
from monai_cars.gates.checks.not_memorised import NotMemorised
from monai_cars.gates.checks.nothing_hallucinated import NothingHallucinated, real_baseline
from monai_cars.gates.checks.off_target_stable import OffTargetStable
from monai_cars.gates.checks.outside_unchanged import OutsideUnchanged
from monai_cars.gates.checks.peak_inside import PeakInside
from monai_cars.gates.checks.present_before import PresentBefore
from monai_cars.gates.checks.realistic import Realistic
from monai_cars.gates.checks.rewritten import Rewritten
from monai_cars.gates.checks.same_argmax import SameArgmax
from monai_cars.gates.checks.segmenter_agrees import SegmenterAgrees
from monai_cars.gates.checks.severity_agrees import SeverityAgrees
from monai_cars.gates.checks.target_level import TargetLevel
from monai_cars.gates.checks.target_moved import TargetMoved
from monai_cars.gates.checks.text_image_agrees import TextImageAgrees, curated_prompts
from monai_cars.gates.checks.visible import Visible
from monai_cars.gates.contract import Check, CheckResult, Context, Gate, Verdict, joined, judged, unavailable

__all__ = [
    "Check",
    "CheckResult",
    "ConditionMet",
    "Context",
    "DensityPreserved",
    "Gate",
    "IdentityStable",
    "LevelInside",
    "MasksKept",
    "NoSeam",
    "NotMemorised",
    "NothingHallucinated",
    "OffTargetStable",
    "OneSees",
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
    "joined",
    "judge_many",
    "judged",
    "real_baseline",
    "unavailable",
]


def __getattr__(name: str) -> object:
    """What lay here before organs had rooms of their own."""
    return moved_name(__name__, name)
