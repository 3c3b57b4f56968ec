"""What independent models answered about the film before and after an edit, asked once for all checks."""

from __future__ import annotations

import torch

from monai_cars.gates.contract import Context
from monai_cars.teachers import Localiser, Teacher, TeacherError

Pair = tuple[dict[str, float], dict[str, float]]


def probabilities(teacher: Teacher, before: torch.Tensor, after: torch.Tensor, context: Context) -> Pair:
    """Probabilities by output, before and after."""
    was, now = (
        context.once((teacher.name, when), lambda film=film: dict(teacher(film, context.anatomy)))  # type: ignore[misc]
        for when, film in (("before", before), ("after", after))
    )
    return was, now


def opacity_maps(
    localiser: Localiser, before: torch.Tensor, after: torch.Tensor, context: Context
) -> tuple[torch.Tensor, torch.Tensor]:
    """(H, W) float32 maps before and after, on the CPU.

    Raises:
        TeacherError: a map that does not fit the film.
    """
    was, now = (
        context.once((localiser.name, "map", when), lambda film=film: _map(localiser, film, context))  # type: ignore[misc]
        for when, film in (("before", before), ("after", after))
    )
    return was, now


def _map(localiser: Localiser, film: torch.Tensor, context: Context) -> torch.Tensor:
    with torch.no_grad():
        found = localiser(film, context.anatomy).detach().float().cpu()
    if found.shape != film.shape[1:]:
        raise TeacherError(
            f"the map of {localiser.name!r} must have the film's shape {tuple(film.shape[1:])}, got "
            f"{tuple(found.shape)}; resize it to the film's own grid"
        )
    return found
