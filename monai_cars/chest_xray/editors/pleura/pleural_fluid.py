"""Insert the two signs by which pleural fluid is first seen: a clear meniscus, and a blunted costophrenic angle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smooth_noise, smoothstep, uniform
from monai_cars.chest_xray.editors.pleura.effusion import NOTES, meniscus
from monai_cars.chest_xray.editors.pleura.fluid import Depth, distance_to_wall, fill_with_fluid
from monai_cars.edits.edit import CannotEdit, Edit, Proposal
from monai_cars.findings.registry import finding_of

MENISCUS_CLIMB_MM = (45.0, 70.0)  # higher than the effusion's: the sign is the climb
CONCAVE_MM = (10.0, 18.0)  # climb of the rounded angle's border, over CONCAVE_WIDTH_MM from the wall
CONCAVE_WIDTH_MM = 14.0
ANGLE_MM, FALL = 28.0, 0.6  # from the wall; farther in the border sinks by FALL, below the dome, which stays as it is
SOFT_MM = 10.0  # height of the border over which the little fluid thins out


def insert_meniscus(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose an effusion with a clear meniscus.

    Raises:
        CannotEdit: the film is supine, or the field is not aerated enough.
    """
    if canvas.position == "supine":
        raise CannotEdit("a meniscus needs an erect film, this one is supine; ask for an effusion")
    asked = edit.amount
    side = str(edit.side)
    finding = finding_of(edit.finding).words.singular
    depth = meniscus(canvas, side, generator, climb_mm=MENISCUS_CLIMB_MM)
    return fill_with_fluid(canvas, side, depth, asked, finding=finding, note=NOTES.get(canvas.position, ""))


def insert_blunting(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose fluid that rounds the costophrenic angle and leaves the dome of the diaphragm to be seen.

    Raises:
        CannotEdit: the film is supine, or the angle is not aerated.
    """
    if canvas.position == "supine":
        raise CannotEdit("a blunted costophrenic angle needs an erect film, this one is supine; ask for an effusion")
    asked = edit.amount
    side = str(edit.side)
    finding = finding_of(edit.finding).words.singular
    depth = _angle(canvas, side, generator)
    note = NOTES.get(canvas.position, "")
    proposal = fill_with_fluid(canvas, side, depth, asked, finding=finding, note=note)
    return replace(proposal, note=note.replace("meniscus", "form"))


def _angle(canvas: Canvas, side: str, generator: torch.Generator) -> Depth:
    """Depth of a little fluid for a level: its border is concave upward, and it ends where the dome rises."""
    field = canvas.lung(side)
    y, x = np.mgrid[: field.shape[0], : field.shape[1]].astype(np.float32)
    mm = canvas.feature
    to_wall = distance_to_wall(field, x, canvas.wall_is_left(side)) / mm
    climb = uniform(*CONCAVE_MM, generator) * np.exp(-to_wall / CONCAVE_WIDTH_MM)
    climb -= FALL * np.clip(to_wall - ANGLE_MM, 0.0, None)
    surface = -mm * (climb + 0.8 * smooth_noise((1, field.shape[1]), 15 * mm, generator))

    def depth(level: float) -> np.ndarray:
        return smoothstep((y - (level + surface)) / (SOFT_MM * mm)) ** 0.7

    return depth
