"""Pleural air on a supine film: it collects in front and at the base, deepens the sulcus, and shows no line."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smooth_noise, smoothstep, uniform
from monai_cars.chest_xray.editors.pleura.collapsed_lung import SMALLEST_FIELD
from monai_cars.edits.edit import CannotEdit

TOP_MM = 45.0  # over which the lucency fades out upward: the air thins out in front of the lung
LEAST_LUCENT = 0.035  # contrast units from which a reader sees a place as lucent; the measurement uses the same
SULCUS_MM = (7.0, 20.0)  # by how much the costophrenic angle deepens, small to large collections
SULCUS_WIDTH_MM = 32.0  # beside the wall within which it deepens
WALL_FIT_MM = 35.0  # of the chest wall above the angle, continued downward
TILT = 0.35  # how much lower the upper border of the air lies medially than laterally, rows a column


def basal_air(canvas: Canvas, side: str, share: float, lucency: float, generator: torch.Generator) -> np.ndarray:
    """(h, w) in [0, 1] how much of the lucency of air a place shows, over ``share`` of the free field.

    Raises:
        CannotEdit: the field cannot give that share to the air.
    """
    field = canvas.lung(side)
    free = field & ~canvas.heart
    if free.sum() < SMALLEST_FIELD:
        raise CannotEdit(f"the {side} lung field is too small for pleural air: {free.sum()} working pixels")
    y, x = np.mgrid[: field.shape[0], : field.shape[1]].astype(np.float32)
    mm = canvas.feature
    tilt = TILT * (x if canvas.wall_is_left(side) else field.shape[1] - x)
    height = (y - tilt + 6 * mm * smooth_noise(field.shape, 30 * mm, generator)) / (TOP_MM * mm)
    rows = np.sort(height[free])
    low, high = rows[0] - 2.0, rows[-1]
    for _ in range(14):
        level = (low + high) / 2
        enough = (lucency * smoothstep(height[free] - level) > LEAST_LUCENT).mean() >= share
        low, high = (level, high) if enough else (low, level)
    if (lucency * smoothstep(height[free] - low) > LEAST_LUCENT).mean() < 0.9 * share:
        raise CannotEdit(f"the {side} lung field has no room for pleural air over {share:.0%} of it")
    return smoothstep(height - low)


def deep_sulcus(canvas: Canvas, side: str, share: float, generator: torch.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How the costophrenic angle deepens: (h, w) in [0, 1] where, and (h, w) contrast units of change there.

    The field's own angle is drawn out downward along the chest wall, farthest at the wall, and keeps its shape.
    """
    field = canvas.lung(side)
    (slope, start), tip = _wall(canvas, side, field)
    mm = canvas.feature
    depth = mm * (SULCUS_MM[0] + (SULCUS_MM[1] - SULCUS_MM[0]) * min(share / 0.5, 1.0)) * uniform(0.8, 1.2, generator)
    y, x = np.mgrid[: field.shape[0], : field.shape[1]].astype(np.float32)
    inward = (x - (slope * y + start)) * (1.0 if canvas.wall_is_left(side) else -1.0)
    down = depth * smoothstep(1.0 - inward / (SULCUS_WIDTH_MM * mm)) * (y > tip - SULCUS_WIDTH_MM * mm - depth)
    drawn_out = ndi.map_coordinates(field.astype(np.float32), [y - down, x - slope * down], order=1, mode="constant")
    # Only what the angle gains: its old outline is left alone.
    weight = ndi.gaussian_filter(np.maximum(drawn_out, field), 0.8 * mm) - ndi.gaussian_filter(field * 1.0, 0.8 * mm)
    low = canvas.blur(canvas.u, 3.0)
    aerated = low[field & (y > tip - 25 * mm) & (inward < SULCUS_WIDTH_MM * mm)]
    target = float(np.percentile(aerated, 50)) if aerated.size > 20 else 0.3
    return weight * ~canvas.heart, np.minimum(target - low, 0.0)


def _wall(canvas: Canvas, side: str, field: np.ndarray) -> tuple[tuple[float, float], int]:
    """Line (slope, intercept) of the chest wall's column over the row above the costophrenic angle; the angle's row."""
    rows = np.flatnonzero(field.any(1))
    left = canvas.wall_is_left(side)
    edge = field[rows].argmax(1) if left else field.shape[1] - 1 - field[rows, ::-1].argmax(1)
    columns = np.flatnonzero(field.any(0))
    lateral = columns[0] if left else columns[-1]
    outer = np.abs(edge - lateral) < 25 * canvas.feature
    tip = int(rows[outer].max())
    near = outer & (rows > tip - WALL_FIT_MM * canvas.feature)
    slope = np.polyfit(rows[near], edge[near], 1)[0] if near.sum() > 3 else 0.0
    # The wall never turns inward below the angle by more than it did above.
    slope = float(np.clip(slope, -0.15, 0.15))
    return (slope, float(np.mean(edge[near] - slope * rows[near]))), tip
