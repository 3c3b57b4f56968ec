"""Bilinear interpolation to a film's size, worked out only where it is needed, to torch's own last bit on a CPU.

A pixel of the film at index ``d`` takes its value from ``s = (d + 0.5) n / N - 0.5`` on a grid of n pixels along a side
of N, clipped to the grid: from ``floor(s)`` and the next, weighted by their nearness.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

UNDECIDED = np.uint8(2)


class Sources(NamedTuple):
    """What an axis of a film takes its values from.

    Args:
        first: (N,) index on the coarse grid.
        second: (N,) the next one, or the last.
        near: (N,) float32 weight of the first.
        far: (N,) float32 weight of the second.
    """

    first: np.ndarray
    second: np.ndarray
    near: np.ndarray
    far: np.ndarray

    def at(self, kept: np.ndarray | slice) -> Sources:
        """Those of some pixels."""
        return Sources(*(part[kept] for part in self))


def sources(coarse: int, fine: int) -> Sources:
    """Sources of ``fine`` pixels on a grid of ``coarse``.

    Example:
        >>> found = sources(2, 4)
        >>> found.first.tolist(), found.far.tolist()
        ([0, 0, 0, 1], [0.0, 0.25, 0.75, 0.25])
    """
    scale = np.float32(coarse) / np.float32(fine)
    place = np.maximum(_fused(scale, np.arange(fine, dtype=np.float32) + np.float32(0.5), np.float32(-0.5)), 0)
    first = np.minimum(place.astype(np.int64), coarse - 1)
    far: np.ndarray = np.clip(place - first.astype(np.float32), 0, 1)
    return Sources(first, np.minimum(first + 1, coarse - 1), 1 - far, far)


def interpolated(values: np.ndarray, rows: Sources, columns: Sources) -> np.ndarray:
    """Values (h, w) float32 at pixels (rows, columns) of a film.

    Args:
        values: on the coarse grid.
        rows: N of them, of the pixels wanted.
        columns: M of them.

    Returns:
        (N, M) float32.

    Example:
        >>> grid = np.array([[0.0, 1.0]], np.float32)
        >>> interpolated(grid, sources(1, 1), sources(2, 4)).tolist()
        [[0.0, 0.25, 0.75, 1.0]]
    """
    upper, lower = (_mixed(part[:, columns.first], part[:, columns.second], columns) for part in _pair(values, rows))
    return _mixed(upper.T, lower.T, rows).T


def positive(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Where the interpolation is positive: between corners of one sign it has that sign, only the others are computed.

    Args:
        values: (C, h, w) float32.
        shape: (H, W) of the film.

    Returns:
        (C, H, W) uint8, 1 where it is.

    Example:
        >>> positive(np.array([[[-1.0, 3.0]]], np.float32), (1, 4)).tolist()
        [[[0, 0, 1, 1]]]
    """
    rows, columns = sources(values.shape[1], shape[0]), sources(values.shape[2], shape[1])
    corners = np.stack(_corners(values > 0))
    cells = np.where(corners.any(0) & ~corners.all(0), UNDECIDED, corners[0].view(np.uint8))
    found = cells.take(columns.first, axis=2).take(rows.first, axis=1)
    channel, row, column = np.unravel_index(np.flatnonzero(found == UNDECIDED), found.shape)
    found[channel, row, column] = _at(values, channel, rows.at(row), columns.at(column)) > 0
    return found


def _pair(values: np.ndarray, rows: Sources) -> tuple[np.ndarray, np.ndarray]:
    return values[rows.first], values[rows.second]


def _mixed(first: np.ndarray, second: np.ndarray, along: Sources) -> np.ndarray:
    return _fused(first, along.near, second * along.far)


def _corners(signs: np.ndarray) -> list[np.ndarray]:
    """The four corners of the cell that begins at each grid point."""
    below = np.concatenate([signs[:, 1:], signs[:, -1:]], 1)
    return [part for row in (signs, below) for part in (row, np.concatenate([row[:, :, 1:], row[:, :, -1:]], 2))]


def _at(values: np.ndarray, channel: np.ndarray, rows: Sources, columns: Sources) -> np.ndarray:
    """(n,) values at single pixels; for three channels torch adds in this order."""
    one, two = values[channel, rows.first, columns.first], values[channel, rows.first, columns.second]
    three, four = values[channel, rows.second, columns.first], values[channel, rows.second, columns.second]
    upper = _fused(one, rows.near * columns.near, two * (rows.near * columns.far))
    return _fused(four, rows.far * columns.far, _fused(three, rows.far * columns.near, upper))


def _fused(a: np.ndarray | np.floating, b: np.ndarray, c: np.ndarray | np.floating) -> np.ndarray:
    """``a b + c`` rounded once to float32, as a processor's fused operation does."""
    wide: np.ndarray = np.asarray(a, np.float64) * b + c
    return wide.astype(np.float32)
