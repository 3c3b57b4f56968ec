"""Share of a lung field that pleural air has taken: where the film turned lucent and lost its markings."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import STRUCTURES
from monai_cars.chest_xray.scale import usual_millimetre, working_step
from monai_cars.edits.change import Change
from monai_cars.findings.severity import Quantity

LUCENT = 0.035  # contrast units by which a place must have darkened; about a third of what air does to a film
SMOOTH_MM = 1.2  # sigma; vessels that came or went are no lucency
SMALLEST = 0.003  # of the field; smaller spots are texture
MARKINGS_MM = (0.6, 2.0)  # sigmas of the band in which vessels lie
AROUND_MM = 4.0  # neighbourhood over which directions of texture are compared
LEFT = 0.93  # markings that a place may keep at most, as a share of what it had
RIM_MM = 3.0  # along the chest wall


def share_beyond_line(change: Change) -> Quantity:
    """Share of the lung field outside the heart that lies beyond the visceral pleura; the larger side's.

    A place counts when it darkened by LUCENT and its markings fell: texture that runs in more than one direction, which
    vessels and grain have and ribs have not (smaller eigenvalue of the structure tensor).
    """
    step = working_step(change.gain.shape)
    shares = [_share(change, side, step) for side in ("right_lung", "left_lung")]
    return Quantity(max(shares), "fraction")


def share_without_markings(change: Change) -> Quantity:
    """The same share where no line bounds it."""
    return share_beyond_line(change)


def _share(change: Change, side: str, step: int) -> float:
    field = change.masks[STRUCTURES.index(side)]
    window = _window(field)
    free = (field & ~change.masks[STRUCTURES.index("heart")])[window][::step, ::step]
    if not free.any():
        return 0.0
    mm = _pixels_per_mm(change, step)
    without, with_it = (ndi.uniform_filter(film[window], step)[::step, ::step] for film in change.films)
    lucent = free & (ndi.gaussian_filter(with_it - without, SMOOTH_MM * mm) < -LUCENT)
    if not lucent.any():
        return 0.0
    labels, count = ndi.label(lucent)
    index = np.arange(count + 1)
    was, now = (ndi.sum(_markings(film, mm), labels, index) for film in (without, with_it))
    large = np.bincount(labels.ravel()) >= SMALLEST * free.sum()
    rim = free & (ndi.distance_transform_edt(np.pad(free, 1))[1:-1, 1:-1] <= RIM_MM * mm)
    at_pleura = np.bincount(labels[rim], minlength=count + 1) > 0
    air = (large & at_pleura & (now <= LEFT * was) & (index > 0))[labels]
    return float(_up_to_the_pleura(air, rim, mm).sum() / free.sum())


def _window(field: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the field; nothing else is looked at."""
    rows, columns = np.flatnonzero(field.any(1)), np.flatnonzero(field.any(0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _up_to_the_pleura(air: np.ndarray, rim: np.ndarray, mm: float) -> np.ndarray:
    """Air, and the rim of the field beside it, where the chest wall's own shadow hides that it is lucent."""
    if not air.any():
        return air
    return air | (rim & (ndi.distance_transform_edt(~air) <= RIM_MM * mm))


def _markings(film: np.ndarray, mm: float) -> np.ndarray:
    """(h, w) strength of the texture in its weaker direction."""
    fine, coarse = MARKINGS_MM
    gy, gx = np.gradient(ndi.gaussian_filter(film, fine * mm) - ndi.gaussian_filter(film, coarse * mm))
    yy, xx, xy = (ndi.gaussian_filter(a, AROUND_MM * mm, truncate=3.0) for a in (gy * gy, gx * gx, gy * gx))
    return np.sqrt(np.clip((xx + yy) / 2 - np.hypot((xx - yy) / 2, xy), 0.0, None))


def _pixels_per_mm(change: Change, step: int) -> float:
    """Pixels of the working grid per millimetre."""
    if change.spacing is not None:
        return 2.0 / (step * (change.spacing[0] + change.spacing[1]))
    return usual_millimetre(change.masks[:2, ::step, ::step])
