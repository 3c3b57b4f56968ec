"""An independent classifier must see the edited finding come, or go."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from monai_cars.gates.answers import probabilities
from monai_cars.gates.contract import CheckResult, Context, judged
from monai_cars.gates.outputs import asked_output
from monai_cars.teachers import Teacher

NEAREST = 1e-4  # what half precision still tells from 0 and 1


@dataclass(frozen=True)
class TargetMoved:
    """Change of the edited finding's log-odds, in the direction that was asked for.

    ``value = logit p(after) - logit p(before)`` of an insertion, its negative of a deletion. A well calibrated
    classifier gives a rare finding a few percent even where it is plain, so that a change of the probability itself
    would say how common the finding is. A classifier that lacks the finding, or tells it badly, is asked for a broader
    one (`monai_cars.gates.implications.judging_output`).

    Args:
        teacher: an independent classifier.
        threshold: least change in natural logarithms of the odds; 0.5 is a ratio of 1.65, a first setting, to be
            calibrated on controls.

    Example:
        >>> from monai_cars.teachers import CallableTeacher
        >>> TargetMoved(CallableTeacher("mean", lambda film, anatomy: [float(film.mean())], ("Mass",))).name
        'target_moved'
    """

    teacher: Teacher
    threshold: float = 0.5
    name: str = "target_moved"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        output = asked_output(self.name, self.teacher, self.threshold, context)
        if isinstance(output, CheckResult):
            return output
        was, now = (answer[output] for answer in probabilities(self.teacher, before, after, context))
        change = log_odds(now) - log_odds(was) if context.edit.operation == "insert" else log_odds(was) - log_odds(now)
        reason = f"{self.teacher.name}: {output!r} went from {was:.3g} to {now:.3g}"
        return judged(self.name, change, self.threshold, at_most=False, reason=reason)


def log_odds(probability: float) -> float:
    """Natural logarithm of the odds; probabilities nearer to 0 or 1 than NEAREST count as that near.

    Example:
        >>> log_odds(0.5), round(log_odds(0.75) - log_odds(0.25), 3)
        (0.0, 2.197)
    """
    p = min(max(probability, NEAREST), 1 - NEAREST)
    return math.log(p / (1 - p))
