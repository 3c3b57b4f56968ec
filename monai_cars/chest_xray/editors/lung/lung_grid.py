"""A lung field as a grid of height and of distance from the mediastinum, so that places of different lungs compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas

HEIGHTS, WIDTHS = 24, 12  # cells of a lung field: about 11 x 9 mm of an adult's
EDGE_MM = 5.0  # smoothing of the field's borders down the rows
NARROW_MM = 6.0  # rows of a field with less lung than this are left out


@dataclass(frozen=True)
class LungGrid:
    """Where the cells of one lung field lie on the working grid.

    Args:
        top: first row of the field that is wide enough.
        medial: (rows,) column of the field's border beside the mediastinum or the heart.
        lateral: (rows,) column of its border beside the chest wall.
    """

    top: int
    medial: np.ndarray
    lateral: np.ndarray

    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """(HEIGHTS, WIDTHS) rows and columns of the cells' centres."""
        share = (np.arange(HEIGHTS) + 0.5) / HEIGHTS * len(self.medial) - 0.5
        across = (np.arange(WIDTHS) + 0.5) / WIDTHS
        medial, lateral = (
            np.interp(share, np.arange(len(edge)), edge)[:, None] for edge in (self.medial, self.lateral)
        )
        return np.repeat(share[:, None] + self.top, WIDTHS, 1), medial + across * (lateral - medial)

    def spread(self, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """(h, w) film of values given by cell, continued beyond the field's borders."""
        column = np.arange(shape[1], dtype=np.float32)[None]
        row = np.clip(np.arange(shape[0]) - self.top, 0, len(self.medial) - 1)
        medial, lateral = self.medial[row][:, None], self.lateral[row][:, None]
        across = (column - medial) / (lateral - medial) * WIDTHS - 0.5
        down = np.broadcast_to((row[:, None] + 0.5) / len(self.medial) * HEIGHTS - 0.5, shape)
        return ndi.map_coordinates(values.astype(np.float32), [down, across], order=1, mode="nearest")


def lung_grid(canvas: Canvas, side: str) -> LungGrid | None:
    """The grid of one lung field outside the heart; None where there is hardly a field."""
    free = canvas.lung(side) & ~canvas.heart
    width = free.sum(1)
    rows = np.flatnonzero(width >= max(3.0, NARROW_MM * canvas.feature))
    if len(rows) < HEIGHTS or width[rows].max() < WIDTHS:
        return None
    rows = np.arange(rows[0], rows[-1] + 1)
    some = free[rows].any(1)
    # A row without lung between others (a heart that cuts the field in two) takes its borders from its neighbours.
    edges = [np.interp(rows, rows[some], edge[some]) for edge in _ends(free[rows])]
    first, last = (ndi.gaussian_filter1d(edge, EDGE_MM * canvas.feature, mode="nearest") for edge in edges)
    last = np.maximum(last, first + 2.0)
    return LungGrid(int(rows[0]), *((last, first) if canvas.wall_is_left(side) else (first, last)))


def _ends(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return rows.argmax(1).astype(float), rows.shape[1] - 1.0 - rows[:, ::-1].argmax(1)


def sample(grids: list[LungGrid | None], film: np.ndarray) -> np.ndarray:
    """(2, HEIGHTS, WIDTHS) film at the centres of the cells; NaN where a lung has no grid."""
    values = np.full((2, HEIGHTS, WIDTHS), np.nan)
    for part, grid in zip(values, grids, strict=True):
        if grid is not None:
            part[:] = ndi.map_coordinates(film, grid.cells(), order=1, mode="nearest")
    return values
