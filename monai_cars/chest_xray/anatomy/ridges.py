"""Bright lines on a film: ridges that stand out on both sides, linked into curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

ORIENTATIONS = 12  # of 15 degrees
STEP = 2  # pixels between the nine samples that a line is averaged over, 17 pixels in all
GAP_MM = 2.2  # from a line to what lies beside it: half of the widest catheter and a little
GRAIN = 0.7  # pixels; Gaussian that takes the detector's grain
STANDS_OUT = 2.0  # times the root mean square of the ridges around; what stands out less is texture
FLOOR = 0.02  # contrast units; least of that root mean square
CEILING = 0.15  # contrast units; more of one line does not raise the level that its neighbours are held against
AROUND_MM = 24.0
ITSELF = 0.25  # share of its height by which a point of a line exceeds its sides without the averaging along it
REACH = 4  # pixels from one point of a line to the next: across a crossing, not across a rib


@dataclass(frozen=True)
class Ridges:
    """Points on bright lines, one a pixel along each, and the curve that each belongs to.

    Args:
        y: (n,) int rows.
        x: (n,) int columns.
        angle: (n,) direction of the line in radians, 0 along the rows of pixels, in [0, pi).
        height: (n,) contrast units above the brighter of both sides.
        curve: (n,) int number of the curve.
        count: number of curves.
        smooth: (h, w) the film without its grain.
    """

    y: np.ndarray
    x: np.ndarray
    angle: np.ndarray
    height: np.ndarray
    curve: np.ndarray
    count: int
    smooth: np.ndarray

    def along(self, array: np.ndarray, offset: float, span: float = 6.0) -> np.ndarray:
        """(n,) mean of ``array`` over a short stretch parallel to the line, ``offset`` pixels beside it."""
        ty, tx = np.sin(self.angle), np.cos(self.angle)
        total = np.zeros(len(self.y), np.float32)
        for step in (-span, -span / 2, 0.0, span / 2, span):
            total += self._at(array, self.y + offset * tx + step * ty, self.x - offset * ty + step * tx)
        return total / 5

    def mean(self, values: np.ndarray) -> np.ndarray:
        """(count,) mean of (n,) values over each curve."""
        return np.bincount(self.curve, values, minlength=self.count) / np.maximum(self.points, 1)

    @property
    def points(self) -> np.ndarray:
        """(count,) points of each curve."""
        return np.bincount(self.curve, minlength=self.count)

    @property
    def length(self) -> np.ndarray:
        """(count,) length of each curve in pixels."""
        step = 1 / np.maximum(np.abs(np.cos(self.angle)), np.abs(np.sin(self.angle)))
        return np.bincount(self.curve, step, minlength=self.count)

    @staticmethod
    def _at(array: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        rows = np.clip(np.rint(y).astype(int), 0, array.shape[0] - 1)
        return array[rows, np.clip(np.rint(x).astype(int), 0, array.shape[1] - 1)]


def trace_ridges(u: np.ndarray, mm: float, *, gap_mm: float = GAP_MM) -> Ridges:
    """Find the bright lines of a film.

    A line is brighter than *both* of its sides, each averaged along it; a border (a rib's, the heart's) is brighter
    than one. What stands out of the ridges around is thinned to a pixel's width and linked where position and
    direction go on.

    Args:
        u: (h, w) film in contrast units.
        mm: pixels per millimetre.
        gap_mm: distance from a line's middle to what lies beside it; wider lines are not found.

    Example:
        >>> film = np.zeros((96, 96), np.float32); film[40] = 1.0
        >>> ridges = trace_ridges(film, 1.0)
        >>> bool(ridges.length.max() > 85), set(ridges.y[ridges.height > 0.5].tolist())
        (True, {40})
    """
    smooth = ndi.gaussian_filter(u.astype(np.float32), GRAIN, mode="nearest", truncate=3.0)
    responses, best = _oriented(smooth, gap_mm * mm)
    y, x = _standing_out(best, mm)
    orientation = responses[:, y, x].argmax(0)
    angle = np.pi * orientation / ORIENTATIONS
    # Only the crest stays: across the line both neighbours are lower.
    dy, dx = np.rint(np.cos(angle)).astype(int), np.rint(-np.sin(angle)).astype(int)
    crest = (best[y, x] >= best[y + dy, x + dx]) & (best[y, x] > best[y - dy, x - dx])
    y, x, orientation = y[crest], x[crest], orientation[crest]
    alone = np.zeros(len(y), int)
    points = Ridges(y, x, angle[crest], best[y, x], alone, 1, smooth)
    # Averages that cross a bright line slantwise are raised by it beside it too: a point must be bright itself.
    sides = np.maximum(points.along(smooth, gap_mm * mm, 2.0), points.along(smooth, -gap_mm * mm, 2.0))
    bright = points.along(smooth, 0.0, 2.0) - sides > ITSELF * points.height
    y, x, orientation = y[bright], x[bright], orientation[bright]
    curve, count = _linked(y, x, orientation, u.shape)
    return Ridges(y, x, points.angle[bright], best[y, x], curve, count, smooth)


def _oriented(smooth: np.ndarray, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Responses (orientations, h, w) times nine, and the largest (h, w): a line above the brighter of its sides.

    Slices of padded arrays, written in place: several times as fast as convolutions.
    """
    h, w = smooth.shape
    side = int(np.ceil(gap))
    film = np.pad(smooth, 4 * STEP + side, mode="edge")
    threes = np.empty((h + 2 * side + 6 * STEP, w + 2 * side + 6 * STEP), np.float32)
    nines = np.empty((h + 2 * side, w + 2 * side), np.float32)
    beside = np.empty((h, w), np.float32)
    responses = np.empty((ORIENTATIONS, h, w), np.float32)
    for response, angle in zip(responses, np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS, strict=True):
        ty, tx = np.sin(angle), np.cos(angle)
        _sum_of_three(film, threes, round(STEP * ty), round(STEP * tx))
        _sum_of_three(threes, nines, round(3 * STEP * ty), round(3 * STEP * tx))
        dy, dx = round(gap * tx), round(-gap * ty)
        np.maximum(_inner(nines, (h, w), dy, dx), _inner(nines, (h, w), -dy, -dx), out=beside)
        np.subtract(_inner(nines, (h, w), 0, 0), beside, out=response)
    return responses, responses.max(0) / 9


def _sum_of_three(array: np.ndarray, out: np.ndarray, dy: int, dx: int) -> None:
    np.add(_inner(array, out.shape, 0, 0), _inner(array, out.shape, dy, dx), out=out)
    out += _inner(array, out.shape, -dy, -dx)


def _inner(array: np.ndarray, shape: tuple[int, ...], dy: int, dx: int) -> np.ndarray:
    """The middle part of an array, moved."""
    top, left = (array.shape[0] - shape[0]) // 2 + dy, (array.shape[1] - shape[1]) // 2 + dx
    return array[top : top + shape[0], left : left + shape[1]]


def _standing_out(best: np.ndarray, mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns that stand out of the ridges around them, none on the film's rim."""
    coarse = np.clip(best[::3, ::3], 0.0, CEILING)
    power = ndi.uniform_filter(coarse * coarse, int(AROUND_MM * mm / 3) | 1)
    level = np.maximum(np.sqrt(np.clip(power, 0.0, None)), FLOOR)
    level = np.repeat(np.repeat(level, 3, 0), 3, 1)[: best.shape[0], : best.shape[1]]
    out = best > STANDS_OUT * level
    out[:2] = out[-2:] = out[:, :2] = out[:, -2:] = False
    y, x = np.nonzero(out)
    return y, x


def _linked(y: np.ndarray, x: np.ndarray, orientation: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """Number of the curve of each point, and how many there are."""
    number = np.full(shape, -1, np.int32)
    number[y, x] = np.arange(len(y))
    ty, tx = np.sin(np.pi * orientation / ORIENTATIONS), np.cos(np.pi * orientation / ORIENTATIONS)
    pairs = []
    for dy, dx in _steps():
        other = number[np.minimum(y + dy, shape[0] - 1), np.clip(x + dx, 0, shape[1] - 1)]
        one = np.flatnonzero(other >= 0)
        two = other[one]
        turn = np.abs(orientation[one] - orientation[two])
        beside = np.abs(ty[one] * dx - tx[one] * dy)
        goes_on = (np.minimum(turn, ORIENTATIONS - turn) <= 1) & (beside <= 0.6 + 0.3 * np.hypot(dy, dx))
        pairs.append(np.stack([one[goes_on], two[goes_on]]))
    one, two = np.concatenate(pairs, axis=1)
    graph = coo_matrix((np.ones(len(one), bool), (one, two)), shape=(len(y), len(y)))
    count, curve = connected_components(graph, directed=False)
    return curve, int(count)


def _steps() -> list[tuple[int, int]]:
    """Moves within REACH, one of each opposite pair."""
    near = [(dy, dx) for dy in range(REACH + 1) for dx in range(-REACH, REACH + 1) if dy * dy + dx * dx <= REACH**2]
    return [(dy, dx) for dy, dx in near if dy > 0 or dx > 0]
