"""No pixel outside the support may differ, to the bit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
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
        changed = (before[0] != after[0]).cpu().numpy()  # which counts many times faster than torch
        inside = changed[context.box.slices] & context.support.cpu().numpy()
        count = int(np.count_nonzero(changed) - np.count_nonzero(inside))
        return judged(self.name, count, 0, at_most=True, reason=f"{count} pixels outside the support changed")
