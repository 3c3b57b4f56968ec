"""After a deletion the place must look like lung."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from monai_cars.chest_xray.lung_levels import Places, places
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable

FLOOR = 0.05  # contrast units; an opacity that exceeded its surroundings by less is judged as if by this
FEWEST = 20  # pixels of 1.5 mm


@dataclass(frozen=True)
class OpacityRemoved:
    """What is left of the lesion's contrast against healthy lung, as a share of what it was.

    Healthy is the density of the lung around the place that was not edited. Some places are denser than what surrounds
    them in everybody (beside the chest wall, above the diaphragm): what the other lung's same place exceeds its
    surroundings by is allowed for, up to half of the lesion's contrast. Places may also be clearer than their
    surroundings, but not clearer than the clearer quarter of them and of the lungs. So ::

        rest      = (after - high) / (before - high),  high = ring + allowance
        overshoot = (low - after) / (before - low),    low = smaller of P25 of the ring and P25 of the lungs

    by medians over the lesion, and ``value`` is the larger of the two.

    Args:
        threshold: largest share.

    Example:
        >>> OpacityRemoved().threshold
        0.5
    """

    threshold: float = 0.5
    name: str = "opacity_removed"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        at = places(context)
        if at.lesion.sum() < 5 or at.ring.sum() < FEWEST:
            return unavailable(self.name, "too little lung around the opacity to compare with", self.threshold)
        films = [at.of(film) / context.unit.value for film in (before, after)]
        was, now = (float(np.median(film[at.lesion])) for film in films)
        high, low = _healthy(films[0], at, was)
        rest = max(now - high, 0.0) / max(was - high, FLOOR)
        hole = max(low - now, 0.0) / max(was - low, FLOOR)
        reason = f"{rest:.0%} of its contrast is left" if rest >= hole else f"{hole:.0%} more than it was taken away"
        return judged(self.name, max(rest, hole), self.threshold, at_most=True, reason=reason)


def _healthy(film: np.ndarray, at: Places, was: float) -> tuple[float, float]:
    """The densest and the clearest that the place may be, in the film's contrast units."""
    ring = float(np.median(film[at.ring]))
    allowance = 0.0
    if len(at.opposite[0]) >= FEWEST and len(at.opposite_ring[0]) >= FEWEST:
        denser = float(np.median(film[at.opposite]) - np.median(film[at.opposite_ring]))
        allowance = float(np.clip(denser, 0.0, max(0.5 * (was - ring), 0.0)))
    clear = float(np.percentile(film[at.ring], 25))
    if at.unedited.sum() >= FEWEST:
        clear = min(clear, float(np.percentile(film[at.unedited], 25)))
    return min(ring + allowance, was), clear
