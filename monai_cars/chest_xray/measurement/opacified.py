"""Opacified share of the lung fields."""

from __future__ import annotations

import numpy as np

from monai_cars.chest_xray.anatomy import STRUCTURES
from monai_cars.chest_xray.measurement.block_means import block_means
from monai_cars.chest_xray.scale import working_step
from monai_cars.edits.change import Change
from monai_cars.findings.severity import OPACIFIED, Quantity


def opacified_share(change: Change) -> Quantity:
    """Share of the lung field outside the heart that gained more than OPACIFIED contrast units; the larger side's."""
    return Quantity(max(_shares(change)), "fraction")


def opacified_share_of_both(change: Change) -> Quantity:
    """The same share of both lung fields, mean of the sides."""
    return Quantity(sum(_shares(change)) / 2, "fraction")


def _shares(change: Change) -> list[float]:
    gain = change.gain
    step = working_step(gain.shape)
    masks = change.anatomy[:, ::step, ::step].cpu().numpy().astype(bool)
    gained = _means(gain, max(3, 2 * step + 1), step) > OPACIFIED
    shares = []
    for side in ("right_lung", "left_lung"):
        free = masks[STRUCTURES.index(side)] & ~masks[STRUCTURES.index("heart")]
        shares.append(float((gained & free).sum() / max(free.sum(), 1)))
    return shares


def _means(gain: np.ndarray, size: int, step: int) -> np.ndarray:
    """Block means (h, w) of what a film gained, which is nothing beyond the edit's reach."""
    means = np.zeros((-(-gain.shape[0] // step), -(-gain.shape[1] // step)), gain.dtype)
    changed = gain != 0
    rows, columns = (_reach(np.flatnonzero(changed.any(axis)), size, step) for axis in (1, 0))
    window = means[rows.start // step : rows.stop // step, columns.start // step : columns.stop // step]
    window[:] = block_means(gain[rows, columns], size, step)[: window.shape[0], : window.shape[1]]
    return means


def _reach(changed: np.ndarray, size: int, step: int) -> slice:
    """Pixels from which what changed can be seen through a window, beginning and ending on the grid."""
    if not len(changed):
        return slice(0, 0)
    margin = size + step
    return slice(max(int(changed[0]) - margin, 0) // step * step, -(-(int(changed[-1]) + margin) // step) * step)
