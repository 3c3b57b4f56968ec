"""The density that a lung would have without the finding: what healthy lungs look like, fitted to what this film shows.

A healthy lung's low-pass on the cells of :mod:`lung_grid` is taken for a draw from a normal distribution,
``mean + modes @ z + local``, learned from films without findings (``healthy_lung``). The cells that the film shows
decide ``z`` and the local part; the expectation of the hidden cells follows (kriging). The other lung counts as much as
it resembles this one in healthy people, the lung around the finding as much as neighbours do.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.chest_xray.editors.lung.lung_density import LungDensity
from monai_cars.chest_xray.editors.lung.lung_grid import HEIGHTS, WIDTHS, lung_grid, sample
from monai_cars.edits.edit import CannotEdit
from monai_cars.weights import load_state

WEIGHTS = "healthy_lung"
SIDES = ("right", "left")
CELL_MM = (10.0, 9.0)  # of an adult's lung field, for the local part only
LOCAL, LOCAL_MM = 0.04, 15.0  # contrast units and reach of what the modes do not hold
NOISE = 0.02  # contrast units of a cell's own
DENSER, CLEARER = 0.06, 0.15  # contrast units by which a shown cell may differ before it is believed less
LEAST_WEIGHT = 0.25  # share of trusted lung around a cell's centre
FEWEST_CELLS = 120  # of 576
ROUNDS = 6
CLEAREST_PART = 30.0  # per cent of the cells that count as clear where all are veiled
CLEAREST = 2.0  # percentile of the shown cells
CELLS_MM = 3.0  # takes the cells' corners out of the film that they are spread to


def expected_lung(canvas: Canvas, density: LungDensity, hidden: np.ndarray) -> np.ndarray:
    """Low-pass of the lungs as it would be without what ``hidden`` hides.

    Args:
        canvas: the film.
        density: its lungs' density as it is.
        hidden: (h, w) bool, where the film does not show healthy lung.

    Returns:
        (h, w) contrast units.

    Raises:
        CannotEdit: too little lung is left to say what is healthy on this film.
    """
    grids = [lung_grid(canvas, side) for side in SIDES]
    seen = sample(grids, density.low)
    trusted = np.nan_to_num(sample(grids, density.weight)) > LEAST_WEIGHT
    bound = trusted & (np.nan_to_num(sample(grids, hidden.astype(np.float32))) >= 0.5)
    shown = trusted & ~bound
    canvas.opened.add(WEIGHTS)
    if shown.sum() < FEWEST_CELLS:
        # A veil over everything: what is least veiled tells how the rest would be, at the least.
        shown = trusted & _clearest(seen - healthy()[0].reshape(seen.shape), trusted)
    if shown.sum() < FEWEST_CELLS / 2:
        raise CannotEdit("too little healthy lung is left on this film to tell what lies under the finding")
    mean = condition(*healthy(), seen, shown, bound)
    # Nowhere clearer than the clearest lung that the film shows.
    mean = np.maximum(mean, np.percentile(seen[shown], CLEAREST))
    film = np.zeros(canvas.u.shape, np.float32)
    for side, grid, part in zip(SIDES, grids, mean, strict=True):
        if grid is not None:
            film = np.where(_half(canvas, side) | canvas.lung(side), grid.spread(part, canvas.shape), film)
    return canvas.blur(film, CELLS_MM)


def _clearest(excess: np.ndarray, trusted: np.ndarray) -> np.ndarray:
    return excess <= np.percentile(excess[trusted], CLEAREST_PART) if trusted.any() else trusted


def condition(
    mean: np.ndarray, covariance: np.ndarray, seen: np.ndarray, shown: np.ndarray, bound: np.ndarray
) -> np.ndarray:
    """Expectation of every cell, given those that a film shows.

    Args:
        mean: (cells,) of healthy lungs.
        covariance: (cells, cells).
        seen: (2, HEIGHTS, WIDTHS) low-pass by cell.
        shown: cells that show lung; those much denser than expected are believed less (other opacities).
        bound: hidden cells: a finding adds density, so healthy lung is at most as dense as they are.
    """
    values, given, upper = np.nan_to_num(seen.ravel()), shown.ravel(), bound.ravel()
    found, weight = mean.copy(), np.ones_like(mean)
    for _ in range(ROUNDS):
        used = given | (upper & (found > values))
        cross = covariance[:, used]
        factor = cho_factor(cross[used] + np.diag(NOISE**2 / weight[used]), overwrite_a=True, check_finite=False)
        found = mean + cross @ cho_solve(factor, values[used] - mean[used], check_finite=False)
        off = values - found
        weight = 1.0 / (1.0 + (off / np.where(off > 0, DENSER, CLEARER)) ** 2)
    return found.reshape(seen.shape)


@lru_cache(maxsize=1)
def healthy() -> tuple[np.ndarray, np.ndarray]:
    """Mean (cells,) and covariance (cells, cells) of healthy lungs' density."""
    weights = load_state(WEIGHTS)
    mean, modes = (weights[name].double().numpy() for name in ("mean", "modes"))
    return mean, covariance_of(modes)


def covariance_of(modes: np.ndarray) -> np.ndarray:
    """(cells, cells) covariance of healthy lungs from their modes and the local part, in squared contrast units."""
    row, column = (axis.ravel() * size for axis, size in zip(np.mgrid[:HEIGHTS, :WIDTHS], CELL_MM, strict=True))
    squared = (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2
    local = LOCAL**2 * np.exp(-squared / (2 * LOCAL_MM**2))
    return modes @ modes.T + np.kron(np.eye(2), local)


def _half(canvas: Canvas, side: str) -> np.ndarray:
    """(h, w) bool pixels that are nearer to this lung field's side of the film than to the other's."""
    columns = [np.flatnonzero(canvas.lung(s).any(0)) for s in SIDES]
    if not len(columns[0]) or not len(columns[1]):
        return np.ones(canvas.u.shape, bool)
    middle = (columns[0].mean() + columns[1].mean()) / 2
    left = np.arange(canvas.u.shape[1])[None] < middle
    return np.broadcast_to(left if canvas.wall_is_left(side) else ~left, canvas.u.shape)
