"""Change of the contour of a hemidiaphragm."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import STRUCTURES
from monai_cars.chest_xray.measurement.covered import Films, covered, density_beside
from monai_cars.edits.change import Change
from monai_cars.findings.severity import Quantity

UNDER_MM = 15.0  # of the abdomen below the contour, whose density is the diaphragm's
WIDE_MM = 3.0  # width over which a height is read


def contour_height(change: Change) -> Quantity | None:
    """Greatest height (mm) of lung above a hemidiaphragm that has become as dense as what lies below it.

    None without a scale.
    """
    films = Films(change)
    if films.spacing is None:
        return None
    heights = [_height(films, films.masks[k] & ~films.masks[STRUCTURES.index("heart")]) for k in (0, 1)]
    return Quantity(max(heights) * films.spacing, "mm")


def _height(films: Films, free: np.ndarray) -> float:
    """Pixels of the highest new column of density on one side; ``free`` is the lung field outside the heart."""
    under = int(UNDER_MM * films.mm)
    below = _shifted(free, under) & ~films.masks.any(0)
    if not below.any() or not (films.with_finding > films.without)[free].any():
        return 0.0
    dense = density_beside(films.without, below, UNDER_MM * films.mm)
    won = covered(films, dense, free, below)
    height = ndi.uniform_filter1d((won & free).sum(0).astype(float), max(1, int(WIDE_MM * films.mm)))
    return float(height.max(initial=0.0))


def _shifted(field: np.ndarray, rows: int) -> np.ndarray:
    """(h, w) bool the band of some rows below a field."""
    last = np.where(field.any(0), field.shape[0] - 1 - field[::-1].argmax(0), -field.shape[0])
    y = np.arange(field.shape[0])[:, None]
    return (y > last) & (y <= last + rows)
