"""Insert a displaced rib fracture: the rib is lifted off the film, cut, and laid back with one fragment moved."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage as ndi
from scipy.spatial import cKDTree

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, uniform
from monai_cars.chest_xray.editors.canvas.site import region_of
from monai_cars.chest_xray.editors.mediastinum.hilar_place import from_spine
from monai_cars.chest_xray.editors.wall.rib_layer import STRAIGHT_MM, TAPER_MM, broken, rib_layer
from monai_cars.chest_xray.editors.wall.ribs import FLANK_MM, Rib, find_ribs, normals
from monai_cars.edits.edit import Box, CannotEdit, Edit, Proposal, Quantity

GAP_MM = (0.5, 1.2)  # lucent line between the fragments
CUT_SLOPE = 0.7  # largest shift of the line along the rib per height across it: 55 to 90 degrees to the axis
JAGGED_MM = 0.35
MEDIAL = 0.38  # share of the row from the spine in which the hilar vessels cross the ribs: never cut there
FIXED_MM = 14.0  # of rib that must be seen on the side that stays
RETURN_MM, RETURN_PER_MM = 22.0, 3.0  # length over which it comes back to its place: least, and per mm displaced
LONGEST_MM = 80.0  # a fragment is stiff: it turns about a far point and does not bend
SITE_MM = 10.0  # from the line: what a reader would mark as the fracture
LEAST_CONTRAST = 0.05  # contrast units of the rib over its flanks where it is cut
CLEAR = 2.3  # contrast over the spread of the film there; below it the fracture drowns in lung and noise
NOTE = "displaced fracture of a posterior rib"
LEAST = 0.003  # contrast units that a support still holds


class _Cut(NamedTuple):
    """Where a rib is cut: index on its path, which end moves (1 = lateral, -1 = medial), over how many mm."""

    rib: Rib
    at: int
    end: int
    back: float


def insert_fracture(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose an acute fracture of a posterior rib with the asked displacement across its axis.

    The rib is what the film shows along its path above the density beside it. Moving that layer, not the film, leaves
    the vessels and the lung that it crosses where they are.

    Raises:
        CannotEdit: no scale, or no rib can be followed well enough on that side.
    """
    asked = edit.amount
    shift = canvas.millimetres(asked.value)
    least = STRAIGHT_MM + max(RETURN_MM, RETURN_PER_MM * asked.value)
    cut = _choose(canvas, edit, find_ribs(canvas, str(edit.side)), least, generator)
    sign = 1.0 if uniform(0.0, 1.0, generator) < 0.65 else -1.0  # rather down, as the muscles pull
    path, half, start = _native_path(cut, canvas)
    mm = canvas.feature * canvas.factor
    reach = half.max() + (FLANK_MM + TAPER_MM + 2.0) * mm + shift * canvas.factor
    across = np.arange(-reach, reach + 0.5, 0.5)
    layer = rib_layer(canvas.native.cpu().numpy(), path, across, half, mm)
    along = np.arange(len(path)) - start
    line = _line(across, float(half[start]), mm, generator)
    gap = uniform(*GAP_MM, generator) * mm
    change = broken(layer, along, across, sign * shift * canvas.factor, line, gap, mm, cut.back) - layer
    return _on_film(canvas, change, path, across, along, asked)


def _choose(canvas: Canvas, edit: Edit, ribs: list[Rib], least: float, generator: torch.Generator) -> _Cut:
    """A place on a rib, rather lateral and rather where the rib is well seen."""
    lateral = from_spine(canvas, str(edit.side))
    lateral[~region_of(canvas, str(edit.side), edit.zone)] = 0.0
    cuts, weights = [], []
    for rib in ribs:
        near = int(8 * canvas.feature)
        seen, clear = (
            ndi.minimum_filter1d(ndi.gaussian_filter1d(x, near / 4), near) for x in (rib.contrast, rib.clarity)
        )
        n = len(seen)
        for index, end in ((k, e) for k in range(0, n, 3) for e in (1, -1)):
            moved, fixed = (n - index, index) if end > 0 else (index, n - index)
            row, column = rib.path[index].astype(int)
            long = moved > (least + 2.0) * canvas.feature and fixed > FIXED_MM * canvas.feature
            if long and seen[index] > LEAST_CONTRAST and clear[index] > CLEAR and lateral[row, column] > MEDIAL:
                cuts.append(_Cut(rib, index, end, min(moved / canvas.feature - 2.0, LONGEST_MM)))
                weights.append(clear[index] ** 2 * (1.0 if end > 0 else 0.3))
    if not cuts:
        where = " ".join(part for part in (edit.side, edit.zone) if part)
        raise CannotEdit(f"no rib can be followed well enough over the {where} lung to be broken")
    total = np.cumsum(weights)
    return cuts[int(np.searchsorted(total, float(torch.rand((), generator=generator)) * total[-1]))]


def _native_path(cut: _Cut, canvas: Canvas) -> tuple[np.ndarray, np.ndarray, int]:
    """(n, 2) axis in native pixels, one apart, from the fixed part to the moved one, (n,) half height, cut's index."""
    order = slice(None, None, cut.end)
    path, half = (cut.rib.path[order] + 0.5) * canvas.factor - 0.5, cut.rib.half[order] * canvas.factor
    index = cut.at if cut.end > 0 else len(path) - 1 - cut.at
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    mm = canvas.feature * canvas.factor
    places = np.arange(max(length[index] - FIXED_MM * mm, 0.0), min(length[index] + (cut.back + 2) * mm, length[-1]))
    dense = np.stack([np.interp(places, length, path[:, axis]) for axis in (0, 1)], 1)
    return dense, np.interp(places, length, half), int(np.argmin(np.abs(places - length[index])))


def _line(across: np.ndarray, half: float, mm: float, generator: torch.Generator) -> np.ndarray:
    """(m,) course of the fracture line: oblique, a little jagged, along the rib in pixels."""
    slope = uniform(-CUT_SLOPE, CUT_SLOPE, generator)
    knots = torch.randn(9, generator=generator).numpy() * JAGGED_MM * mm
    return slope * np.clip(across, -half, half) + np.interp(across / half, np.linspace(-1, 1, 9), knots)


def _on_film(
    canvas: Canvas, change: np.ndarray, path: np.ndarray, across: np.ndarray, along: np.ndarray, asked: Quantity
) -> Proposal:
    """Bring a change from a rib's coordinates onto the film."""
    shape, reach = canvas.native.shape, across[-1]
    box = Box(
        max(int(path[:, 0].min() - reach), 0),
        max(int(path[:, 1].min() - reach), 0),
        min(int(path[:, 0].max() + reach) + 2, shape[0]),
        min(int(path[:, 1].max() + reach) + 2, shape[1]),
    )
    near, s, v = _coordinates(path, box, reach)
    values, place = np.zeros(near.shape, np.float32), np.full(near.shape, np.inf)
    values[near] = ndi.map_coordinates(change, [s, (v - across[0]) / (across[1] - across[0])], order=1)
    place[near] = np.interp(s, np.arange(len(along)), np.abs(along))
    # No edge of a film is sharper than its pixels: without this the line is a row of dots.
    values = ndi.gaussian_filter(values, 0.5)
    # The support ends where nothing is changed any more, also beside the sharp edge of the rib.
    support = ndi.binary_dilation(np.abs(values) > LEAST, iterations=2)
    mm = canvas.feature * canvas.factor
    lesion = support & (place < SITE_MM * mm)
    lesion = ndi.binary_closing(np.pad(lesion, 8), iterations=max(1, int(1.5 * mm)))[8:-8, 8:-8]
    if not lesion.any():
        raise CannotEdit("the rib is too faint for a fracture to be seen")
    support |= lesion
    residual = np.sign(values) * np.clip(np.abs(values) - LEAST, 0.0, None) * support
    masks = torch.from_numpy(support), torch.from_numpy(lesion)
    return Proposal(
        box, torch.from_numpy(residual.astype(np.float32)), *masks, asked, "displaced posterior rib fracture"
    )


def _coordinates(path: np.ndarray, box: Box, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(h, w) bool pixels near a path, and how far along it and across it each of them lies."""
    shape = (box.y1 - box.y0, box.x1 - box.x0)
    pixels = np.argwhere(np.ones(shape, bool)) + np.array([box.y0, box.x0], float)
    distance, index = cKDTree(path).query(pixels, distance_upper_bound=1.5 * reach)
    near = np.isfinite(distance)
    offset, index = pixels[near] - path[index[near]], index[near]
    tangent = np.gradient(path, axis=0)[index]
    return near.reshape(shape), index + (offset * tangent).sum(1), (offset * normals(path)[index]).sum(1)
