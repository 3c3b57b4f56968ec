"""Insert a pleural effusion: a meniscus on an erect film, a veil on a supine one."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.edit import OPACIFIED, CannotEdit, Edit, Proposal
from monai_cars.editors.canvas import Canvas, feather, smooth_noise, smoothstep, uniform
from monai_cars.editors.site import sides_of
from monai_cars.editors.texture import smooth_proposal

BEYOND_MM = 8.0  # how far below and beside the segmented field aerated pixels may still be filled
EDGE_MM = 2.0
GRAIN = 0.05  # contrast units of the film's own detail that still show through fluid


def insert_effusion(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose free pleural fluid that opacifies the asked share of a lung field.

    Inside the fluid the film tends to the density below the diaphragm of the same side, so the diaphragm and the
    costophrenic angle vanish instead of shining through.

    Raises:
        CannotEdit: the field is not aerated enough for the asked share.
    """
    asked = edit.asked or edit.scale.amount(uniform(0.0, 1.0, generator))
    reason = ""
    for side in sides_of(canvas, edit, generator):
        field = canvas.lung(side)
        free = field & ~canvas.heart
        tissue = _soft_tissue(canvas, field)
        smooth = canvas.blur(canvas.u, 2.0)
        need = asked.value * free.sum()
        if (free & (smooth < tissue - 1.5 * OPACIFIED)).sum() < 1.15 * need:
            reason = f"too little aerated {side} lung for an effusion of {asked.value:.0%} of its field"
            continue
        space = _pleural_space(canvas, field, tissue)
        shape = _veil if canvas.position == "supine" else _meniscus
        depth = _fill_up(shape(canvas, field, generator), free, smooth, tissue, need)
        depth = depth * feather(space, EDGE_MM * canvas.feature)
        return _propose(canvas, depth, space, smooth, tissue, asked)
    raise CannotEdit(reason)


def _soft_tissue(canvas: Canvas, field: np.ndarray) -> float:
    """Density (contrast units) of the abdomen just below the field, gas bubbles left out."""
    rows = np.flatnonzero(field.any(1))
    columns = np.flatnonzero(field.any(0))
    below = canvas.u[rows[-1] : rows[-1] + int(30 * canvas.feature) + 1, columns[0] : columns[-1] + 1]
    return float(np.clip(np.percentile(below, 60), 0.75, 1.05)) if below.size > 100 else 0.9


def _pleural_space(canvas: Canvas, field: np.ndarray, tissue: float) -> np.ndarray:
    """The field and the aerated rim that its outline missed; the stomach bubble lies beyond the diaphragm's line."""
    near = ndi.binary_dilation(field, iterations=max(1, int(BEYOND_MM * canvas.feature)))
    others = canvas.anatomy[:2].any(0) & ~field
    rim = near & ~field & ~others & (canvas.u < tissue - 0.3)
    labels, _ = ndi.label(rim | field)
    return (labels == np.bincount(labels[field]).argmax()) & ~others if field.any() else field


def _meniscus(canvas: Canvas, field: np.ndarray, generator: torch.Generator):
    """Depth of fluid for a level: it rises along the chest wall, a little along the mediastinum, and thins upward."""
    y, x = np.mgrid[: field.shape[0], : field.shape[1]].astype(np.float32)
    columns = np.flatnonzero(field.any(0))
    lateral_is_left = columns.mean() < np.nonzero(canvas.anatomy[:2].any(0))[1].mean()
    along = (x - columns[0]) / max(columns[-1] - columns[0], 1)
    medial = along if lateral_is_left else 1.0 - along  # 0 at the chest wall, 1 at the mediastinum
    mm = canvas.feature
    wall = uniform(22, 40, generator) * mm * np.exp(-np.clip(medial, 0, 1) / uniform(0.13, 0.2, generator))
    inner = uniform(4, 10, generator) * mm * np.exp(-(1 - np.clip(medial, 0, 1)) / 0.10)
    wave = 1.5 * mm * smooth_noise((1, field.shape[1]), 25 * mm, generator)
    thinning = uniform(9, 16, generator) * mm * (0.45 + 0.55 * np.clip(medial, 0, 1))
    surface = -wall - inner + wave

    def depth(level: float) -> np.ndarray:
        return smoothstep((y - (level + surface)) / thinning) ** 0.8

    return depth


def _veil(canvas: Canvas, field: np.ndarray, generator: torch.Generator):
    """Depth of fluid that layers behind the lung of a supine patient: a haze that grows towards the base."""
    rows = np.flatnonzero(field.any(1))
    y = np.mgrid[: field.shape[0], : field.shape[1]][0].astype(np.float32)
    height = max(rows[-1] - rows[0], 1)
    strength = uniform(0.45, 0.65, generator)

    def depth(level: float) -> np.ndarray:
        return strength * smoothstep((y - level) / (0.5 * height) + 0.25)

    return depth


def _fill_up(depth, free: np.ndarray, smooth: np.ndarray, tissue: float, need: float) -> np.ndarray:
    """Lower the fluid's level until ``need`` pixels of the free field are opacified."""
    rows = np.flatnonzero(free.any(1))
    room = np.clip(tissue - smooth, 0.0, None)
    low, high = rows[0] - 1.0 * len(rows), rows[-1] + 1.0 * len(rows)
    for _ in range(12):
        level = (low + high) / 2
        enough = ((depth(level) * room > OPACIFIED) & free).sum() >= need
        low, high = (level, high) if enough else (low, level)
    return depth(low)


def _propose(canvas: Canvas, depth, space, smooth, tissue, asked) -> Proposal:
    # Fluid hides what it covers: the film's own detail is replaced down to a grain that ribs leave.
    detail = np.clip(canvas.u - smooth, -GRAIN, GRAIN)
    target = np.maximum(tissue, smooth) + detail
    residual = depth * (target - canvas.u)
    support = (depth > 0.004) & space
    lesion = (depth * np.clip(tissue - smooth, 0, None) > OPACIFIED) & support
    if not lesion.any():
        raise CannotEdit("no fluid level opacifies any aerated lung on this side")
    note = {"supine": "layered fluid (supine film)", None: "erect meniscus; the film does not say erect or supine"}
    return smooth_proposal(
        canvas,
        residual,
        support,
        lesion,
        asked=asked,
        note=note.get(canvas.position, ""),
        fine=-0.75 * depth,
        low=canvas.u,
    )
