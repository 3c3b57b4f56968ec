"""A deletion must not leave a place that is darker than lung is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from monai_cars.chest_xray.lung_levels import places
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable

DARKER = 0.08  # contrast units below the clearest lung from which a place looks punched out
FEWEST = 50  # pixels of 1.5 mm


@dataclass(frozen=True)
class NoHole:
    """Share of the support whose smoothed density lies below the clearest hundredth of the lungs that were not edited.

    Args:
        threshold: largest share.

    Example:
        >>> NoHole().name
        'no_hole'
    """

    threshold: float = 0.05
    name: str = "no_hole"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        at = places(context)
        edited = at.lungs & ~at.unedited
        if at.unedited.sum() < FEWEST or not edited.any():
            return unavailable(self.name, "too little lung was left unedited to compare with", self.threshold)
        was, now = (at.smooth(film, context.millimetre) / context.unit.value for film in (before, after))
        clearest = float(np.percentile(was[at.unedited], 1)) - DARKER
        # What was as dark before (a bulla) is no hole of the edit's.
        value = float(((now < clearest) & (was > clearest) & edited).sum() / edited.sum())
        return judged(self.name, value, self.threshold, at_most=True, reason="the deletion leaves a dark hole")
