"""What independent models answered about the film before and after an edit, asked once for all checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import torch

from monai_cars.gates.contract import Context
from monai_cars.teachers import Localiser, Teacher, TeacherError
from monai_cars.teachers.contract import OfNetwork, probability

Answer = TypeVar("Answer")
Pair = tuple[dict[str, float], dict[str, float]]
DRAWN = 0.5  # probability from which on a pixel of a localiser's map belongs to its mask


def probabilities(teacher: Teacher, before: torch.Tensor, after: torch.Tensor, context: Context) -> Pair:
    """Probabilities by output, before and after.

    Raises:
        TeacherError: an answer that lacks an output or is no probability; not-a-number would pass unseen.
    """
    was, now = (
        _once(teacher, "p", when, partial(_named, teacher, film, when, context), context)
        for when, film in (("before", before), ("after", after))
    )
    return was, now


def opacity_maps(
    localiser: Localiser, before: torch.Tensor, after: torch.Tensor, context: Context, step: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Float32 maps before and after, on the CPU: every so many pixels of (H, W).

    Raises:
        TeacherError: a map that does not fit the film.
    """
    was, now = (_sampled(localiser, film, when, context, step) for when, film in (("before", before), ("after", after)))
    return was, now


def _sampled(localiser: Localiser, film: torch.Tensor, when: str, context: Context, step: int) -> torch.Tensor:
    if not isinstance(localiser, OfNetwork):
        return _once(localiser, "map", when, lambda: _map(localiser, film, context), context)[::step, ::step]

    def read() -> torch.Tensor:
        found: torch.Tensor = localiser.read(_output(localiser, film, when, context), context.anatomy, step)
        return found

    return _once(localiser, f"map at {step}", when, read, context)


def _output(model: OfNetwork, film: torch.Tensor, when: str, context: Context) -> Any:
    """What the network said, asked once for all models made of it."""
    return _once(model.network, "output", when, lambda: model.answered(film, context.anatomy), context)


def keep_answer(model: OfNetwork, output: Any, when: str, context: Context) -> None:
    """Leave in the context what a model's network said of the film "before" or "after": it is not asked again."""
    _once(model.network, "output", when, lambda: output, context)


def _once(model: object, kind: str, when: str, ask: Callable[[], Answer], context: Context) -> Answer:
    """By the model itself, since two may share a name; it is kept beside its answer, so that its id stays its own."""
    return context.once((id(model), kind, when), lambda: (model, ask()))[1]


def _named(teacher: Teacher, film: torch.Tensor, when: str, context: Context) -> dict[str, float]:
    if isinstance(teacher, OfNetwork):
        answer = teacher.read(_output(teacher, film, when, context), context.anatomy)
    else:
        answer = teacher(film, context.anatomy)
    missing = [name for name in teacher.outputs if name not in answer]
    if missing:
        raise TeacherError(f"the teacher {teacher.name!r} did not answer {', '.join(missing)}; leave it out of outputs")
    return {name: probability(teacher.name, name, float(answer[name])) for name in teacher.outputs}


def _map(localiser: Localiser, film: torch.Tensor, context: Context) -> torch.Tensor:
    with torch.no_grad():
        found = localiser(film, context.anatomy).detach().float().cpu()
    if found.shape != film.shape[1:]:
        raise TeacherError(
            f"the map of {localiser.name!r} must have the film's shape {tuple(film.shape[1:])}, got "
            f"{tuple(found.shape)}; resize it to the film's own grid"
        )
    return found
