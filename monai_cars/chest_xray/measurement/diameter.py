"""Diameter of a round opacity."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from monai_cars.edits.change import Change
from monai_cars.findings.severity import Quantity

EDGE = 0.25  # share of the peak change at which a round finding ends


def diameter(change: Change) -> Quantity | None:
    """Diameter (mm) of the disc with the area that changed by more than a quarter of the peak; None without a scale."""
    if change.spacing is None:
        return None
    gain = _crop(change.gain)
    # The peak is taken after a light blur: a deletion restores texture, whose grain is no part of the opacity.
    smooth = ndi.uniform_filter(gain, max(1, round(1.5 / change.spacing[0])))
    peak = float(smooth.max(initial=0.0))
    if peak <= 0:
        return Quantity(0.0, "mm")
    labels, count = ndi.label(smooth > EDGE * peak)
    area = np.bincount(labels.ravel())[1:].max() if count else 0
    return Quantity(float(2 * np.sqrt(area * change.spacing[0] * change.spacing[1] / np.pi)), "mm")


def _crop(gain: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(gain.any(1)), np.flatnonzero(gain.any(0))
    if not len(rows):
        return np.zeros((1, 1), gain.dtype)
    return gain[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
