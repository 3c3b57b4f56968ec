"""A classifier for what nobody asked for must stay where real films leave it (arXiv 2312.06979)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from monai_cars.gates.answers import probabilities
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable
from monai_cars.gates.implications import stable_outputs
from monai_cars.teachers import Teacher, TeacherError

SHARE = 0.95  # of real films that lie below their baseline


@dataclass(frozen=True)
class NothingHallucinated:
    """Excess of a class that was never asked for over its baseline on real films.

    ``value = max over classes of p(after) - max(baseline, p(before))``: a film that lay above the baseline before the
    edit may stay where it was. The audit of RoentGen (arXiv 2312.06979) found 42 % of its images called COVID-19 by a
    classifier, a class that it was never conditioned on. Classes that the edit implies are left out.

    Args:
        teacher: an independent classifier.
        baseline: level by output that real films stay below (`real_baseline`); the classes that are watched.
        threshold: most excess.

    Raises:
        TeacherError: no baseline, or one of a class that the teacher has not.

    Example:
        >>> from monai_cars.teachers import CallableTeacher
        >>> covid = CallableTeacher("covid", lambda film, anatomy: [float(film.mean())], ("COVID-19",))
        >>> NothingHallucinated(covid, {"COVID-19": 0.3}).name
        'nothing_hallucinated'
    """

    teacher: Teacher
    baseline: Mapping[str, float]
    threshold: float = 0.0
    name: str = "nothing_hallucinated"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.baseline) - set(self.teacher.outputs))
        if unknown or not self.baseline:
            raise TeacherError(
                f"baseline must name outputs of {self.teacher.name} ({', '.join(self.teacher.outputs)}), got "
                f"{', '.join(unknown) or 'none'}; make it with real_baseline"
            )

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        watched = stable_outputs(context.edit.finding, context.edit.operation, tuple(self.baseline))
        if not watched:
            reason = f"{context.edit.finding} implies every class that has a baseline"
            return replace(unavailable(self.name, reason, self.threshold), code="nothing_to_compare")
        was, now = probabilities(self.teacher, before, after, context)
        excess = {name: now[name] - max(self.baseline[name], was[name]) for name in watched}
        worst = max(excess, key=lambda name: excess[name])
        reason = (
            f"{self.teacher.name}: {worst!r} is {now[worst]:.2f}, {was[worst]:.2f} before the edit and up to "
            f"{self.baseline[worst]:.2f} on real films"
        )
        return judged(self.name, excess[worst], self.threshold, at_most=True, reason=reason)


def real_baseline(answers: Iterable[Mapping[str, float]], *, share: float = SHARE) -> dict[str, float]:
    """The level by output that a share of real films stays at or below: an answer that was given, not interpolated.

    Args:
        answers: of a teacher about real films without the classes in question.
        share: of the films, in (0, 1].

    Raises:
        ValueError: no answers, or a share out of range.

    Example:
        >>> real_baseline([{"COVID-19": p / 10} for p in range(11)], share=0.9)
        {'COVID-19': 0.9}
    """
    given = list(answers)
    if not given or not 0 < share <= 1:
        raise ValueError(f"a baseline needs films and a share in (0, 1], got {len(given)} films and {share}")
    return {name: float(np.quantile([answer[name] for answer in given], share, method="higher")) for name in given[0]}
