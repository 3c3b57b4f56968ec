"""Densities of the lungs that a place can be compared with: around it, opposite to it, and of the lungs as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import STRUCTURES
from monai_cars.gates.contract import Context

GRID_MM = 1.5
INNER_MM, OUTER_MM = 3.0, 18.0  # the ring of lung around a place
SMOOTH_MM = 5.0
RIM_MM = 3.0  # beside its border the film is not all lung


@dataclass(frozen=True)
class Places:
    """A lesion and what it is compared with, on a grid of 1.5 mm over the whole film.

    Args:
        step: native pixels per grid pixel.
        lesion: (h, w) bool.
        ring: (h, w) bool lung around it that was not edited.
        lungs: (h, w) bool lung outside the heart without its rim.
        unedited: (h, w) bool part of it outside the support.
        opposite: rows and columns of the other lung's pixels that lie as the lesion's do.
        opposite_ring: the same of the ring's.
    """

    step: int
    lesion: np.ndarray
    ring: np.ndarray
    lungs: np.ndarray
    unedited: np.ndarray
    opposite: tuple[np.ndarray, np.ndarray]
    opposite_ring: tuple[np.ndarray, np.ndarray]

    def of(self, film: torch.Tensor) -> np.ndarray:
        """(h, w) film on the grid."""
        return film[0, :: self.step, :: self.step].float().cpu().numpy()

    def smooth(self, film: torch.Tensor, millimetre: float) -> np.ndarray:
        """(h, w) low-pass of the film's lungs, from lung only."""
        sigma, inside = SMOOTH_MM * millimetre / self.step, self.lungs.astype(np.float32)
        values = ndi.gaussian_filter(self.of(film) * inside, sigma)
        return values / np.maximum(ndi.gaussian_filter(inside, sigma), 1e-3)


def places(context: Context) -> Places:
    """Find them."""
    step = max(1, int(GRID_MM * context.millimetre))
    masks = context.anatomy[:, ::step, ::step].cpu().numpy() > 0
    lesion, support = (_full(part, context, masks.shape[1:], step) for part in (context.lesion, context.support))
    fields = [field & ~masks[STRUCTURES.index("heart")] for field in masks[:2]]
    lungs = fields[0] | fields[1]
    distance = ndi.distance_transform_edt(~lesion) * step / context.millimetre
    ring = (distance > INNER_MM) & (distance < OUTER_MM) & lungs
    inner = ndi.binary_erosion(lungs, iterations=max(1, round(RIM_MM * context.millimetre / step)))
    unedited = ring & ~support
    ring = unedited if unedited.sum() >= 0.2 * ring.sum() else ring
    return Places(
        step,
        lesion,
        ring,
        inner,
        inner & ~support,
        _opposite(lesion, fields, support),
        _opposite(ring, fields, support),
    )


def _full(part: torch.Tensor, context: Context, shape: tuple[int, ...], step: int) -> np.ndarray:
    film = torch.zeros(context.anatomy.shape[1:], dtype=torch.bool)
    film[context.box.slices] = part.cpu() > 0
    return film[::step, ::step].numpy()[: shape[0], : shape[1]]


def _opposite(place: np.ndarray, fields: list[np.ndarray], support: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the other lung at the same share of its height and of its rows as the place's pixels of their lung."""
    own = int((place & fields[1]).sum() > (place & fields[0]).sum())
    rows, columns = np.nonzero(place & fields[own])
    if not len(rows) or not fields[1 - own].any():
        return np.zeros(0, int), np.zeros(0, int)
    here, there = (_borders(field) for field in (fields[own], fields[1 - own]))
    share = (columns + 0.5 - here[1][rows]) / (here[2][rows] + 1 - here[1][rows])
    height = (rows - here[0][0]) / max(len(here[0]) - 1, 1)
    row = there[0][0] + np.rint(height * (len(there[0]) - 1)).astype(int)
    column = (there[1][row] + (1 - share) * (there[2][row] + 1 - there[1][row])).astype(int)
    column = np.clip(column, 0, place.shape[1] - 1)
    kept = fields[1 - own][row, column] & ~support[row, column]
    return row[kept], column[kept]


def _borders(field: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of a field from its first to its last, and for every row of the film its first and last column."""
    rows = np.flatnonzero(field.any(1))
    first, last = field.argmax(1), field.shape[1] - 1 - field[:, ::-1].argmax(1)
    return np.arange(rows[0], rows[-1] + 1), first, last
