"""A label must not be set for a finding that nobody can see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.gates.contract import CheckResult, Context, judged, unavailable

LARGEST_MM = 15.0  # structure coarser than half a mass hides nothing


@dataclass(frozen=True)
class Visible:
    """Conspicuity: the change in the lesion over the spread of the film around it at the lesion's scale and finer.

    ``value = P90 |change| in the lesion / sd(film - low-pass)`` over the lesion's surroundings (twice its size), with a
    low-pass as wide as half the lesion: ribs and vessels hide a nodule more than noise does (structured noise; Samei et
    al., Radiology 1999).

    Args:
        threshold: least ratio.

    Example:
        >>> Visible().name
        'visible'
    """

    threshold: float = 1.5
    name: str = "visible"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        rows, columns = context.box.slices
        lesion = context.lesion.cpu().numpy()
        if not lesion.any():
            return unavailable(self.name, "no lesion was drawn", self.threshold)
        change = (after[0, rows, columns] - before[0, rows, columns]).abs().cpu().numpy()
        # What could hide the finding is the film without it.
        without = after if context.edit.operation == "delete" else before
        value = float(np.percentile(change[lesion], 90)) / max(_spread(without, context, lesion), 1e-6)
        return judged(self.name, value, self.threshold, at_most=False, reason="the change drowns in the film's texture")


def _spread(film: torch.Tensor, context: Context, lesion: np.ndarray) -> float:
    """Spread of the film around the lesion, not less than half a hundredth of the contrast unit."""
    radius = float(np.sqrt(lesion.sum() / np.pi))
    pad, step = int(radius), max(1, int(radius / 12))
    y0, x0, y1, x1 = context.box
    tile = film[0, max(y0 - pad, 0) : y1 + pad : step, max(x0 - pad, 0) : x1 + pad : step].float().cpu().numpy()
    sigma = min(radius, LARGEST_MM * context.millimetre) / step
    return max(float((tile - ndi.gaussian_filter(tile, sigma)).std()), 0.005 * abs(context.unit.value))
