"""An independent localiser must be as sure of the intended place as it is of real findings."""

from __future__ import annotations

from dataclasses import dataclass

from monai_cars.gates.contract import CheckResult, Context, judged
from monai_cars.gates.intended import AsksLocaliser, Intended
from monai_cars.teachers import Localiser


@dataclass(frozen=True)
class LevelInside(AsksLocaliser):
    """How sure a localiser is of what was asked for, after the edit alone.

    ``value = max(A in R)`` of an insertion, ``1 - max(A in R)`` of a deletion: highest value of its map in the boxes
    around the lesion's parts.

    Args:
        localiser: an independent one.
        threshold: level that is to be reached; a first setting, to be calibrated on real boxed lesions.
        margin_mm: around the lesion's boxes.

    Example:
        >>> from monai_cars.teachers import SegmenterLocaliser
        >>> LevelInside(SegmenterLocaliser("bright", lambda film: film[0])).name
        'level_inside'
    """

    localiser: Localiser
    threshold: float = 0.5
    margin_mm: float = 0.0
    name: str = "level_inside"

    def judge(self, asked: Intended, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.intended.AsksLocaliser`."""
        level = float(asked.now[asked.region].max())
        value = 1 - level if context.edit.operation == "delete" else level
        reason = f"{self.localiser.name} sees up to {level:.2f} there after the edit"
        return judged(self.name, value, self.threshold, at_most=False, reason=reason)
