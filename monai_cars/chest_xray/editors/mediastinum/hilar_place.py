"""Where the hila and the borders of the mediastinum lie on a film."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.edits.edit import CannotEdit

# Usual place of a hilum in its field: share of the height from the apex (the left one lies 1-2 cm higher), and of the
# row from the spine, with their spreads; where the vessels are thickest near there is the hilum of this film.
HEIGHT = {"right": 0.50, "left": 0.45}
HEIGHT_SPREAD = 0.06
FROM_SPINE, FROM_SPINE_SPREAD = 0.29, 0.09
VESSEL_MM, CROWD_MM = 6.0, 8.0  # vessels are finer than the one; a hilum is a crowd of them over the other
DENSE_MM = 8.0  # from the field's medial border: always mediastinum
BORDER_SMOOTH_MM = 5.0


def hilum_centre(canvas: Canvas, side: str) -> tuple[float, float]:
    """Centre (row, column) of a hilum in working pixels: where vessels crowd about its usual place.

    Raises:
        CannotEdit: no lung field on that side.
    """
    field = _field(canvas, side)
    rows, columns = np.flatnonzero(field.any(1)), np.flatnonzero(field.any(0))
    height = (np.arange(len(field)) - rows[0]) / max(np.ptp(rows), 1)
    usual = np.exp(-(((height - HEIGHT[side]) / HEIGHT_SPREAD) ** 2) / 2)[:, None]
    usual = usual * np.exp(-(((from_spine(canvas, side) - FROM_SPINE) / FROM_SPINE_SPREAD) ** 2) / 2) * field
    y0, x0 = int(rows[0] + 0.2 * np.ptp(rows)), int(columns[0])
    near = slice(y0, int(rows[0] + 0.8 * np.ptp(rows)) + 1), slice(x0, int(columns[-1]) + 1)
    vessels = np.clip(canvas.u[near] - canvas.blur(canvas.u[near], VESSEL_MM), 0.0, 0.5)
    crowd = (canvas.blur(vessels, CROWD_MM) + 1e-6) * usual[near]
    row, column = np.unravel_index(int(crowd.argmax()), crowd.shape)
    return float(row + y0), float(column + x0)


def from_spine(canvas: Canvas, side: str) -> np.ndarray:
    """(h, w) place of each pixel in its row of a field, 0 at the medial border to 1 at the lateral one; 0 outside."""
    field = canvas.lung(side)
    share = np.cumsum(field, axis=1) / np.maximum(field.sum(1, keepdims=True), 1)
    return np.where(field, 1.0 - share if canvas.wall_is_left(side) else share, 0.0)


def mediastinal_border(canvas: Canvas, side: str, height: float) -> tuple[float, float]:
    """Point (row, column) in working pixels where the mediastinum ends against the lung.

    Args:
        canvas: the film.
        side: the patient's side.
        height: share of the field's height below its apex.

    Raises:
        CannotEdit: no lung field on that side, or no border against aerated lung there.
    """
    field = _field(canvas, side)
    rows = np.flatnonzero(field.any(1))
    middle = int(rows[0] + height * np.ptp(rows))
    reach = max(1, int(BORDER_SMOOTH_MM * canvas.feature))
    found = [_border_in_row(canvas, side, row) for row in range(max(middle - reach, 0), middle + reach + 1)]
    columns = [column for column in found if column is not None]
    if not columns:
        raise CannotEdit(f"the {side} border of the mediastinum is not seen against aerated lung")
    return float(middle), float(np.median(columns))


def _border_in_row(canvas: Canvas, side: str, row: int) -> int | None:
    """First column, from the spine, that is nearer to the lung's density than to the mediastinum's."""
    inside = np.flatnonzero(canvas.lung(side)[min(row, len(canvas.u) - 1)])
    if len(inside) < 3:
        return None
    columns = inside[::-1] if canvas.wall_is_left(side) else inside
    density = ndi.gaussian_filter1d(canvas.u[row], 2.0 * canvas.feature)[columns]
    dense = max(1, int(DENSE_MM * canvas.feature))
    limit = 0.5 * (min(float(density[: 2 * dense].max()), 1.0) + float(np.percentile(density, 15)))
    aerated = np.flatnonzero((density < limit) & (np.arange(len(density)) >= dense))
    return int(columns[aerated[0]]) if len(aerated) else None


def _field(canvas: Canvas, side: str) -> np.ndarray:
    field = canvas.lung(side)
    if not field.any():
        raise CannotEdit(f"no {side} lung field was found on this film")
    return field
