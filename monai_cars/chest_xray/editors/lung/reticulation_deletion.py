"""Take added texture away: each band of detail is brought down to its amplitude in the rest of the lungs."""

from __future__ import annotations

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.chest_xray.editors.canvas.extent import extent_of
from monai_cars.chest_xray.editors.canvas.smooth_proposal import smooth_proposal
from monai_cars.chest_xray.editors.lung.diffuse import free_lung, lung_with_border, require_lung
from monai_cars.chest_xray.editors.lung.lung_density import lung_density
from monai_cars.chest_xray.editors.lung.texture_match import match_texture
from monai_cars.chest_xray.measurement.reticulation import texture, visible
from monai_cars.edits.edit import CannotEdit, Edit, Proposal, Quantity

LEAST_SHARE = 0.02  # of a lung field; less coarse texture than this is no finding


def delete_reticulation(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
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
    taken = -(change + fine * (canvas.u - finest))
    was, added = (texture(film, 1.0 / canvas.feature) for film in (canvas.u - taken, taken))
    fields = [canvas.lung(side) & ~canvas.heart for side in ("right", "left")]
    fields = [field for field in fields if field.any()]
    seen = [visible(added, was, field) & field for field in fields]
    share = max(np.count_nonzero(part) / np.count_nonzero(field) for part, field in zip(seen, fields, strict=True))
    if share < LEAST_SHARE:
        raise CannotEdit(
            f"only {share:.1%} of the lung field has coarser texture than the rest, {LEAST_SHARE:.0%} are needed"
        )
    support = where > 0.004
    lesion = np.any(seen, axis=0) & support
    return smooth_proposal(
        canvas, change * support, support, lesion, asked=Quantity(share, "fraction"), fine=fine * support, low=finest
    )
