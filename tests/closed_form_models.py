"""Models whose answers are known in closed form, for checks that ask one."""

import math

import torch

from monai_cars.teachers import LEARNED_NOTHING, CallableTeacher, SegmenterLocaliser

OUTPUTS = ("No Finding", "Lung Opacity", "Pleural Effusion", "Cardiomegaly")


def logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def density_teacher(outputs=OUTPUTS, *, asked: list | None = None, **options) -> CallableTeacher:
    """Logistic of the mean density of a place in hundreds: of the right lung, the left lung, the heart.

    "No Finding" is the complement of the right lung. `asked` collects the films that it saw.
    """

    def answer(film: torch.Tensor, anatomy: torch.Tensor) -> dict[str, float]:
        if asked is not None:
            asked.append(film)
        right, left, heart = (logistic(float(film[0][mask > 0].mean()) / 100) for mask in anatomy[:3])
        return dict(zip(OUTPUTS, (1 - right, right, left, heart), strict=True))

    return CallableTeacher("density", answer, outputs, LEARNED_NOTHING, **options)


def fixed_teacher(before: dict, after: dict, **options) -> CallableTeacher:
    """Answers `before` on a film that is zero everywhere, else `after`."""
    answers = {True: before, False: after}
    return CallableTeacher("fixed", lambda film, _: answers[not film.any()], tuple(before), LEARNED_NOTHING, **options)


def bright_localiser(name: str = "bright") -> SegmenterLocaliser:
    """Sees the film's own values, in hundreds, cut to [0, 1]."""
    return SegmenterLocaliser(name, lambda film: (film[0] / 100).clamp(0, 1), LEARNED_NOTHING)
