"""Where the border of a dense shadow against aerated lung runs on the film."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

REACH_MM = 7.0  # how far from the segmented border the film's own is looked for
SMOOTH_MM = 3.0
NOTCH_MM = 22.0  # notches of a mask that are narrower than this are closed
STEP_COST = 0.35  # of the strongest fall, for a step of one pixel from row to row
STRAY_COST = 0.4  # of the strongest fall, at the end of the reach


def outermost(mask: np.ndarray) -> np.ndarray:
    """(h,) last column of a mask in every row, NaN in rows without it.

    Example:
        >>> outermost(np.array([[0, 1, 1, 0], [0, 0, 0, 0]], bool)).tolist()
        [2.0, nan]
    """
    last = mask.shape[1] - 1 - mask[:, ::-1].argmax(1).astype(float)
    return np.where(mask.any(1), last, np.nan)


def closed(line: np.ndarray, mm: float) -> np.ndarray:
    """A line over rows without its gaps (NaN) and its inward notches."""
    known = np.flatnonzero(np.isfinite(line))
    filled = np.interp(np.arange(len(line)), known, line[known])
    return ndi.grey_closing(filled, size=max(3, int(NOTCH_MM * mm)), mode="nearest")


def snapped(u: np.ndarray, start: np.ndarray, rows: slice, mm: float) -> np.ndarray:
    """The path of steepest fall (dense to aerated, along the columns) near a line, by dynamic programming over rows.

    Args:
        u: (h, w) view of the film whose columns run from dense to aerated.
        start: (h,) column of the line in every row.
        rows: rows in which the border is visible; outside them the line is kept.
        mm: pixels a millimetre.

    Returns:
        (h,) column of the border, smooth, fractional.
    """
    reach = max(2, int(REACH_MM * mm))
    offsets = np.arange(-reach, reach + 1)
    line = ndi.gaussian_filter1d(start, SMOOTH_MM * mm, mode="nearest")
    smooth = ndi.gaussian_filter(u, (2.0 * mm, 0.8 * mm), mode="nearest")
    fall = -np.gradient(smooth, axis=1)
    y = np.arange(rows.start, rows.stop)
    if len(y) < 5:
        return line
    score = ndi.map_coordinates(fall, [y[:, None] + 0 * offsets, line[y][:, None] + offsets], order=1, mode="nearest")
    strongest = max(float(np.percentile(score.max(1), 75)), 1e-6)
    cost = -np.clip(score, 0, strongest) / strongest + STRAY_COST * (offsets / reach) ** 2
    moved = line.copy()
    moved[y] += offsets[_cheapest(cost)]
    return ndi.gaussian_filter1d(moved, SMOOTH_MM * mm, mode="nearest")


def _cheapest(cost: np.ndarray) -> np.ndarray:
    """(n,) index of the cheapest path down the rows that moves at most two columns a row."""
    steps = (-2, -1, 0, 1, 2)
    total, back = cost[0], np.zeros(cost.shape, int)
    for k in range(1, len(cost)):
        padded = np.pad(total, 2, constant_values=np.inf)
        options = np.stack([padded[2 + s : 2 + s + len(total)] + STEP_COST * abs(s) for s in steps])
        best = options.argmin(0)
        back[k] = np.arange(len(total)) + np.array(steps)[best]
        total = options.min(0) + cost[k]
    path = [int(total.argmin())]
    for k in range(len(cost) - 1, 0, -1):
        path.append(int(back[k, path[-1]]))
    return np.array(path[::-1])
