"""An independent localiser must see the finding come, or go, at the intended place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from monai_cars.gates.contract import CheckResult, Context, judged, unavailable
from monai_cars.gates.intended import LEAST, AsksLocaliser, Intended, check_of
from monai_cars.teachers import Localiser


@dataclass(frozen=True)
class ConditionMet(AsksLocaliser):
    """Share of a localiser's mass that lies within the intended lesion, or of its fall there.

    With the maps before and after, B and A, and the intended region R (the boxes around the lesion's parts, as a
    localiser that learned from boxes marks them, and a margin):

    - insertion: ``sum(D in R) / max(sum(D), least |lesion|)`` with ``D = max(A - B, 0)``. Only what is new counts, so
      that an opacity that the film had elsewhere costs nothing, and one that it had in R brings nothing.
    - insertion, ``of="after"``: ``sum(A in R) / max(sum(A), least |lesion|)``. It asks that the film has no other
      opacity, and is how real films with boxes are judged, which have no "before".
    - deletion: ``(sum(B in R) - sum(A in R)) / sum(B in R)``, the fall of the mass where the lesion was; unavailable
      when the localiser saw nothing there.

    Args:
        localiser: an independent one.
        threshold: least share; a first setting, to be calibrated on real boxed lesions.
        of: an insertion: "change", or "after".
        margin_mm: around the lesion's boxes, for a localiser's coarse grid.
        least: mean over the lesion that mass is held against at least; must be positive.

    Raises:
        ValueError: another `of`.

    Example:
        >>> from monai_cars.teachers import SegmenterLocaliser
        >>> ConditionMet(SegmenterLocaliser("bright", lambda film: film[0])).name
        'condition_met'
    """

    localiser: Localiser
    threshold: float = 0.50
    of: Literal["change", "after"] = "change"
    margin_mm: float = 10.0
    least: float = LEAST
    name: str = "condition_met"

    def __post_init__(self) -> None:
        check_of(self.of)

    def judge(self, asked: Intended, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.intended.AsksLocaliser`."""
        if context.edit.operation == "delete":
            return self._fallen(asked)
        seen = asked.now if self.of == "after" else np.maximum(asked.now - asked.was, 0)
        value = float(seen[asked.region].sum()) / max(float(seen.sum()), self.least * asked.lesion)
        reason = (
            f"{self.localiser.name}: {value:.0%} of what {'is' if self.of == 'after' else 'came'} lies at the lesion"
        )
        return judged(self.name, value, self.threshold, at_most=False, reason=reason)

    def _fallen(self, asked: Intended) -> CheckResult:
        there = float(asked.was[asked.region].sum())
        if there < self.least * asked.lesion:
            reason = f"{self.localiser.name} saw nothing there before the edit"
            return replace(unavailable(self.name, reason, self.threshold), code="not_seen_before")
        value = 1 - float(asked.now[asked.region].sum()) / there
        reason = f"{self.localiser.name} still sees {1 - value:.0%} of what was there"
        return judged(self.name, value, self.threshold, at_most=False, reason=reason)
