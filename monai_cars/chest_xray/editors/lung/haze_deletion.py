"""Delete findings that veil the lung: haze of any cause, and fluid as far as the lung shows through."""

from __future__ import annotations

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.chest_xray.editors.canvas.extent import extent_of
from monai_cars.chest_xray.editors.lung.diffuse import free_lung, remove_diffuse
from monai_cars.edits.edit import CannotEdit, Edit, Proposal

OPAQUE = 0.75  # contrast units of a low-pass from which no vessel shows through
OPAQUE_MM = 4.0
MOST_OPAQUE = 0.05  # share of the lung field that may be opaque: a blunted angle, the upper end of its scale


def delete_haze(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose to take a veil through which vessels show off the region, or off both lungs where it covers them.

    Raises:
        CannotEdit: nothing there exceeds healthy lung, or too little healthy lung is left to tell.
    """
    return remove_diffuse(canvas, edit)


def delete_fluid(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose to remove a thin layer of fluid or a blunted angle.

    Raises:
        CannotEdit: the fluid is opaque over more than an angle, or what :func:`delete_haze` raises.
    """
    assert edit.region is not None  # an Edit that deletes has one
    free = free_lung(canvas)
    region, _ = extent_of(canvas, edit.region, free)
    opaque = region & free & (canvas.blur(canvas.u, OPAQUE_MM) > OPAQUE)
    fields = [canvas.lung(side) & ~canvas.heart for side in ("right", "left")]
    hidden = max(float((opaque & field).sum() / max(np.count_nonzero(field), 1)) for field in fields)
    if hidden > MOST_OPAQUE:
        raise CannotEdit(
            f"fluid hides {hidden:.0%} of the lung; nothing on the film shows what lies under it "
            f"(up to {MOST_OPAQUE:.0%} can be restored)"
        )
    return remove_diffuse(canvas, edit)
