"""An independent classifier must see nothing else change than what the edit implies (C3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from monai_cars.gates.answers import probabilities
from monai_cars.gates.contract import CheckResult, Context, judged
from monai_cars.gates.outputs import outputs_to_stay
from monai_cars.teachers import Teacher


@dataclass(frozen=True)
class OffTargetStable:
    """Largest change of a probability that the edit does not imply: ``max |p(after) - p(before)|``.

    Outputs that the edit may move (`monai_cars.gates.implications`) and "No Finding" are left out.

    Args:
        teacher: an independent classifier.
        threshold: C3's delta; a first setting, to be calibrated on repeat films of the same patient.

    Example:
        >>> from monai_cars.teachers import CallableTeacher
        >>> OffTargetStable(CallableTeacher("mean", lambda film, anatomy: [float(film.mean())], ("Hernia",))).name
        'off_target_stable'
    """

    teacher: Teacher
    threshold: float = 0.10
    name: str = "off_target_stable"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        stable = outputs_to_stay(self.name, self.teacher, self.threshold, context)
        if isinstance(stable, CheckResult):
            return stable
        was, now = probabilities(self.teacher, before, after, context)
        worst = max(stable, key=lambda name: abs(now[name] - was[name]))
        reason = f"{self.teacher.name}: {worst!r} went from {was[worst]:.2f} to {now[worst]:.2f}"
        return judged(self.name, abs(now[worst] - was[worst]), self.threshold, at_most=True, reason=reason)
