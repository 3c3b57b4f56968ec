"""One of several checks must pass: models that each see another part of what a finding looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from monai_cars.gates.contract import Check, CheckResult, Context, judged, unavailable


@dataclass(frozen=True)
class OneSees:
    """How many of several checks pass; one is enough.

    A classifier tells that a film has changed, a localiser where, and neither sees every finding. Thresholds that bound
    what any of them lets through wrongly (`calibrate_gate` does for the checks of a change) keep that bound.

    Args:
        checks: of which one has to pass.
        threshold: how many have to.

    Example:
        >>> from monai_cars.gates import NoSeam, OutsideUnchanged
        >>> OneSees((OutsideUnchanged(), NoSeam())).name
        'change_seen'
    """

    checks: Sequence[Check]
    threshold: float = 1.0
    name: str = "change_seen"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`; unavailable when none of the checks could be made."""
        results = [check(before, after, context) for check in self.checks]
        reason = "; ".join(f"{result.name}: {result.reason or result.verdict}" for result in results)
        if all(result.verdict == "unavailable" for result in results):
            return unavailable(self.name, reason, self.threshold)
        passed = sum(result.verdict == "pass" for result in results)
        return judged(self.name, float(passed), self.threshold, at_most=False, reason=reason)
