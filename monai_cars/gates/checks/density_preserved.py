"""A sham must leave the density of the lung alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from monai_cars.gates.contract import CheckResult, Context, judged, unavailable


@dataclass(frozen=True)
class DensityPreserved:
    """Mean change over the support in contrast units.

    Args:
        threshold: largest mean change.

    Example:
        >>> DensityPreserved().threshold
        0.03
    """

    threshold: float = 0.03
    name: str = "density_preserved"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        crop = context.box.slices
        support = context.support.to(before.device)
        if not bool(support.any()):
            return unavailable(self.name, "the support is empty", self.threshold)
        change = (after[0][crop] - before[0][crop])[support]
        value = float(change.mean().abs()) / abs(context.unit.value)
        return judged(self.name, value, self.threshold, at_most=True, reason="the sham changed the density of the lung")
