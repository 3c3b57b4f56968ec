"""Insert a pleural effusion: a meniscus on an erect film, a veil on a supine one, a flat level under pleural air."""

from __future__ import annotations

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smooth_noise, smoothstep, uniform
from monai_cars.chest_xray.editors.pleura.fluid import Depth, distance_to_wall, fill_with_fluid
from monai_cars.chest_xray.editors.pleura.hydropneumothorax import (
    APART_NOTE,
    LEVEL_NOTE,
    air_before,
    flat_level,
    level_density,
)
from monai_cars.edits.edit import Edit, Proposal
from monai_cars.findings.registry import finding_of

NOTES = {"supine": "layered fluid (supine film)", None: "erect meniscus; the film does not say erect or supine"}
CLIMB_MM, CLIMB_WIDTH_MM = (35.0, 60.0), (16.0, 24.0)  # up the chest wall, and over how much it falls off inward
THINNING_MM = (22.0, 34.0)  # height of the border over which the wedge of fluid thins out medially


def insert_effusion(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose free pleural fluid that opacifies the asked share of a lung field.

    Raises:
        CannotEdit: the field is not aerated enough for the asked share.
    """
    asked = edit.amount
    side = str(edit.side)
    finding = finding_of(edit.finding).words.singular
    air = air_before(canvas, side)
    if air is not None and canvas.position == "erect":
        depth, density = flat_level(canvas), level_density(canvas, side)
        return fill_with_fluid(canvas, side, depth, asked, finding=finding, note=LEVEL_NOTE, density=density)
    notes = [NOTES.get(canvas.position, ""), APART_NOTE if air is not None else ""]
    depth = (_veil if canvas.position == "supine" else meniscus)(canvas, side, generator)
    return fill_with_fluid(canvas, side, depth, asked, finding=finding, note="; ".join(filter(None, notes)))


def meniscus(
    canvas: Canvas, side: str, generator: torch.Generator, *, climb_mm: tuple[float, float] = CLIMB_MM
) -> Depth:
    """Depth of fluid for a level: it climbs the chest wall, climbs a little along the mediastinum, and thins upward.

    Args:
        canvas: the film around one lung.
        side: the patient's side.
        generator: draws the form.
        climb_mm: lowest and highest climb along the chest wall.
    """
    field = canvas.lung(side)
    y, x = np.mgrid[: field.shape[0], : field.shape[1]].astype(np.float32)
    mm = canvas.feature
    to_wall = distance_to_wall(field, x, canvas.wall_is_left(side)) / mm
    width = np.clip(np.ptp(np.flatnonzero(field.any(0))) / mm, 60, 160)
    wall = uniform(*climb_mm, generator) * np.exp(-to_wall / uniform(*CLIMB_WIDTH_MM, generator))
    inner = uniform(6, 14, generator) * np.exp(-np.clip(width - to_wall, 0, None) / 15)
    wave = 2.0 * smooth_noise((1, field.shape[1]), 25 * mm, generator)
    # Beside the wall the X-ray grazes a thin standing sheet, medially it crosses a wedge: soft top, softer inside.
    thinning = mm * (12 + uniform(*THINNING_MM, generator) * (1 - np.exp(-to_wall / 25)))
    surface = -mm * (wall + inner + wave)

    def depth(level: float) -> np.ndarray:
        above = (y - (level + surface)) / thinning
        # Deeper fluid is thicker: it goes on whitening below the level where it already hides the lung.
        return smoothstep(above) ** 0.7 * (0.86 + 0.14 * np.clip(above / 3.0, 0.0, 1.0))

    return depth


def _veil(canvas: Canvas, side: str, generator: torch.Generator) -> Depth:
    """Depth of fluid that layers behind the lung of a supine patient: a haze that grows towards the base."""
    field = canvas.lung(side)
    rows = np.flatnonzero(field.any(1))
    y = np.mgrid[: field.shape[0], : field.shape[1]][0].astype(np.float32)
    height = max(rows[-1] - rows[0], 1)
    strength = uniform(0.45, 0.65, generator)

    def depth(level: float) -> np.ndarray:
        return strength * smoothstep((y - level) / (0.5 * height) + 0.25)

    return depth
