"""Insert a displaced rib fracture: the rib is lifted off the film, cut, and laid back with one fragment moved."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage as ndi
from scipy.spatial import cKDTree

from monai_cars.edit import Box, CannotEdit, Edit, Proposal
from monai_cars.editors.canvas import Canvas, smoothstep, uniform
from monai_cars.editors.ribs import FLANK_MM, Rib, find_ribs, normals, straightened
from monai_cars.editors.site import region_of

GAP_MM = (0.5, 1.2)  # lucent line between the fragments
CUT_SLOPE = 0.7  # largest shift of the line along the rib per height across it: 55 to 90 degrees to the axis
JAGGED_MM = 0.35
MEDIAL = 0.38  # share of the row from the spine in which the hilar vessels cross the ribs: never cut there
FIXED_MM = 14.0  # of rib that must be seen on the side that stays
STRAIGHT_MM = 8.0  # of the moved fragment that is displaced in full
RETURN_MM, RETURN_PER_MM = 22.0, 3.0  # length over which it comes back to its place: least, and per mm displaced
LONGEST_MM = 80.0  # a fragment is stiff: it turns about a far point and does not bend
HINGE_MM = 4.0  # over which it bends there
CROSSING_MM = 11.0  # of rib along which a median leaves out what crosses it: vessels, other ribs' edges
GRAIN_MM = 2.0
SEEN_MM, SLACK = 1.5, 0.25  # along the rib, and share of the rib's density by which less may be seen in one place
TAPER_MM = 2.0
BLUR_MM = 0.25
SITE_MM = 10.0  # from the line: what a reader would mark as the fracture
LEAST_CONTRAST = 0.05  # contrast units of the rib over its flanks where it is cut
CLEAR = 2.3  # contrast over the spread of the film there; below it the fracture drowns in lung and noise
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
    asked = edit.asked or edit.scale.amount(uniform(0.0, 1.0, generator))
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
    lateral = _lateral_share(canvas, str(edit.side))
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
            if (
                moved < (least + 2.0) * canvas.feature
                or fixed < FIXED_MM * canvas.feature
                or seen[index] < LEAST_CONTRAST
                or clear[index] < CLEAR
            ):
                continue
            if lateral[row, column] > MEDIAL:
                cuts.append(_Cut(rib, index, end, min(moved / canvas.feature - 2.0, LONGEST_MM)))
                weights.append(clear[index] ** 2 * (1.0 if end > 0 else 0.3))
    if not cuts:
        where = " ".join(part for part in (edit.side, edit.zone) if part)
        raise CannotEdit(f"no rib can be followed well enough over the {where} lung to be broken")
    total = np.cumsum(weights)
    return cuts[int(np.searchsorted(total, float(torch.rand((), generator=generator)) * total[-1]))]


def _lateral_share(canvas: Canvas, side: str) -> np.ndarray:
    """(h, w) place of each pixel in its row of the field, from 0 at the spine to 1 at the wall."""
    field = canvas.lung(side)
    width = np.maximum(field.sum(1, keepdims=True), 1)
    share = np.cumsum(field, axis=1) / width
    return np.where(field, 1.0 - share if canvas.wall_is_left(side) else share, 0.0)


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


def rib_layer(film: np.ndarray, path: np.ndarray, across: np.ndarray, half: np.ndarray, mm: float) -> np.ndarray:
    """(n, m) contrast units of a rib alone, along its path and across it; zero beyond its flanks.

    The film is laid out so that both edges run straight, smoothed along the rib, freed of what lies behind, and laid
    back: a cortical line stays a line although the rib tapers.

    Args:
        film: (H, W) contrast units.
        path: (n, 2) axis in pixels, one apart.
        across: (m,) distances from the axis in pixels, evenly spaced, downwards.
        half: (n,) half the rib's height in pixels.
        mm: one millimetre in pixels.
    """
    usual = float(np.median(half))
    raw = straightened(film, path, _stretched(across[None], usual, half[:, None]))
    bands = ndi.median_filter(raw, (int(CROSSING_MM * mm) | 1, 1), mode="nearest")
    bands = ndi.gaussian_filter1d(bands, GRAIN_MM * mm, axis=0, mode="nearest")
    flank = usual + FLANK_MM * mm
    beside = [bands[:, np.abs(across - place) <= mm].mean(1, keepdims=True) for place in (-flank, flank)]
    share = np.clip((across + flank) / (2 * flank), 0.0, 1.0)
    behind = beside[0] * (1 - share) + beside[1] * share
    # No more is lifted off than is seen there: the lung behind would turn darker than the lung beside.
    slack = SLACK * float(np.median((bands - behind)[:, np.abs(across) < usual]))
    seen = np.clip(ndi.gaussian_filter(raw, (SEEN_MM * mm, 0.5)) - behind, 0.0, None) + max(slack, 0.0)
    layer = np.minimum(bands - behind, seen) * smoothstep((flank - np.abs(across)) / (TAPER_MM * mm))
    places = (_stretched(across[None], half[:, None], usual) - across[0]) / (across[1] - across[0])
    return ndi.map_coordinates(layer, np.stack(np.broadcast_arrays(np.arange(len(path))[:, None], places)), order=1)


def _stretched(across: np.ndarray, old, new) -> np.ndarray:
    """Distances from the axis when a rib's half height goes from ``old`` to ``new``; beyond the edges they shift."""
    beyond = np.abs(across) - old
    return np.where(beyond > 0, np.sign(across) * (new + beyond), across * new / old)


def broken(
    layer: np.ndarray,
    along: np.ndarray,
    across: np.ndarray,
    shift: float,
    line: np.ndarray,
    gap: float,
    mm: float,
    back: float,
) -> np.ndarray:
    """(n, m) the rib's layer with one fragment moved across the axis.

    Args:
        layer: (n, m) the whole rib.
        along: (n,) pixels from the cut, positive on the fragment that moves.
        across: (m,) pixels from the axis.
        shift: displacement in pixels, positive downwards.
        line: (m,) where the fracture line crosses, pixels along the rib.
        gap: width of the line in pixels.
        mm: one millimetre in pixels.
        back: mm from the cut at which the fragment is back in its place.
    """
    soft = max(BLUR_MM * mm, 0.35)
    moved = shift * _turn(along / mm, back)
    fixed = layer * _side(line[None] - gap / 2 - along[:, None], soft)
    where = np.stack(
        np.broadcast_arrays(
            np.arange(len(along))[:, None], (across[None] - moved[:, None] - across[0]) / (across[1] - across[0])
        )
    )
    loose = layer * _side(along[:, None] - line[None] - gap / 2, soft)
    # Where the fragment is back in its place it is the layer itself, to the bit.
    return np.where(moved[:, None] == 0.0, layer, fixed + ndi.map_coordinates(loose, where, order=1))


def _turn(along: np.ndarray, back: float) -> np.ndarray:
    """(n,) share of the displacement along a stiff fragment: 1 at the line, falling evenly to 0 at ``back`` mm."""
    share = np.clip((back - HINGE_MM - along) / (back - HINGE_MM - STRAIGHT_MM), 0.0, 1.0)
    bend = ndi.gaussian_filter1d(share, HINGE_MM / 3 / max(along[1] - along[0], 1e-6), mode="nearest", truncate=3.0)
    return np.where(along >= back, 0.0, bend)


def _side(distance: np.ndarray, soft: float) -> np.ndarray:
    return smoothstep(distance / (2 * soft) + 0.5)


def _line(across: np.ndarray, half: float, mm: float, generator: torch.Generator) -> np.ndarray:
    """(m,) course of the fracture line: oblique, a little jagged, along the rib in pixels."""
    slope = uniform(-CUT_SLOPE, CUT_SLOPE, generator)
    knots = torch.randn(9, generator=generator).numpy() * JAGGED_MM * mm
    return slope * np.clip(across, -half, half) + np.interp(across / half, np.linspace(-1, 1, 9), knots)


def _on_film(
    canvas: Canvas, change: np.ndarray, path: np.ndarray, across: np.ndarray, along: np.ndarray, asked
) -> Proposal:
    shape = canvas.native.shape
    reach = across[-1]
    box = Box(
        max(int(path[:, 0].min() - reach), 0),
        max(int(path[:, 1].min() - reach), 0),
        min(int(path[:, 0].max() + reach) + 2, shape[0]),
        min(int(path[:, 1].max() + reach) + 2, shape[1]),
    )
    pixels = np.argwhere(np.ones((box.y1 - box.y0, box.x1 - box.x0), bool)) + np.array([box.y0, box.x0], float)
    nearest, index = cKDTree(path).query(pixels, distance_upper_bound=1.5 * reach)
    near = np.flatnonzero(np.isfinite(nearest))
    offset, index = pixels[near] - path[index[near]], index[near]
    tangent = np.gradient(path, axis=0)
    s = index + (offset * tangent[index]).sum(1)
    v = (offset * normals(path)[index]).sum(1)
    values = np.zeros(len(pixels), np.float32)
    values[near] = ndi.map_coordinates(change, [s, (v - across[0]) / (across[1] - across[0])], order=1)
    # No edge of a film is sharper than its pixels: without this the line is a row of dots.
    values = ndi.gaussian_filter(values.reshape(box.y1 - box.y0, box.x1 - box.x0), 0.5)
    place = np.full(len(pixels), np.inf)
    place[near] = np.interp(s, np.arange(len(along)), np.abs(along))
    # The support ends where nothing is changed any more, also beside the sharp edge of the rib.
    support = ndi.binary_dilation(np.abs(values) > LEAST, iterations=2)
    mm = canvas.feature * canvas.factor
    lesion = support & (place.reshape(values.shape) < SITE_MM * mm)
    lesion = ndi.binary_closing(np.pad(lesion, 8), iterations=max(1, int(1.5 * mm)))[8:-8, 8:-8]
    if not lesion.any():
        raise CannotEdit("the rib is too faint for a fracture to be seen")
    support |= lesion
    return Proposal(
        box,
        torch.from_numpy(
            np.where(support, np.sign(values) * np.clip(np.abs(values) - LEAST, 0.0, None), 0.0).astype(np.float32)
        ),
        torch.from_numpy(support),
        torch.from_numpy(lesion),
        asked,
        "displaced posterior rib fracture",
    )
