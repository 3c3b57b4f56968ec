"""Air and fluid in one pleural space: on an erect film the surface is a straight horizontal level."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smoothstep
from monai_cars.chest_xray.editors.canvas.fill import harmonic_fill
from monai_cars.chest_xray.editors.pleura.fluid import Depth, Fluid, fluid_at, soft_tissue
from monai_cars.edits.edit import CannotEdit
from monai_cars.findings.chest_xray import AIR, FLUID
from monai_cars.findings.registry import FINDINGS

LEAST = 40  # working pixels of a lesion within a field that make it a finding of that side
LEVEL_MM = 1.6  # width of the step from air to fluid
DEEPER_MM = 70.0  # over which the fluid whitens below its level
AROUND_MM = 5.0  # around the part that climbed the wall, where its blurred border still counts
LEVEL_NOTE = "hydropneumothorax: a horizontal air-fluid level"
APART_NOTE = "air and fluid keep their own forms: an air-fluid level needs a film known to be erect"


def air_before(canvas: Canvas, side: str) -> np.ndarray | None:
    """(h, w) bool pleural air that the side already carries, None where it carries none."""
    return _before(canvas, side, AIR)


def fluid_before(canvas: Canvas, side: str) -> np.ndarray | None:
    """(h, w) bool pleural fluid that the side already carries, None where it carries none."""
    return _before(canvas, side, FLUID)


def _before(canvas: Canvas, side: str, change: str) -> np.ndarray | None:
    found = np.zeros(canvas.u.shape, bool)
    for name, lesion in canvas.earlier.items():
        if name in FINDINGS and change in FINDINGS[name].changes:
            found |= lesion
    return found if (found & canvas.lung(side)).sum() >= LEAST else None


def flat_level(canvas: Canvas) -> Depth:
    """How far fluid with a straight horizontal surface hides what is behind it, for a level (row)."""

    def depth(level: float) -> np.ndarray:
        below = (_rows(canvas) - level) / canvas.feature
        return smoothstep(below / LEVEL_MM + 0.5)

    return depth


def level_density(canvas: Canvas, side: str) -> Depth:
    """Density of that fluid: at its surface no denser than the heart beside it, deeper as dense as the abdomen."""
    tissue = soft_tissue(canvas, canvas.lung(side))
    deep = float(np.median(tissue))
    heart = float(np.median(canvas.u[canvas.heart])) if canvas.heart.sum() > 100 else deep
    surface = float(np.clip(heart, 0.75 * deep, 0.92 * deep))

    def density(level: float) -> np.ndarray:
        below = (_rows(canvas) - level) / canvas.feature
        return surface + (tissue - surface) * np.clip(below / DEEPER_MM, 0.0, 1.0)

    return density


def _rows(canvas: Canvas) -> np.ndarray:
    return np.arange(canvas.u.shape[0], dtype=np.float32)[:, None] * np.ones((1, canvas.u.shape[1]), np.float32)


def level_of(canvas: Canvas, side: str, fluid: np.ndarray) -> float:
    """Row of the level that leaves as much of the free field under fluid as there was."""
    free = canvas.lung(side) & ~canvas.heart
    rows = np.cumsum(free.sum(1)[::-1])[::-1]
    return float(np.flatnonzero(rows >= (fluid & free).sum())[-1])


def level_out(canvas: Canvas, side: str, fluid: np.ndarray, level: float) -> Fluid:
    """Bring fluid that climbs the chest wall to a level: filled up below it, taken away above it.

    Returns:
        The change, with what lies under fluid afterwards as its lesion.
    """
    density = level_density(canvas, side)(level)
    filled = fluid_at(canvas, side, flat_level(canvas)(level), density=density, earlier=fluid)
    above = smoothstep((level - np.arange(len(fluid), dtype=np.float32)[:, None]) / (LEVEL_MM * canvas.feature) + 0.5)
    climbed = _climbed(canvas, side, fluid, level)
    residual = filled.residual - above * climbed
    return filled._replace(residual=residual, support=filled.support | (above * climbed > 0.004))


def _climbed(canvas: Canvas, side: str, fluid: np.ndarray, level: float) -> np.ndarray:
    """(h, w) contrast units of fluid above the level: what exceeds the lung around it."""
    mm, field = canvas.feature, canvas.lung(side)
    lower = np.arange(len(fluid))[:, None] >= level
    hole = (ndi.distance_transform_edt(~(fluid & ~lower)) <= AROUND_MM * mm) & (field | fluid) & ~lower
    if not (fluid & ~lower).any():
        return np.zeros_like(canvas.u)
    low = canvas.blur(canvas.u, 2.5)
    try:
        lung = harmonic_fill(low, hole, field & ~fluid & ~lower & ~canvas.heart)
    except CannotEdit:
        raise CannotEdit("too little lung above the fluid to level it out into a hydropneumothorax") from None
    added = np.clip(low - lung, 0.0, None) * ndi.gaussian_filter(hole.astype(np.float32), 1.5 * mm)
    return ndi.gaussian_filter(added, mm)
