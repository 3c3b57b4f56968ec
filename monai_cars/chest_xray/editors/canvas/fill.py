"""Fill a hole in a film from its surroundings: the membrane that solves Laplace's equation."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import spsolve

from monai_cars.edits.edit import CannotEdit

GRID = 96  # pixels along the longer side of the hole's window: the membrane is smooth, a coarse grid holds it
RING = 0.18  # least share of the hole's border that must touch trusted pixels


def harmonic_fill(image: np.ndarray, hole: np.ndarray, trusted: np.ndarray) -> np.ndarray:
    """Replace the hole by the harmonic function with the trusted border's values.

    Border pixels that are not trusted (heart, chest wall, diaphragm) exert no pull: there the normal derivative is 0.

    Args:
        image: (h, w) low-pass of the film.
        hole: (h, w) bool, what to fill.
        trusted: (h, w) bool, pixels whose values may be continued into the hole.

    Returns:
        (h, w) image with the hole filled.

    Raises:
        CannotEdit: too little trusted border.

    Example:
        >>> ramp = np.tile(np.arange(64.0), (64, 1))
        >>> hole = np.zeros((64, 64), bool); hole[20:40, 20:40] = True
        >>> bool(np.allclose(harmonic_fill(ramp, hole, ~hole), ramp, atol=0.3))
        True
    """
    rows, columns = np.nonzero(hole)
    window = tuple(
        slice(max(r.min() - 6, 0), min(r.max() + 7, n)) for r, n in zip((rows, columns), image.shape, strict=True)
    )
    step = max(1, int(np.ceil(max(s.stop - s.start for s in window) / GRID)))
    coarse = tuple(slice(s.start + step // 2, s.stop, step) for s in window)
    solved = _solve(ndi.uniform_filter(image, step)[coarse], hole[coarse], trusted[coarse])
    zoomed = ndi.zoom(np.pad(solved, 1, mode="edge"), step, order=1, grid_mode=True, mode="nearest")
    height, width = (s.stop - s.start for s in window)
    patch = zoomed[step:, step:][:height, :width]
    filled = image.copy()
    filled[window] = np.where(hole[window], _as_large(patch, (height, width)), image[window])
    return filled


def _as_large(patch: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return np.pad(patch, [(0, n - m) for n, m in zip(shape, patch.shape, strict=True)], mode="edge")


def _solve(values: np.ndarray, hole: np.ndarray, trusted: np.ndarray) -> np.ndarray:
    number = np.full(hole.shape, -1)
    number[hole] = np.arange(hole.sum())
    anchors = np.zeros(hole.sum())
    degree, right, links = np.zeros(hole.sum()), np.zeros(hole.sum()), []
    for axis in (0, 1):
        for shift in (1, -1):
            valid = _shifted(np.ones_like(hole), shift, axis, False)
            inner = hole & _shifted(hole, shift, axis, False) & valid
            known = hole & valid & _shifted(trusted & ~hole, shift, axis, False)
            links.append((number[inner], _shifted(number, shift, axis, -1)[inner]))
            degree[number[inner]] += 1
            degree[number[known]] += 1
            anchors[number[known]] = 1
            right[number[known]] += _shifted(values, shift, axis, 0.0)[known]
    border = hole & ~ndi.binary_erosion(hole)
    if anchors.sum() < max(4, RING * border.sum()):
        raise CannotEdit("too little lung around the region to continue into it")
    i, j = (np.concatenate(part) for part in zip(*links, strict=True))
    # A part of the hole that no trusted pixel touches has nothing to be filled from: it keeps its own values.
    parts, _ = ndi.label(hole)
    anchored = np.isin(parts, np.unique(parts[hole][anchors > 0]))
    loose = ~anchored[hole]
    links_kept = ~loose[i]
    matrix = diags(np.where(loose, 1.0, degree)) - coo_matrix(
        (links_kept.astype(float), (i, j)), shape=(len(degree),) * 2
    )
    filled = values.astype(np.float64).copy()
    filled[hole] = spsolve(matrix.tocsc(), np.where(loose, values[hole], right))
    return filled


def _shifted(array: np.ndarray, shift: int, axis: int, fill) -> np.ndarray:
    """array[p + shift] along an axis, ``fill`` where that lies outside."""
    out = np.full_like(array, fill)
    source, target = [slice(None)] * 2, [slice(None)] * 2
    source[axis] = slice(1, None) if shift > 0 else slice(None, -1)
    target[axis] = slice(None, -1) if shift > 0 else slice(1, None)
    out[tuple(target)] = array[tuple(source)]
    return out
