"""Width of the heart and of the mediastinum, read off the films."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import STRUCTURES, cardiothoracic_ratio
from monai_cars.chest_xray.measurement.covered import HALF, LEAST, Films, covered, density_beside
from monai_cars.edits.change import Change
from monai_cars.findings.severity import Quantity

HEART = STRUCTURES.index("heart")
RIM_MM = 10.0  # of the shadow inside its border, whose density is the shadow's there; deeper in, the spine adds to it
NEAR_MM = 30.0  # beside the gap between the fields lies mediastinum
FLOOR_MM = 6.0  # of density that the diaphragm's blur takes off the heart's foot
BAND_MM = 8.0  # height over which a width is read


def cardiothoracic(change: Change) -> Quantity | None:
    """Cardiothoracic ratio of the film after the edit; None where the anatomy has no heart or no thorax.

    The silhouette before comes from the anatomy. An insertion adds the lung that has become as dense as the heart
    beside it, a deletion takes away what has become as aerated as the lung beside it.
    """
    films = Films(change)
    heart, lungs = films.masks[HEART], films.masks[0] | films.masks[1]
    if not heart.any() or not lungs.any():
        return None
    if change.operation == "delete":
        heart = heart & ~_uncovered(films, heart, lungs)
    else:
        heart = heart | covered(films, _beside_border(films, heart & lungs, heart), lungs & ~heart, heart)
    masks = films.masks.copy()
    # The diaphragm's blur under the heart is no lung.
    upright = np.ones((2 * int(FLOOR_MM / 2 * films.mm) + 1, 1), bool)
    masks[HEART] = heart | (ndi.binary_closing(heart | ~lungs, upright) & lungs)
    ratio = cardiothoracic_ratio(torch.from_numpy(masks))
    return Quantity(float(ratio), "ratio") if np.isfinite(ratio) else None


def _beside_border(films: Films, inside: np.ndarray, shadow: np.ndarray) -> np.ndarray:
    """(h, w) density of a shadow just inside its border, without the border's own blur."""
    depth = ndi.distance_transform_edt(shadow) / films.mm
    rim = inside & (depth > 2.0) & (depth < RIM_MM)
    return density_beside(films.without, rim, RIM_MM * films.mm)


def _uncovered(films: Films, heart: np.ndarray, lungs: np.ndarray) -> np.ndarray:
    """(h, w) bool heart that is lung now: more than half-way to the density of the lung beside it."""
    free = lungs & ~heart
    away = ndi.distance_transform_edt(~heart) / films.mm
    lung = density_beside(films.with_finding, free & (away > 2.0) & (away < 2 * RIM_MM), RIM_MM * films.mm)
    loss = films.with_finding - films.without
    gone = (loss > np.maximum(HALF * (films.with_finding - lung), LEAST)) & heart & lungs
    joined, _ = ndi.label(gone | free)
    return np.isin(joined, np.unique(joined[free])) & gone


def mediastinal_widening(change: Change) -> Quantity | None:
    """Millimetres by which the mediastinum above the heart is wider (or, after a deletion, was) at its widest gain.

    None without a scale.
    """
    films = Films(change)
    if films.spacing is None:
        return None
    lungs = films.masks[0] | films.masks[1]
    between = _between(lungs) & ~lungs
    # The fields run behind the mediastinum: what is dense beside the gap is mediastinum before and after.
    near = lungs & (ndi.distance_transform_edt(~between) < NEAR_MM * films.mm)
    shadow = between | (near & (films.without > HALF * density_beside(films.without, between, RIM_MM * films.mm)))
    won = covered(films, _beside_border(films, shadow & lungs, shadow), lungs & ~shadow, shadow)
    rows = np.flatnonzero(films.masks[HEART].any(1))
    if len(rows):
        won[int(rows[0] + 0.35 * len(rows)) :] = False  # lower, it would be the heart that grew
    width = ndi.uniform_filter1d(won.sum(1).astype(float), max(1, int(BAND_MM * films.mm)))
    return Quantity(float(width.max(initial=0.0)) * films.spacing, "mm")


def _between(lungs: np.ndarray) -> np.ndarray:
    """(h, w) bool every row filled from the first to the last pixel of the lung fields."""
    first = np.maximum.accumulate(lungs, axis=1)
    return first & np.maximum.accumulate(lungs[:, ::-1], axis=1)[:, ::-1]
