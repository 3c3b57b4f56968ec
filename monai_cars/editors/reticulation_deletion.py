"""Take added texture away: each band of detail is brought down to its amplitude in the rest of the lungs."""

from __future__ import annotations

import numpy as np

from monai_cars.edit import CannotEdit, Edit, Proposal, Quantity
from monai_cars.editors.canvas import Canvas
from monai_cars.editors.diffuse import free_lung, lung_with_border, require_lung
from monai_cars.editors.extent import extent_of
from monai_cars.editors.lung_density import lung_density
from monai_cars.editors.native import smooth_proposal
from monai_cars.editors.texture_match import match_texture
from monai_cars.measurement.reticulation import texture_gained

LEAST_SHARE = 0.02  # of a lung field; less coarse texture than this is no finding


def remove_reticulation(canvas: Canvas, edit: Edit) -> Proposal:
    """Propose to weaken the texture in ``edit.region`` to that of the lung outside it.

    Lines are weakened where they are and not drawn anew: what is left are the patient's own vessels and ribs.

    Raises:
        CannotEdit: too little of the region shows lung, or its texture is no coarser than elsewhere.
    """
    assert edit.region is not None  # an Edit that deletes has one
    region, extent = extent_of(canvas, edit.region, free_lung(canvas))
    require_lung(canvas, region)
    lung, taper = lung_with_border(canvas)
    density = lung_density(canvas)
    where = extent * taper
    quiet = density.trusted & (extent < 0.02)
    change, fine, finest = match_texture(canvas, density, density.low, lung, quiet, where, only_weaken=True)
    after = canvas.u + change + fine * (canvas.u - finest)
    gained = texture_gained(after, 1.0 / canvas.feature)(canvas.u)
    share = max(_share(gained, canvas.lung(side) & ~canvas.heart) for side in ("right", "left"))
    if share < LEAST_SHARE:
        raise CannotEdit(
            f"only {share:.1%} of the lung field has coarser texture than the rest, {LEAST_SHARE:.0%} are needed"
        )
    support = where > 0.004
    lesion = gained & support
    return smooth_proposal(
        canvas, change * support, support, lesion, asked=Quantity(share, "fraction"), fine=fine * support, low=finest
    )


def _share(mask: np.ndarray, field: np.ndarray) -> float:
    return float(mask[field].mean()) if field.any() else 0.0
