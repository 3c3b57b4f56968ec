"""The procedural editor: findings drawn in attenuation at native resolution, no weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from monai_cars.edit import CannotEdit, Edit, Proposal
from monai_cars.editors.canvas import Canvas, make_canvas
from monai_cars.editors.consolidation import insert_consolidation
from monai_cars.editors.contract import Film
from monai_cars.editors.deletion import delete_opacity
from monai_cars.editors.effusion import insert_effusion
from monai_cars.editors.nodule import insert_nodule
from monai_cars.editors.sham import sham_redraw

Draw = Callable[[Canvas, Edit, torch.Generator], Proposal]

INSERTIONS: dict[str, Draw] = {
    "nodule": insert_nodule,
    "mass": insert_nodule,
    "consolidation": insert_consolidation,
    "effusion": insert_effusion,
}
DELETABLE = ("nodule", "mass", "consolidation")


@dataclass(frozen=True)
class AttenuationEditor:
    """Inserts nodule, mass, consolidation and effusion; deletes a given opacity; redraws healthy lung as a sham.

    Example:
        >>> AttenuationEditor().name
        'attenuation'
    """

    name: str = field(default="attenuation", init=False)
    weights: str | None = field(default=None, init=False)

    def propose(self, film: Film, anatomy: torch.Tensor, edit: Edit, generator: torch.Generator) -> Proposal:
        """See :class:`monai_cars.editors.Editor`."""
        canvas = make_canvas(film.image, anatomy, film.unit, spacing=film.spacing, position=film.header.position)
        return _drawing(edit)(canvas, edit, generator)


def _drawing(edit: Edit) -> Draw:
    if edit.operation == "sham":
        return sham_redraw
    if edit.operation == "delete":
        if edit.finding not in DELETABLE:
            raise CannotEdit(
                f"the attenuation editor deletes {', '.join(DELETABLE)}; {edit.finding} hides lung that it cannot show"
            )
        return delete_opacity
    return INSERTIONS[edit.finding]
