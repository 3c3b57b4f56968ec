"""A finding must lie where it was asked for."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from monai_cars.chest_xray.anatomy import STRUCTURES, zones
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable


@dataclass(frozen=True)
class InsideLung:
    """Share of the change (by attenuation) that lies within the asked lung field, or one of them when none was asked.

    The change is what differs between the films, not what the editor says. When a zone was asked for, the centre of
    gravity of the change must lie in it.

    Args:
        threshold: least share.
        together: when no side was asked for, the change may lie in both fields (a finding of both lungs).

    Example:
        >>> InsideLung(threshold=0.9).name
        'inside_lung'
    """

    threshold: float = 0.90
    together: bool = False
    name: str = "inside_lung"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        rows, columns = context.box.slices
        change = (after[0, rows, columns] - before[0, rows, columns]).abs()
        if not bool((change > 0).any()):
            return unavailable(self.name, "nothing changed", self.threshold)
        sides = [context.edit.side] if context.edit.side else ["right", "left"]
        fields = torch.stack([context.anatomy[STRUCTURES.index(f"{s}_lung"), rows, columns] > 0 for s in sides])
        shares = (change * fields.to(change.device)).sum((1, 2)) / change.sum()
        value = float(shares.sum().clamp_max(1.0) if self.together else shares.max())
        if (
            context.edit.zone
            and value >= self.threshold
            and not self._in_zone(change, context, sides[int(shares.argmax())])
        ):
            return CheckResult(
                self.name, value, self.threshold, "fail", f"the change lies outside the {context.edit.zone} zone"
            )
        return judged(
            self.name, value, self.threshold, at_most=False, reason=f"{1 - value:.0%} of the change is outside the lung"
        )

    @staticmethod
    def _in_zone(change: torch.Tensor, context: Context, side: str) -> bool:
        zone = zones(context.anatomy)[side, str(context.edit.zone)][context.box.slices].to(change.device) > 0
        return float((change * zone).sum() / change.sum()) >= 0.5
