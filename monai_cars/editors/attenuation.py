"""The procedural editor: findings drawn in attenuation at native resolution, no weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch

from monai_cars.edit import Box, CannotEdit, Edit, Proposal
from monai_cars.editors.canvas import Canvas, make_canvas
from monai_cars.editors.consolidation import insert_consolidation
from monai_cars.editors.contract import Film
from monai_cars.editors.deletion import delete_opacity
from monai_cars.editors.effusion import insert_effusion
from monai_cars.editors.nodule import insert_nodule
from monai_cars.editors.sham import sham_redraw
from monai_cars.editors.site import sides_of

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
        header = film.header
        canvas = make_canvas(
            film.image, anatomy, film.unit, spacing=film.spacing, position=header.position, integer=header.integer
        )
        draw = _drawing(edit)
        if edit.operation == "delete":
            return draw(canvas, edit, generator)
        return _in_one_lung(canvas, edit, generator, draw)


def _in_one_lung(canvas: Canvas, edit: Edit, generator: torch.Generator, draw: Draw) -> Proposal:
    """Draw into the asked side, or into one of both in random order: the other one when the first has no room."""
    sides = sides_of(canvas, edit, generator)
    for side in sides:
        part, y0, x0 = canvas.around(side)
        try:
            proposal = draw(part, replace(edit, side=side), generator)
        except CannotEdit:
            if side == sides[-1]:
                raise
            continue
        box = Box(proposal.box.y0 + y0, proposal.box.x0 + x0, proposal.box.y1 + y0, proposal.box.x1 + x0)
        return replace(proposal, box=box)
    raise CannotEdit(f"no lung field to put the {edit.finding} into")


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
