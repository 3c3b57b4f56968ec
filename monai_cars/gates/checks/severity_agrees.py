"""The severity that is found on the film must agree with the one that was asked for."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from monai_cars.gates.contract import CheckResult, Context, judged, unavailable


@dataclass(frozen=True)
class SeverityAgrees:
    """Relative difference between the measured amount and the asked one.

    Args:
        tolerance: largest relative difference.
        floor: share of the finding's range below which the difference is not taken relative to less.

    Example:
        >>> SeverityAgrees(tolerance=0.2).name
        'severity_agrees'
    """

    tolerance: float = 0.20
    floor: float = 0.10
    name: str = "severity_agrees"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        if context.asked is None or context.measured is None:
            return unavailable(self.name, "the severity could not be measured on this film", self.tolerance)
        scale = context.edit.scale
        least = self.floor * (scale.high - scale.low)
        value = abs(context.measured.value - context.asked.value) / max(context.asked.value, least)
        reason = f"asked {context.asked.value:.3g}, measured {context.measured.value:.3g} {context.asked.unit}"
        return judged(self.name, value, self.tolerance, at_most=True, reason=reason)
