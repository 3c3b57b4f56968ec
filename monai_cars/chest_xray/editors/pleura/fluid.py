"""How free pleural fluid looks on a film, whatever shape its surface has."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, feather, smoothstep, thin_and_dense
from monai_cars.chest_xray.editors.canvas.smooth_proposal import smooth_proposal
from monai_cars.edits.edit import OPACIFIED, CannotEdit, Proposal, Quantity

BEYOND_MM = 8.0  # how far below and beside the segmented field aerated pixels may still be filled
COLUMNS_MM = 8.0  # smoothing from column to column
OWN_EDGE_MM = 6.0  # about the diaphragm, where its own line is no tube
GAS = 0.5  # contrast units; the abdomen is denser
ABDOMEN_MM = (6.0, 22.0)  # below the field's outline, where the abdomen is looked at
BUBBLE_MM = 16.0  # air that goes on this far from the field is no lung that its outline missed
MARGIN_MM = 4.0
SPARE_MM = 3.0
SMALLEST_LESION = 10  # working pixels
TAPER_MM, LEVEL_TAPER_MM = 2.0, 5.0  # towards the wall; a level ends at the mediastinum, where it must not show
EDGE_MM = 3.0
NEAR_ENOUGH = 0.001  # share of the asked amount by which what is filled may exceed it
GRAIN = 0.10  # contrast units; bound of the film's own detail that shows through fluid
Depth = Callable[[float], np.ndarray]


class Fluid(NamedTuple):
    """What fluid would do to a film: (h, w) contrast units, how far it hides the lung, where, and what it opacifies."""

    residual: np.ndarray
    hidden: np.ndarray
    support: np.ndarray
    lesion: np.ndarray
    devices: np.ndarray
    share: float


def fill_with_fluid(
    canvas: Canvas,
    side: str,
    depth: Depth,
    asked: Quantity,
    *,
    finding: str,
    note: str = "",
    density: Depth | None = None,
) -> Proposal:
    """Propose fluid whose level is raised until it opacifies the asked share of a lung field.

    Inside the fluid the film tends to the density below the diaphragm of the same side, so the diaphragm and the
    costophrenic angle vanish instead of shining through.

    Args:
        canvas: the film around one lung.
        side: the patient's side.
        depth: (h, w) thickness of the fluid in [0, 1] for a level (row).
        asked: share of the field outside the heart.
        finding: for the message.
        note: for the record.
        density: (h, w) density of the fluid for a level, in contrast units; that of the abdomen when None.

    Raises:
        CannotEdit: the field is not aerated enough for the asked share.
    """
    field = canvas.lung(side)
    free = field & ~canvas.heart
    tissue, smooth = soft_tissue(canvas, field), canvas.blur(canvas.u, 2.0)
    need = asked.value * free.sum()
    if need < SMALLEST_LESION or (free & (smooth < tissue - 1.5 * OPACIFIED)).sum() < 1.15 * need:
        raise CannotEdit(f"too little aerated {side} lung for {finding} of {asked.value:.0%} of its field")
    level = _fill_up(depth, free, smooth, tissue, need)
    fluid = fluid_at(canvas, side, depth(level), density=None if density is None else density(level))
    if not fluid.lesion.any():
        raise CannotEdit("no fluid level opacifies any aerated lung on this side")
    return smooth_proposal(
        canvas,
        fluid.residual,
        fluid.support,
        fluid.lesion,
        asked=asked,
        note=note,
        fine=(fluid.share - 1.0) * fluid.hidden * (fluid.devices == 0),
        low=canvas.u,
    )


def fluid_at(
    canvas: Canvas,
    side: str,
    depth: np.ndarray,
    *,
    density: np.ndarray | None = None,
    earlier: np.ndarray | None = None,
) -> Fluid:
    """What fluid does to the film.

    Args:
        canvas: the film around one lung.
        side: the patient's side.
        depth: (h, w) in [0, 1] how far the fluid hides what is behind it.
        density: (h, w) its density in contrast units; that of the abdomen when None.
        earlier: (h, w) bool fluid that is there already and takes on the new density.
    """
    field = canvas.lung(side)
    tissue, share, smooth = soft_tissue(canvas, field), _grain_share(canvas, field), canvas.blur(canvas.u, 2.0)
    taper = TAPER_MM if density is None else LEVEL_TAPER_MM
    dense = np.broadcast_to(tissue, canvas.u.shape) if density is None else density
    space = _pleural_space(canvas, field, tissue)
    # Along the wall the ray crosses less and less fluid: the target runs over into the density of the wall. The edit
    # fades out in a margin beyond the pleura, where it adds little, and not over a dark rim of lung.
    margin = ndi.binary_dilation(space, iterations=max(2, int(MARGIN_MM * canvas.feature)))
    depth = depth * feather(margin, EDGE_MM * canvas.feature)
    around = canvas.blur(np.where(space, dense, np.minimum(smooth, dense)), taper)
    again = (
        np.zeros_like(depth)
        if earlier is None
        else canvas.blur((earlier & field & ~canvas.heart).astype(np.float32), 1.0)
    )
    target = again * around + (1.0 - again) * np.maximum(around, smooth)
    # Fluid hides the lung that it covers down to a grain; what is dense already (heart, diaphragm) has nothing to lose.
    aerated = np.maximum(smoothstep((dense - smooth) / 0.35), again)
    hidden = depth * np.clip(aerated + ndi.gaussian_filter(aerated, 4 * canvas.feature), 0, 1)
    # A sharp border under the fluid (the diaphragm) would ring in the detail and shine through as a line.
    border = np.abs(canvas.blur(canvas.u, 1.2) - canvas.blur(canvas.u, 5.0))
    grain = np.clip(share * (canvas.u - smooth), -GRAIN, GRAIN) * np.exp(-((border / 0.10) ** 2))
    # Tubes and wires are not in the lung: fluid behind or before them adds to what they attenuate.
    distance, under = _under(canvas, field)
    edge = ndi.binary_dilation(under & (distance < 2.0), iterations=max(1, int(OWN_EDGE_MM * canvas.feature)))
    devices = thin_and_dense(canvas) * ~edge
    residual = hidden * (target + devices + grain - canvas.u)
    # A level is a sharp border of the fluid itself: the edit ends a little beyond it, not on it.
    support = ndi.binary_dilation(hidden > 0.004, iterations=max(2, int(SPARE_MM * canvas.feature))) & margin
    lesion = (depth * np.clip(tissue - smooth, 0, None) > OPACIFIED) & support
    return Fluid(residual, hidden, support, lesion, devices, share)


def soft_tissue(canvas: Canvas, field: np.ndarray) -> np.ndarray:
    """(1, w) density (contrast units) of the abdomen just under the diaphragm, column by column, gas left out.

    Fluid that merges with it hides the diaphragm; one density for all columns would leave a dark or a bright dome.
    """
    distance, under = _under(canvas, field)
    near, far = (mm * canvas.feature for mm in ABDOMEN_MM)
    abdomen = under & (distance > near) & (distance <= far) & (canvas.u > GAS)
    known = np.flatnonzero(abdomen.sum(0) > 0.4 * (far - near))
    if len(known) < 10:
        return np.full((1, field.shape[1]), 0.9, np.float32)
    density = (canvas.u * abdomen).sum(0)[known] / abdomen.sum(0)[known]
    every = np.interp(np.arange(field.shape[1]), known, np.clip(density, 0.70, 1.10))
    return ndi.gaussian_filter1d(every, COLUMNS_MM * canvas.feature, mode="nearest")[None].astype(np.float32)


def _under(canvas: Canvas, field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(h, w) pixels to the field, and (h, w) bool where the nearest of it lies above: diaphragm and abdomen."""

    def found() -> tuple[np.ndarray, np.ndarray]:
        distance, nearest = ndi.distance_transform_edt(~field, return_indices=True)
        y, x = np.mgrid[: field.shape[0], : field.shape[1]]
        return distance, (y - nearest[0]) > 1.5 * np.abs(x - nearest[1])

    return canvas.once(("under", field.tobytes()), found)


def distance_to_wall(field: np.ndarray, x: np.ndarray, wall_is_left: bool) -> np.ndarray:
    """(h, w) pixels from the lateral border of the field in the same row (rows below the field take its lowest)."""
    rows = np.flatnonzero(field.any(1))
    edge = np.full(field.shape[0], np.nan)
    edge[rows] = field[rows].argmax(1) if wall_is_left else field.shape[1] - 1 - field[rows, ::-1].argmax(1)
    edge = np.interp(np.arange(len(edge)), rows, edge[rows])
    # The outermost border so far: the field narrows again in the costophrenic angle, the chest wall does not.
    edge = np.minimum.accumulate(edge) if wall_is_left else np.maximum.accumulate(edge)
    return np.clip((x - edge[:, None]) * (1 if wall_is_left else -1), 0, None)


def _pleural_space(canvas: Canvas, field: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """(h, w) bool field and the aerated rim that its outline missed; a stomach bubble lies beyond the diaphragm."""
    steps = max(1, int(BEYOND_MM * canvas.feature))
    distance, under = _under(canvas, field)
    outside = ~field & ~canvas.anatomy[:2].any(0)
    gas = outside & (canvas.u < np.minimum(GAS, tissue - 0.3))
    labels, _ = ndi.label(gas & (distance <= BUBBLE_MM * canvas.feature))
    inner, far = (np.bincount(labels[m], minlength=labels.max() + 1) for m in (distance <= steps, distance > steps))
    bubble = (far > 0.5 * inner)[labels] & gas
    # Between the outline and the diaphragm nothing but lung can lie; beside it the chest wall's own fat is as bright.
    beside = ndi.binary_dilation(bubble, iterations=steps)
    rim = (gas | (outside & under & (canvas.u < tissue))) & ~beside & (distance <= steps)
    joined, _ = ndi.label(rim | field)
    return joined == np.bincount(joined[field]).argmax()


def _fill_up(depth: Depth, free: np.ndarray, smooth: np.ndarray, tissue: np.ndarray, need: float) -> float:
    """Lowest level (row) at which ``need`` pixels of the free field are opacified."""
    rows = np.flatnonzero(free.any(1))
    room = np.clip(tissue - smooth, 0.0, None)
    low, high = rows[0] - 1.0 * len(rows), rows[-1] + 1.0 * len(rows)
    for _ in range(12):
        level = (low + high) / 2
        filled = ((depth(level) * room > OPACIFIED) & free).sum()
        if need <= filled <= (1.0 + NEAR_ENOUGH) * need:
            return level
        low, high = (level, high) if filled >= need else (low, level)
    return low


def _below(canvas: Canvas, field: np.ndarray) -> tuple[slice, slice]:
    """The 30 mm of abdomen under the field."""
    rows, columns = np.flatnonzero(field.any(1)), np.flatnonzero(field.any(0))
    return slice(rows[-1], rows[-1] + int(30 * canvas.feature) + 1), slice(columns[0], columns[-1] + 1)


def _grain_share(canvas: Canvas, field: np.ndarray) -> float:
    """Share of the lung's fine detail that soft tissue of the same film shows: vessels go, noise stays."""
    fine = np.abs(canvas.u - canvas.blur(canvas.u, 1.0))
    below = fine[_below(canvas, field)]
    share = float(np.median(below) / max(np.median(fine[field]), 1e-6)) if below.size > 100 else 0.4
    return float(np.clip(share, 0.2, 0.9))
