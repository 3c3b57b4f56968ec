"""A sham must really redraw its support."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from monai_cars.gates.contract import CheckResult, Context, judged, unavailable


@dataclass(frozen=True)
class Rewritten:
    """Share of the support's pixels whose value differs.

    Args:
        threshold: least share.

    Example:
        >>> Rewritten().threshold
        0.9
    """

    threshold: float = 0.90
    name: str = "rewritten"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        crop = context.box.slices
        support = context.support.to(before.device)
        if not bool(support.any()):
            return unavailable(self.name, "the support is empty", self.threshold)
        value = float((after[0][crop] != before[0][crop])[support].float().mean())
        return judged(self.name, value, self.threshold, at_most=False, reason="too much of the support is a copy")
