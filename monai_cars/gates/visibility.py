"""A label must not be set for a finding that nobody can see."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from monai_cars.gates.contract import CheckResult, Context, judged, unavailable


@dataclass(frozen=True)
class Visible:
    """Contrast-to-noise ratio of the change within the lesion.

    ``value = mean change in the lesion / standard deviation of the film around it at the lesion's scale`` (Rose, 1948,
    puts the limit of seeing near 5 for the ratio that includes the area; here the area is left out, so the bound is low).

    Args:
        threshold: least ratio.

    Example:
        >>> Visible().name
        'visible'
    """

    threshold: float = 0.5
    name: str = "visible"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        rows, columns = context.box.slices
        lesion = context.lesion.to(before.device)
        if not bool(lesion.any()):
            return unavailable(self.name, "no lesion was drawn", self.threshold)
        change = float((after[0, rows, columns] - before[0, rows, columns])[lesion].mean().abs())
        film = before[0, rows, columns].float()
        fine = film - _smoothed(film, context.millimetre)
        noise = max(float(fine[lesion].std()), 0.005 * context.unit.value)
        return judged(
            self.name, change / noise, self.threshold, at_most=False, reason="the change drowns in the film's texture"
        )


def _smoothed(film: torch.Tensor, millimetre: float) -> torch.Tensor:
    size = 2 * max(1, round(2 * millimetre)) + 1
    return F.avg_pool2d(film[None, None], size, stride=1, padding=size // 2, count_include_pad=False)[0, 0]
