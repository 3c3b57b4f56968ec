"""Insert a pleural effusion: a meniscus on an erect film, a veil on a supine one."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.edit import OPACIFIED, CannotEdit, Edit, Proposal, Quantity
from monai_cars.editors.canvas import Canvas, feather, smooth_noise, smoothstep, thin_and_dense, uniform
from monai_cars.editors.native import smooth_proposal

BEYOND_MM = 8.0  # how far below and beside the segmented field aerated pixels may still be filled
MARGIN_MM = 4.0
SMALLEST_LESION = 10  # working pixels
TAPER_MM = 2.0
EDGE_MM = 3.0
GRAIN = 0.10  # contrast units; bound of the film's own detail that shows through fluid
NOTES = {"supine": "layered fluid (supine film)", None: "erect meniscus; the film does not say erect or supine"}
Depth = Callable[[float], np.ndarray]


def insert_effusion(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose free pleural fluid that opacifies the asked share of a lung field.

    Inside the fluid the film tends to the density below the diaphragm of the same side, so the diaphragm and the
    costophrenic angle vanish instead of shining through.

    Raises:
        CannotEdit: the field is not aerated enough for the asked share.
    """
    asked = edit.asked or edit.scale.amount(uniform(0.0, 1.0, generator))
    side = str(edit.side)
    field = canvas.lung(side)
    free = field & ~canvas.heart
    tissue = _soft_tissue(canvas, field)
    smooth = canvas.blur(canvas.u, 2.0)
    need = asked.value * free.sum()
    if need < SMALLEST_LESION or (free & (smooth < tissue - 1.5 * OPACIFIED)).sum() < 1.15 * need:
        raise CannotEdit(f"too little aerated {side} lung for an effusion of {asked.value:.0%} of its field")
    space = _pleural_space(canvas, field, tissue)
    shape = _veil if canvas.position == "supine" else _meniscus
    depth = _fill_up(shape(canvas, side, generator), free, smooth, tissue, need)
    return _propose(canvas, depth, space, smooth, _Looks(tissue, _grain_share(canvas, field)), asked)


def _soft_tissue(canvas: Canvas, field: np.ndarray) -> float:
    """Density (contrast units) of the abdomen just below the field, gas bubbles left out."""
    below = canvas.u[_below(canvas, field)]
    return float(np.clip(np.percentile(below, 50), 0.70, 1.10)) if below.size > 100 else 0.9


def _pleural_space(canvas: Canvas, field: np.ndarray, tissue: float) -> np.ndarray:
    """(h, w) bool field and the aerated rim that its outline missed; a stomach bubble lies beyond the diaphragm."""
    near = ndi.binary_dilation(field, iterations=max(1, int(BEYOND_MM * canvas.feature)))
    others = canvas.anatomy[:2].any(0) & ~field
    rim = near & ~field & ~others & (canvas.u < min(0.5, tissue - 0.3))
    labels, _ = ndi.label(rim | field)
    return labels == np.bincount(labels[field]).argmax()


def _meniscus(canvas: Canvas, side: str, generator: torch.Generator) -> Depth:
    """Depth of fluid for a level: it climbs the chest wall, climbs a little along the mediastinum, and thins upward."""
    field = canvas.lung(side)
    y, x = np.mgrid[: field.shape[0], : field.shape[1]].astype(np.float32)
    mm = canvas.feature
    to_wall = _distance_to_wall(field, x, canvas.wall_is_left(side)) / mm
    width = np.clip(np.ptp(np.flatnonzero(field.any(0))) / mm, 60, 160)
    wall = uniform(35, 60, generator) * np.exp(-to_wall / uniform(16, 24, generator))
    inner = uniform(6, 14, generator) * np.exp(-np.clip(width - to_wall, 0, None) / 15)
    wave = 2.0 * smooth_noise((1, field.shape[1]), 25 * mm, generator)
    # Beside the wall the X-ray grazes a thin standing sheet, medially it crosses a wedge: soft top, softer inside.
    thinning = mm * (12 + uniform(22, 34, generator) * (1 - np.exp(-to_wall / 25)))
    surface = -mm * (wall + inner + wave)

    def depth(level: float) -> np.ndarray:
        above = (y - (level + surface)) / thinning
        # Deeper fluid is thicker: it goes on whitening below the level where it already hides the lung.
        return smoothstep(above) ** 0.7 * (0.86 + 0.14 * np.clip(above / 3.0, 0.0, 1.0))

    return depth


def _distance_to_wall(field: np.ndarray, x: np.ndarray, wall_is_left: bool) -> np.ndarray:
    """(h, w) pixels from the lateral border of the field in the same row (rows below the field take its lowest)."""
    rows = np.flatnonzero(field.any(1))
    edge = np.full(field.shape[0], np.nan)
    edge[rows] = field[rows].argmax(1) if wall_is_left else field.shape[1] - 1 - field[rows, ::-1].argmax(1)
    edge = np.interp(np.arange(len(edge)), rows, edge[rows])
    # The outermost border so far: the field narrows again in the costophrenic angle, the chest wall does not.
    edge = np.minimum.accumulate(edge) if wall_is_left else np.maximum.accumulate(edge)
    return np.clip((x - edge[:, None]) * (1 if wall_is_left else -1), 0, None)


def _veil(canvas: Canvas, side: str, generator: torch.Generator) -> Depth:
    """Depth of fluid that layers behind the lung of a supine patient: a haze that grows towards the base."""
    field = canvas.lung(side)
    rows = np.flatnonzero(field.any(1))
    y = np.mgrid[: field.shape[0], : field.shape[1]][0].astype(np.float32)
    height = max(rows[-1] - rows[0], 1)
    strength = uniform(0.45, 0.65, generator)

    def depth(level: float) -> np.ndarray:
        return strength * smoothstep((y - level) / (0.5 * height) + 0.25)

    return depth


def _fill_up(depth: Depth, free: np.ndarray, smooth: np.ndarray, tissue: float, need: float) -> np.ndarray:
    """Lower the fluid's level until ``need`` pixels of the free field are opacified."""
    rows = np.flatnonzero(free.any(1))
    room = np.clip(tissue - smooth, 0.0, None)
    low, high = rows[0] - 1.0 * len(rows), rows[-1] + 1.0 * len(rows)
    for _ in range(12):
        level = (low + high) / 2
        enough = ((depth(level) * room > OPACIFIED) & free).sum() >= need
        low, high = (level, high) if enough else (low, level)
    return depth(low)


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


class _Looks(NamedTuple):
    """How fluid looks on this film: its density, and the share of the fine detail that shows through it."""

    tissue: float
    share: float


def _propose(
    canvas: Canvas, depth: np.ndarray, space: np.ndarray, smooth: np.ndarray, looks: _Looks, asked: Quantity
) -> Proposal:
    tissue, share = looks
    # Along the wall the ray crosses less and less fluid: the target runs over into the density of the wall. The edit
    # fades out in a margin beyond the pleura, where it adds little, and not over a dark rim of lung.
    margin = ndi.binary_dilation(space, iterations=max(2, int(MARGIN_MM * canvas.feature)))
    depth = depth * feather(margin, EDGE_MM * canvas.feature)
    target = np.maximum(canvas.blur(np.where(space, tissue, np.minimum(smooth, tissue)), TAPER_MM), smooth)
    # Fluid hides the lung that it covers down to a grain; what is dense already (heart, diaphragm) has nothing to lose.
    aerated = smoothstep((tissue - smooth) / 0.35)
    hidden = depth * np.clip(aerated + ndi.gaussian_filter(aerated, 4 * canvas.feature), 0, 1)
    # A sharp border under the fluid (the diaphragm) would ring in the detail and shine through as a line.
    border = np.abs(canvas.blur(canvas.u, 1.2) - canvas.blur(canvas.u, 5.0))
    grain = np.clip(share * (canvas.u - smooth), -GRAIN, GRAIN) * np.exp(-((border / 0.10) ** 2))
    # Tubes and wires are not in the lung: fluid behind or before them adds to what they attenuate.
    devices = thin_and_dense(canvas)
    target = target + devices
    residual = hidden * (target + grain - canvas.u)
    support = (hidden > 0.004) & margin
    lesion = (depth * np.clip(tissue - smooth, 0, None) > OPACIFIED) & support
    if not lesion.any():
        raise CannotEdit("no fluid level opacifies any aerated lung on this side")
    return smooth_proposal(
        canvas,
        residual,
        support,
        lesion,
        asked=asked,
        note=NOTES.get(canvas.position, ""),
        fine=(share - 1.0) * hidden * (devices == 0),
        low=canvas.u,
    )
