"""An independent localiser must have seen the finding before it is deleted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from monai_cars.gates.contract import CheckResult, Context, judged, unavailable
from monai_cars.gates.intended import AsksLocaliser, Intended
from monai_cars.teachers import Localiser


@dataclass(frozen=True)
class PresentBefore(AsksLocaliser):
    """How sure a localiser was, before a deletion, that there was something to delete.

    ``value = max(B in R)``: highest value of its map of the untouched film in the boxes around the lesion's parts. An
    editor that is offered a healthy lung finds something to take away where lungs are denser than expected; what a
    reader would call an opacity is another question, and this asks a model that learned from readers.

    Args:
        localiser: an independent one.
        threshold: level that is to be reached; a first setting, to be calibrated on real boxed lesions.
        margin_mm: around the lesion's boxes.

    Example:
        >>> from monai_cars.teachers import SegmenterLocaliser
        >>> PresentBefore(SegmenterLocaliser("bright", lambda film: film[0])).name
        'present_before'
    """

    localiser: Localiser
    threshold: float = 0.5
    margin_mm: float = 0.0
    name: str = "present_before"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        if context.edit.operation == "insert":
            reason = "an insertion asks for nothing that was there before"
            return replace(unavailable(self.name, reason, self.threshold), code="nothing_asked")
        return super().__call__(before, after, context)

    def judge(self, asked: Intended, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.intended.AsksLocaliser`."""
        level = float(asked.was[asked.region].max())
        reason = f"{self.localiser.name} saw no more than {level:.2f} there before the edit"
        return judged(self.name, level, self.threshold, at_most=False, reason=reason)
