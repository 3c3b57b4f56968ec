"""Measure what an edit changed, from the film before and after; the proposal is never seen."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.anatomy import STRUCTURES, ContrastUnit
from monai_cars.edit import OPACIFIED, SEVERITY, Quantity

EDGE = 0.25  # share of the peak change at which a round finding ends
WORKING_SIZE = 512


def measure(
    finding: str,
    before: torch.Tensor,
    after: torch.Tensor,
    anatomy: torch.Tensor,
    *,
    unit: ContrastUnit,
    spacing: tuple[float, float] | None,
    operation: str = "insert",
) -> Quantity | None:
    """Amount by which a finding was added (or, for a deletion, taken away).

    A nodule or mass is measured by the diameter of the disc with the area that changed by more than a quarter of the
    peak; consolidation and effusion by the share of the lung field outside the heart that gained (lost) more than
    ``OPACIFIED`` contrast units.

    Args:
        finding: key of SEVERITY.
        before: (1, H, W) film before the edit.
        after: (1, H, W) film after it.
        anatomy: (S, H, W) uint8 masks before the edit.
        unit: contrast unit of the film before the edit.
        spacing: mm per pixel, needed for millimetres.
        operation: ``"insert"`` or ``"delete"``.

    Returns:
        The amount in the finding's unit; None when it cannot be measured (no scale).

    Example:
        >>> from monai_cars.anatomy import ContrastUnit
        >>> before = torch.zeros(1, 128, 128); after = before.clone(); after[0, 40:60, 40:60] = 1.0
        >>> unit = ContrastUnit(value=1.0, mediastinum=1.0, aerated=0.0, share=0.5)
        >>> lungs = torch.ones(3, 128, 128, dtype=torch.uint8)
        >>> round(measure("nodule", before, after, lungs, unit=unit, spacing=(1.0, 1.0)).value, 1)
        22.6
    """
    sign = -1.0 if operation == "delete" else 1.0
    change = (sign / unit.value) * (after[0] - before[0]).float().cpu().numpy()
    if SEVERITY[finding].unit == "mm":
        return _diameter(change, spacing)
    return _share(change, anatomy)


def _diameter(change: np.ndarray, spacing: tuple[float, float] | None) -> Quantity | None:
    if spacing is None:
        return None
    change = _crop(change)
    # The peak is taken after a light blur: a deletion restores texture, whose grain is no part of the opacity.
    smooth = ndi.uniform_filter(change, max(1, round(1.5 / spacing[0])))
    peak = float(smooth.max(initial=0.0))
    if peak <= 0:
        return Quantity(0.0, "mm")
    labels, count = ndi.label(smooth > EDGE * peak)
    area = np.bincount(labels.ravel())[1:].max() if count else 0
    return Quantity(float(2 * np.sqrt(area * spacing[0] * spacing[1] / np.pi)), "mm")


def _crop(change: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(change.any(1)), np.flatnonzero(change.any(0))
    if not len(rows):
        return np.zeros((1, 1), change.dtype)
    return change[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _share(change: np.ndarray, anatomy: torch.Tensor) -> Quantity:
    step = max(1, min(change.shape) // WORKING_SIZE)
    masks = anatomy[:, ::step, ::step].cpu().numpy().astype(bool)
    gained = ndi.uniform_filter(change, max(3, 2 * step + 1))[::step, ::step] > OPACIFIED
    shares = []
    for side in ("right_lung", "left_lung"):
        free = masks[STRUCTURES.index(side)] & ~masks[STRUCTURES.index("heart")]
        shares.append(float((gained & free).sum() / max(free.sum(), 1)))
    return Quantity(max(shares), "fraction")
