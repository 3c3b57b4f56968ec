"""A classifier of one label a film must keep its label, unless the edit implies the new one (C3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from monai_cars.gates.answers import probabilities
from monai_cars.gates.contract import CheckResult, Context, judged
from monai_cars.gates.implications import NO_FINDING, concept
from monai_cars.gates.outputs import outputs_to_stay
from monai_cars.teachers import Teacher


@dataclass(frozen=True)
class SameArgmax:
    """A classifier of one label a film must keep it, unless the edit implies the new one (C3).

    The value is 1 when it did, 0 when not. A label that an insertion implies may come, one that a deletion implies may
    go: then the label that followed it before, or "No Finding", takes its place. A label that the edit does not imply
    may neither come nor give way to "No Finding".

    Args:
        teacher: an independent classifier whose outputs exclude each other.
        threshold: 1, all or nothing.

    Example:
        >>> from monai_cars.teachers import CallableTeacher
        >>> SameArgmax(CallableTeacher("flat", lambda film, anatomy: [0.5, 0.5], ("Normal", "Mass"))).name
        'same_argmax'
    """

    teacher: Teacher
    threshold: float = 1.0
    name: str = "same_argmax"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        stable = outputs_to_stay(self.name, self.teacher, self.threshold, context)
        if isinstance(stable, CheckResult):
            return stable
        was, now = probabilities(self.teacher, before, after, context)
        kept = _label_kept(was, now, stable)
        reason = f"{self.teacher.name}: the label went from {_first(was)!r} to {_first(now)!r}"
        return judged(self.name, float(kept), self.threshold, at_most=False, reason=reason)


def _first(answer: Mapping[str, float]) -> str:
    return max(answer, key=lambda name: answer[name])


def _label_kept(was: Mapping[str, float], now: Mapping[str, float], stable: Sequence[str]) -> bool:
    old, new = _first(was), _first(now)
    if new == old:
        return True
    if new in stable:
        # What an implied label had covered comes to light once it goes.
        uncovered = old not in stable and concept(old) != NO_FINDING
        return uncovered and new == max(stable, key=lambda name: was[name])
    return not (old in stable and concept(new) == NO_FINDING)
