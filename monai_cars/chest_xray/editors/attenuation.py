"""The procedural editor: findings drawn in attenuation at native resolution, no weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

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
from monai_cars.weights import load_record

Draw = Callable[[Canvas, Edit, torch.Generator], Proposal]

# Drawn into one lung: the asked one, or either of both; the canvas is the part of the film around it.
IN_ONE_LUNG: dict[str, Draw] = {
    "nodule": insert_nodule,
    "mass": insert_nodule,
    "irregular hilum": insert_irregular_hilum,
    "irregular parenchyma": insert_reticulation,
    "pneumonitis": insert_pneumonitis,
    "consolidation": insert_consolidation,
    "opacities": insert_opacities,
    "effusion": insert_effusion,
    "fluid": insert_effusion,
    "meniscus sign": insert_meniscus,
    "costophrenic blunting": insert_blunting,
    "absent lung markings": insert_absent_markings,
    "pleural air": insert_pleural_air,
    "lung collapse": insert_collapse,
    "irregular diaphragm": insert_irregular_diaphragm,
    "atelectasis": insert_atelectasis,
    "fracture": insert_fracture,
}
# Drawn on the whole film.
ON_THE_FILM: dict[str, Draw] = {
    "adenopathy": insert_adenopathy,
    "infection": insert_infection,
    "edema": insert_edema,
    "enlarged heart": insert_enlarged_heart,
    "enlarged cardiomediastinum": insert_wide_mediastinum,
    "support devices": insert_devices,
}
DELETIONS: dict[str, Draw] = {
    "nodule": delete_opacity,
    "mass": delete_opacity,
    "irregular hilum": delete_opacity,
    "adenopathy": delete_opacity,
    "consolidation": delete_opacity,
    "irregular parenchyma": delete_haze,
    "pneumonitis": delete_haze,
    "infection": delete_haze,
    "opacities": delete_haze,
    "edema": delete_haze,
    "atelectasis": delete_haze,
    "effusion": delete_fluid,
    "fluid": delete_fluid,
    "meniscus sign": delete_fluid,
    "costophrenic blunting": delete_fluid,
    "absent lung markings": delete_pleural_air,
    "pleural air": delete_pleural_air,
    "lung collapse": delete_pleural_air,
    "enlarged heart": delete_enlarged_heart,
    "enlarged cardiomediastinum": delete_wide_mediastinum,
    "irregular diaphragm": delete_irregular_diaphragm,
    "support devices": delete_devices,
}


COMPARED: tuple[Draw, ...] = (delete_opacity, delete_haze, delete_fluid)  # with what healthy lungs look like


@dataclass(frozen=True)
class AttenuationEditor:
    """Inserts every finding of SEVERITY; deletes what DELETIONS names; redraws healthy lung as a sham.

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
        """Only deletions of opacities compare with healthy lungs; everything else opens no weights."""
        compares = edit.operation == "delete" and DELETIONS.get(edit.finding) in COMPARED
        return self.weights if compares else None

    def propose(self, film: Film, anatomy: torch.Tensor, edit: Edit, generator: torch.Generator) -> Proposal:
        """See :class:`monai_cars.editors.Editor`."""
        canvas = canvas_of(replace(film, anatomy=anatomy))
        if edit.operation == "delete":
            return _deletion(edit.finding)(canvas, edit, generator)
        if edit.operation == "sham":
            return _in_one_lung(canvas, edit, generator, sham_redraw)
        edit = edit.with_severity(generator)  # the loop has drawn one already
        if edit.finding in ON_THE_FILM:
            return ON_THE_FILM[edit.finding](canvas, edit, generator)
        return _in_one_lung(canvas, edit, generator, IN_ONE_LUNG[edit.finding])


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
    if finding not in DELETIONS:
        raise CannotEdit(f"{finding} cannot be deleted: nothing on the film says what lay under it")
    return DELETIONS[finding]
