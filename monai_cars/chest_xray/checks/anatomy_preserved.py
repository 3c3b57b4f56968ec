"""The patient's anatomy, segmented anew after the edit, must be where it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from monai_cars.chest_xray.anatomy import STRUCTURES
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable


@dataclass(frozen=True)
class AnatomyPreserved:
    """Smallest Dice of a structure before and after.

    By itself it compares lung fields, which are whole fields, everywhere, and the cardiac silhouette outside the
    support: fluid or a consolidation beside the heart hides its border, as it should. The default gates compare every
    structure outside the support of an insertion or a deletion only, which takes the finding's own expected change out:
    a heart may grow there, the apices of the lungs may not move. A sham may change nothing.

    Args:
        threshold: least Dice.
        hidden: structures that are compared outside the support only.

    Example:
        >>> AnatomyPreserved().name
        'anatomy_preserved'
    """

    threshold: float = 0.90
    hidden: tuple[str, ...] = ("heart",)
    name: str = "anatomy_preserved"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        masks = context.anatomy_after(after)
        if masks is None:
            return unavailable(self.name, "no segmenter was given to the gate", self.threshold)
        was, now = (part.cpu().numpy() > 0 for part in (context.anatomy, masks))
        seen = ~context.support.cpu().numpy()
        rows, columns = context.box.slices
        for structure in (STRUCTURES.index(name) for name in self.hidden):
            was[structure, rows, columns] &= seen
            now[structure, rows, columns] &= seen
        total = _pixels(was) + _pixels(now)
        dice = torch.where(total > 0, 2 * _pixels(was & now) / total.clamp_min(1), torch.ones(len(total)))
        worst = int(dice.argmin())
        reason = f"{STRUCTURES[worst]} moved: Dice {float(dice[worst]):.2f}"
        return judged(self.name, float(dice[worst]), self.threshold, at_most=False, reason=reason)


def _pixels(masks: np.ndarray) -> torch.Tensor:
    """(S,) pixels of masks (S, H, W) bool; torch takes a hundred times as long to count them."""
    return torch.tensor([np.count_nonzero(mask) for mask in masks])
