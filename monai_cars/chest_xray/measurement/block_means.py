"""Means of a film around the pixels of a coarser grid, worked out for those pixels alone."""

from __future__ import annotations

import numpy as np


def block_means(film: np.ndarray, size: int, step: int) -> np.ndarray:
    """``scipy.ndimage.uniform_filter(film, size)[::step, ::step]``, without the pixels between.

    Args:
        film: (H, W), mirrored beyond its borders.
        size: pixels of the square's side; of an even one the pixel lies behind the middle.
        step: pixels between the grid's.

    Returns:
        (ceil(H / step), ceil(W / step)) of the film's type.

    Example:
        >>> block_means(np.arange(16.0).reshape(4, 4), 3, 3).tolist()
        [[1.6666666666666667, 4.0], [11.0, 13.333333333333334]]
    """
    return _along_rows(_along_rows(film, size, step).T, size, step).T


def _along_rows(film: np.ndarray, size: int, step: int) -> np.ndarray:
    centres = np.arange(0, film.shape[0], step)
    total = np.zeros((len(centres), film.shape[1]))
    for offset in range(-(size // 2), size - size // 2):
        total += film[_mirrored(centres + offset, film.shape[0])]
    # The filter keeps the film's type between its two passes too.
    return (total / size).astype(film.dtype)


def _mirrored(index: np.ndarray, length: int) -> np.ndarray:
    """Indices beyond a row's ends, as of ``d c b a | a b c d | d c b a``."""
    index = index % (2 * length)
    return np.minimum(index, 2 * length - 1 - index)
