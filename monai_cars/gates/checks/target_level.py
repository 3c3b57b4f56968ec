"""An independent classifier must be as sure of the edited finding as it is of real films that have it, or lack it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from monai_cars.gates.answers import probabilities
from monai_cars.gates.contract import CheckResult, Context, judged
from monai_cars.gates.outputs import asked_output
from monai_cars.teachers import Teacher


@dataclass(frozen=True)
class TargetLevel:
    """How sure a classifier is of what was asked for, after the edit alone.

    ``value = p(after)`` of an insertion, ``1 - p(after)`` of a deletion: a film that the classifier takes
    for a real positive, or negative.

    Args:
        teacher: an independent classifier.
        threshold: level that is to be reached; a first setting, to be calibrated on real positives.

    Example:
        >>> from monai_cars.teachers import CallableTeacher
        >>> TargetLevel(CallableTeacher("mean", lambda film, anatomy: [float(film.mean())], ("Mass",))).threshold
        0.5
    """

    teacher: Teacher
    threshold: float = 0.5
    name: str = "target_level"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        output = asked_output(self.name, self.teacher, self.threshold, context)
        if isinstance(output, CheckResult):
            return output
        level = probabilities(self.teacher, before, after, context)[1][output]
        value = 1 - level if context.edit.operation == "delete" else level
        reason = f"{self.teacher.name}: {output!r} is {level:.2f} after the edit"
        return judged(self.name, value, self.threshold, at_most=False, reason=reason)
