"""Length of everything thin and bright in an image of a change."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi
from skimage.morphology import skeletonize

VISIBLE = 0.05  # contrast units
WALLS_MM = 5.0  # both walls of a tube and its stripe are one line
LEAST_MM = 15.0  # shorter pieces are no tubes
STRAIGHT, DIAGONAL = 0.948, 1.343  # length of a digital line's steps without bias (Dorst & Smeulders, CVGIP 1987)


def line_length(added: np.ndarray, mm: float) -> float:
    """Length in millimetres of the middle lines of what was added.

    Args:
        added: (h, w) contrast units.
        mm: pixels per millimetre.

    Example:
        >>> added = np.zeros((64, 128)); added[30:33, 10:110] = 0.3
        >>> 90 < line_length(added, 1.0) < 105
        True
    """
    seen = ndi.gaussian_filter(added, 0.5) > VISIBLE
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        return 0.0
    # Padded, or closing would open what runs off the film.
    seen = np.pad(seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], int(np.ceil(WALLS_MM * mm)) + 1)
    grown = ndi.distance_transform_edt(~seen) <= WALLS_MM / 2 * mm
    closed = ndi.distance_transform_edt(grown) > WALLS_MM / 2 * mm
    return _skeleton_length(skeletonize(closed), LEAST_MM * mm) / mm


def _skeleton_length(skeleton: np.ndarray, least: float) -> float:
    """Length in pixels of a one-pixel line; short pieces count nothing."""
    labels, count = ndi.label(skeleton, structure=np.ones((3, 3)))
    length = np.zeros(count + 1)
    for step, weight in (
        ((skeleton[1:] & skeleton[:-1], labels[1:]), STRAIGHT),
        ((skeleton[:, 1:] & skeleton[:, :-1], labels[:, 1:]), STRAIGHT),
        # A diagonal step counts where no straight one leads the same way.
        ((_diagonal(skeleton), labels[1:, 1:]), DIAGONAL),
        ((_diagonal(skeleton[:, ::-1])[:, ::-1], labels[1:, :-1]), DIAGONAL),
    ):
        pairs, of = step
        length += weight * np.bincount(of[pairs], minlength=count + 1)
    return float(length[length >= least].sum())


def _diagonal(skeleton: np.ndarray) -> np.ndarray:
    """Pixels (from the second row and column on) whose upper left neighbour alone precedes them."""
    return skeleton[1:, 1:] & skeleton[:-1, :-1] & ~skeleton[1:, :-1] & ~skeleton[:-1, 1:]
