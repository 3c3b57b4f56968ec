"""No pixel outside the support may differ, to the bit."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from monai_cars.gates.contract import CheckResult, Context, judged


@dataclass(frozen=True)
class OutsideUnchanged:
    """Counts pixels outside the support whose value changed; the bound is 0.

    Example:
        >>> OutsideUnchanged().name
        'outside_unchanged'
    """

    name: str = "outside_unchanged"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        changed = before[0] != after[0]
        inside = (changed[context.box.slices] & context.support.to(changed.device)).sum()
        count = int(changed.sum() - inside)
        return judged(self.name, count, 0, at_most=True, reason=f"{count} pixels outside the support changed")
