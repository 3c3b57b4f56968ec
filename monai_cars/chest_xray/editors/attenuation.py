"""The procedural editor: findings drawn in attenuation at native resolution, no weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, canvas_of
from monai_cars.chest_xray.editors.canvas.site import sides_of
from monai_cars.chest_xray.editors.devices.device_deletion import delete_devices
from monai_cars.chest_xray.editors.devices.device_insertion import insert_devices
from monai_cars.chest_xray.editors.lung.atelectasis import insert_atelectasis
from monai_cars.chest_xray.editors.lung.consolidation import insert_consolidation
from monai_cars.chest_xray.editors.lung.deletion import delete_opacity
from monai_cars.chest_xray.editors.lung.edema import insert_edema
from monai_cars.chest_xray.editors.lung.haze import insert_infection, insert_opacities, insert_pneumonitis
from monai_cars.chest_xray.editors.lung.haze_deletion import delete_fluid, delete_haze
from monai_cars.chest_xray.editors.lung.nodule import insert_nodule
from monai_cars.chest_xray.editors.lung.reticulation import insert_reticulation
from monai_cars.chest_xray.editors.lung.reticulation_deletion import delete_reticulation
from monai_cars.chest_xray.editors.lung.sham import sham_redraw
from monai_cars.chest_xray.editors.mediastinum.heart import insert_enlarged_heart
from monai_cars.chest_xray.editors.mediastinum.heart_deletion import delete_enlarged_heart
from monai_cars.chest_xray.editors.mediastinum.hilum import insert_adenopathy, insert_irregular_hilum
from monai_cars.chest_xray.editors.mediastinum.mediastinum import delete_wide_mediastinum, insert_wide_mediastinum
from monai_cars.chest_xray.editors.pleura.effusion import insert_effusion
from monai_cars.chest_xray.editors.pleura.pleural_fluid import insert_blunting, insert_meniscus
from monai_cars.chest_xray.editors.pleura.pneumothorax import (
    delete_pleural_air,
    insert_absent_markings,
    insert_collapse,
    insert_pleural_air,
)
from monai_cars.chest_xray.editors.wall.diaphragm import delete_irregular_diaphragm, insert_irregular_diaphragm
from monai_cars.chest_xray.editors.wall.fracture import insert_fracture
from monai_cars.edits.edit import Box, CannotEdit, Edit, Proposal
from monai_cars.edits.film import Film
from monai_cars.findings.registry import finding_of
from monai_cars.weights import load_record

Draw = Callable[[Canvas, Edit, torch.Generator], Proposal]


class Drawing(NamedTuple):
    """How a finding is drawn, and how it is taken away.

    Attributes:
        insert: proposes it; on the part of the film around one lung where the finding lies on one side
            (`monai_cars.findings`), else on the whole film.
        delete: proposes to take it away, on the whole film; None where nothing shows what lay under it.
    """

    insert: Draw
    delete: Draw | None


DRAWINGS: dict[str, Drawing] = {
    "nodule": Drawing(insert_nodule, delete_opacity),
    "mass": Drawing(insert_nodule, delete_opacity),
    "irregular hilum": Drawing(insert_irregular_hilum, delete_opacity),
    "adenopathy": Drawing(insert_adenopathy, delete_opacity),
    "irregular parenchyma": Drawing(insert_reticulation, delete_reticulation),
    "pneumonitis": Drawing(insert_pneumonitis, delete_haze),
    "consolidation": Drawing(insert_consolidation, delete_opacity),
    "infection": Drawing(insert_infection, delete_haze),
    "opacities": Drawing(insert_opacities, delete_haze),
    "effusion": Drawing(insert_effusion, delete_fluid),
    "fluid": Drawing(insert_effusion, delete_fluid),
    "meniscus sign": Drawing(insert_meniscus, delete_fluid),
    "costophrenic blunting": Drawing(insert_blunting, delete_fluid),
    "enlarged heart": Drawing(insert_enlarged_heart, delete_enlarged_heart),
    "absent lung markings": Drawing(insert_absent_markings, delete_pleural_air),
    "pleural air": Drawing(insert_pleural_air, delete_pleural_air),
    "irregular diaphragm": Drawing(insert_irregular_diaphragm, delete_irregular_diaphragm),
    "lung collapse": Drawing(insert_collapse, delete_pleural_air),
    "edema": Drawing(insert_edema, delete_haze),
    "atelectasis": Drawing(insert_atelectasis, delete_haze),
    "enlarged cardiomediastinum": Drawing(insert_wide_mediastinum, delete_wide_mediastinum),
    "fracture": Drawing(insert_fracture, None),
    "support devices": Drawing(insert_devices, delete_devices),
}


COMPARED: tuple[Draw | None, ...] = (delete_opacity, delete_haze, delete_fluid)  # with what healthy lungs look like


@dataclass(frozen=True)
class AttenuationEditor:
    """Inserts every finding of DRAWINGS; deletes those that it has a deletion of; redraws healthy lung as a sham.

    Example:
        >>> AttenuationEditor().name
        'attenuation'
    """

    name: str = field(default="attenuation", init=False)

    @property
    def weights(self) -> str:
        """What healthy lungs look like, which deletions compare with."""
        record = load_record("healthy_lung")
        return f"{record.name} sha256:{record.sha256}"

    def weights_for(self, edit: Edit) -> str | None:
        """What an edit may open: a deletion compares with healthy lungs, unless a round opacity has lung around it."""
        if edit.operation != "delete" or DRAWINGS[edit.finding].delete not in COMPARED:
            return None
        round_in_lung = edit.scale.unit == "mm" and finding_of(edit.finding).place.within == "lung"
        return None if round_in_lung else self.weights

    def propose(self, film: Film, anatomy: torch.Tensor, edit: Edit, generator: torch.Generator) -> Proposal:
        """See :class:`monai_cars.editors.Editor`."""
        canvas = canvas_of(replace(film, anatomy=anatomy))
        proposal = _drawn(canvas, edit.with_severity(generator), generator)  # the loop has drawn a severity already
        return replace(proposal, weights=(self.weights,) if canvas.opened else ())


def _drawn(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    if edit.operation == "delete":
        return _deletion(edit.finding)(canvas, edit, generator)
    if edit.operation == "sham":
        return _in_one_lung(canvas, edit, generator, sham_redraw)
    draw = DRAWINGS[edit.finding].insert
    if finding_of(edit.finding).place.sides == "one":
        return _in_one_lung(canvas, edit, generator, draw)
    return draw(canvas, edit, generator)


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


def _deletion(finding: str) -> Draw:
    delete = DRAWINGS[finding].delete
    if delete is None:
        raise CannotEdit(f"{finding} cannot be deleted: nothing on the film says what lay under it")
    return delete
