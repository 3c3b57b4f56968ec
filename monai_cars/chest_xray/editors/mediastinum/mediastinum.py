"""Insert a wide mediastinum: its borders above the heart move into the lungs in smooth convex curves."""

from __future__ import annotations

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, thin_and_dense, uniform
from monai_cars.chest_xray.editors.mediastinum.border import snapped
from monai_cars.chest_xray.editors.mediastinum.silhouette import AROUND_MM, Gain, Side, displaced, gained, joined
from monai_cars.edits.edit import CannotEdit, Edit, Proposal

ONE_SIDED = 0.25  # share of the films in which one side only bulges (an aneurysm, nodes on one side)
START_MM = 7.0  # from the segmented field's medial border, which runs beside the spine, to the one that is seen
LUNG_LEFT = 0.45  # share of the field's width in a row that stays lung


def insert_wide_mediastinum(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a mediastinum that is wider by the asked millimetres in its widest row, between the apices and the heart.

    Raises:
        CannotEdit: no scale, no heart to mark the upper mediastinum's end, or too little lung beside it.
    """
    asked = edit.amount
    total = canvas.millimetres(asked.value)
    left = _left_share(edit.side, generator)
    top, bottom = _upper(canvas)
    centre, spread = uniform(0.50, 0.70, generator), uniform(0.42, 0.60, generator)
    devices = thin_and_dense(canvas) > 0
    gains = []
    for name, share in (("left", left), ("right", 1.0 - left)):
        if share > 0:
            # The two borders are no mirror images; both are widest in one row, so that the widths add up.
            bulge = (centre, spread * uniform(0.85, 1.15, generator), uniform(1.2, 2.0, generator))
            gains.append(_bulged(canvas, name, (top, bottom), bulge, share * total, devices))
    return joined(canvas, gains, asked=asked)


def _left_share(side: str | None, generator: torch.Generator) -> float:
    share = uniform(0.3, 0.7, generator)
    single = uniform(0.0, 1.0, generator)
    if side is not None:
        return float(side == "left")
    return float(single < ONE_SIDED / 2) if min(single, 1.0 - single) < ONE_SIDED / 2 else share


def _upper(canvas: Canvas) -> tuple[int, int]:
    """First and last row of the upper mediastinum: from the apices to a little below the heart's upper end."""
    fields = [np.flatnonzero(canvas.lung(name).any(1)) for name in ("left", "right")]
    heart = np.flatnonzero(canvas.heart.any(1))
    if not all(len(rows) for rows in fields) or not len(heart):
        raise CannotEdit("the mediastinum lies between both lung fields and above the heart; one of them was not found")
    top, bottom = max(int(rows[0]) for rows in fields), int(heart[0] + 0.12 * len(heart))
    if bottom - top < 40 * canvas.feature:
        raise CannotEdit("too little of the mediastinum is seen above the heart")
    return top, bottom


def _bulged(
    canvas: Canvas,
    name: str,
    rows: tuple[int, int],
    bulge: tuple[float, float, float],
    amount: float,
    devices: np.ndarray,
) -> Gain:
    mm = canvas.feature
    first = max(int(rows[0] - AROUND_MM * mm), 0)
    side = Side(canvas, name, slice(first, int(rows[1] + 2 * AROUND_MM * mm)), devices)
    t = (np.arange(len(side.u)) - (rows[0] - first)) / (rows[1] - rows[0])
    visible = slice(max(rows[0] - first, 0), min(rows[1] - first, len(side.u)))
    place = np.maximum(snapped(side.u, side.medial + START_MM * mm, visible, mm), side.medial)
    centre, spread, flat = bulge
    shift = amount * np.cos(0.5 * np.pi * np.clip((t - centre) / spread, -1.0, 1.0)) ** flat
    room = (1.0 - LUNG_LEFT) * (side.wall - place)
    if (shift > room)[shift > 1].any():
        largest = float((room / np.maximum(shift, 1e-3))[shift > 1].min()) * amount / mm
        raise CannotEdit(
            f"widening by {amount / mm:.0f} mm leaves too little {name} lung beside it (at most {largest:.0f} mm fit)"
        )
    return gained(side, displaced(side, place, shift), shift)


def delete_wide_mediastinum(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Refuse: nothing on a film tells how wide its mediastinum was before, or which vessels lie in it.

    Raises:
        CannotEdit: always.
    """
    raise CannotEdit(
        "enlarged cardiomediastinum cannot be deleted: no film shows where its mediastinal border ran before"
    )
