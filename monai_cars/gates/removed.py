"""After a deletion the place must look like the lung around it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy import ndimage as ndi

from monai_cars.anatomy import STRUCTURES
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable

INNER_MM, OUTER_MM = 3.0, 18.0  # the ring of lung that the place is compared with


@dataclass(frozen=True)
class OpacityRemoved:
    """Contrast of the lesion against the ring of lung around it that is left, as a share of what it was.

    ``value = |median(lesion) - median(ring)| after / the same before``; a deletion that overshoots into a hole fails as
    one that leaves a rest does.

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
        pad = int(OUTER_MM * context.millimetre)
        step = max(1, round(context.millimetre))
        y0, x0, y1, x1 = context.box
        crop = (slice(max(y0 - pad, 0), y1 + pad, step), slice(max(x0 - pad, 0), x1 + pad, step))
        full = torch.zeros(before.shape[1:], dtype=torch.bool)
        full[context.box.slices] = context.lesion.cpu()
        lesion = full[crop].numpy()
        lungs = (context.anatomy[:2].amax(0) > 0) & (context.anatomy[STRUCTURES.index("heart")] == 0)
        distance = ndi.distance_transform_edt(~lesion) * step / context.millimetre
        ring = (distance > INNER_MM) & (distance < OUTER_MM) & lungs[crop].cpu().numpy()
        if lesion.sum() < 5 or ring.sum() < 20:
            return unavailable(self.name, "too little lung around the opacity to compare with", self.threshold)
        was, now = (self._contrast(film[0][crop].cpu(), lesion, ring) for film in (before, after))
        value = abs(now) / max(abs(was), 0.02 * abs(context.unit.value))
        return judged(self.name, value, self.threshold, at_most=True, reason=f"{value:.0%} of its contrast is left")

    @staticmethod
    def _contrast(film: torch.Tensor, lesion, ring) -> float:
        return float(film[torch.from_numpy(lesion)].median() - film[torch.from_numpy(ring)].median())
