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
        lesion = context.lesion.cpu().numpy()
        if not lesion.any():
            return unavailable(self.name, "no lesion was drawn", self.threshold)
        change = (after[0][context.box.slices] - before[0][context.box.slices]).abs().cpu().numpy()
        # What could hide the finding is the film without it.
        without = after if context.edit.operation == "delete" else before
        value = float(np.percentile(change[lesion], 90)) / max(_spread(without, context, lesion), 1e-6)
        return judged(self.name, value, self.threshold, at_most=False, reason="the change drowns in the film's texture")


def _spread(film: torch.Tensor, context: Context, lesion: np.ndarray) -> float:
    """Spread of the film around the lesion, not less than half a hundredth of the contrast unit."""
    radius = ball_radius(int(lesion.sum()), lesion.ndim)
    pad, step = int(radius), max(1, int(radius / 12))
    around = context.box.grown(pad, film.shape[1:]).slices
    tile = film[0][tuple(slice(part.start, part.stop, step) for part in around)].float().cpu().numpy()
    sigma = min(radius, LARGEST_MM * context.millimetre) / step
    return max(float((tile - ndi.gaussian_filter(tile, sigma)).std()), 0.005 * abs(context.unit.value))


def ball_radius(elements: int, axes: int) -> float:
    """Radius, in elements, of the disc or ball that has so many.

    Example:
        >>> round(ball_radius(314, 2), 1), round(ball_radius(4189, 3), 1)
        (10.0, 10.0)
    """
    if axes == 2:
        return float(np.sqrt(elements / np.pi))
    return float((3.0 * elements / (4.0 * np.pi)) ** (1.0 / 3.0))
