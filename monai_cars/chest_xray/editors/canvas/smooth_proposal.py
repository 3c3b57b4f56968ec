"""Bring smooth changes onto the native film without blurring what lies under them."""

from __future__ import annotations

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, enlarge, native_box
from monai_cars.edits.edit import Proposal, Quantity


def smooth_proposal(
    canvas: Canvas,
    residual: np.ndarray,
    support: np.ndarray,
    lesion: np.ndarray,
    *,
    asked: Quantity | None,
    note: str = "",
    fine: np.ndarray | None = None,
    low: np.ndarray | None = None,
) -> Proposal:
    """A proposal at native size from fields on the working grid.

    ``residual + fine * (native - low)``: the second term scales the film's own detail above the low-pass ``low``, which
    the working grid cannot hold.

    Args:
        canvas: the film.
        residual: (h, w) contrast units on the working grid, zero outside ``support``.
        support: (h, w) bool.
        lesion: (h, w) bool.
        asked: amount aimed at.
        note: for the record.
        fine: (h, w) gain on the detail, -1 removes it, 0 leaves it.
        low: (h, w) low-pass that goes with ``fine``.
    """
    box = native_box(support, canvas.factor, canvas.native.shape)
    device = canvas.native.device
    values = enlarge(residual, box, canvas.factor, device)
    if fine is not None and low is not None:
        detail = canvas.native[box.slices] - enlarge(low, box, canvas.factor, device)
        values = values + enlarge(fine, box, canvas.factor, device) * detail
    inside = enlarge(support.astype(np.float32), box, canvas.factor, device) > 0.5
    found = enlarge(lesion.astype(np.float32), box, canvas.factor, device) > 0.5
    return Proposal(box, torch.where(inside, values, 0.0), inside, found & inside, asked, note)
