"""How far a diffuse opacity may reach: all of its mask or box, and less and less beyond."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smoothstep
from monai_cars.chest_xray.editors.canvas.outline import outline_of
from monai_cars.edits.edit import Region

GROW = 0.15  # of a box's sides: annotators box what they agree on, the opacity's tails lie beyond
NEAREST_MM, FARTHEST_MM = 6.0, 14.0  # bounds of that growth, and the reach beyond a mask
BORDER_MM = 20.0  # a box that ends this near to the lung's border is taken to reach it
MOST_BEYOND = 0.25  # share of the gap's pixels that may be something else than lung


def extent_of(canvas: Canvas, region: Region, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(h, w) bool the region itself, and (h, w) in [0, 1]: 1 within it, falling to 0 beyond it.

    Args:
        canvas: the film.
        region: box, mask or point in native pixels.
        free: (h, w) bool lung outside the heart.
    """
    if region.box is None:
        outline = outline_of(canvas, region)
        reach = FARTHEST_MM * canvas.feature
        return outline, smoothstep(1.0 - (ndi.distance_transform_edt(~outline) - 1.0) / reach)
    y0, x0, y1, x1 = (c / canvas.factor for c in region.box)
    top, left, bottom, right = _to_border(canvas, free, y0, x0, y1, x1)
    rows = np.arange(canvas.u.shape[0]) + 0.5
    columns = np.arange(canvas.u.shape[1]) + 0.5
    nearest, farthest = NEAREST_MM * canvas.feature, FARTHEST_MM * canvas.feature
    fall_y, fall_x = (float(np.clip(GROW * size, nearest, farthest)) for size in (y1 - y0, x1 - x0))
    down = smoothstep(np.asarray(np.minimum(rows - top, bottom - rows) / fall_y + 1.0))
    across = smoothstep(np.asarray(np.minimum(columns - left, right - columns) / fall_x + 1.0))
    return outline_of(canvas, region, snap=False), down[:, None] * across[None]


def _to_border(canvas: Canvas, free: np.ndarray, y0: float, x0: float, y1: float, x1: float) -> tuple[float, ...]:
    """The box's edges; lateral and lower ones that a narrow strip parts from the lung's border are moved beyond it.

    The medial edge stays: what lies there may be the hilum.
    """
    rows, columns = slice(max(int(y0), 0), max(int(y1), 1)), slice(max(int(x0), 0), max(int(x1), 1))
    gap = BORDER_MM * canvas.feature
    middle = np.flatnonzero(canvas.anatomy[:2].any((0, 1))).mean()
    if _narrow(free[rows.stop :, columns].T, gap):
        y1 += gap
    if (x0 + x1) / 2 < middle and _narrow(free[rows, : columns.start][:, ::-1], gap):
        x0 -= gap
    elif (x0 + x1) / 2 >= middle and _narrow(free[rows, columns.stop :], gap):
        x1 += gap
    return y0, x0, y1, x1


def _narrow(strip: np.ndarray, gap: float) -> bool:
    """Whether the lung that follows the box's edge ends within the gap along most of the edge."""
    follows = strip.shape[1] > 0 and strip[:, 0].any()
    if not follows:
        return False
    lines = strip[strip[:, 0]]
    length = np.where(lines.all(1), lines.shape[1], lines.argmin(1))
    return float(np.mean(length > gap)) < MOST_BEYOND
