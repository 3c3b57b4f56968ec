"""Where in a lung a finding may be put."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import zones
from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.edits.edit import SIDES, CannotEdit, Edit

SMALLEST_FIELD = 0.01  # share of the film's area; less is no lung that a finding could be placed in


def sides_of(canvas: Canvas, edit: Edit, generator: torch.Generator) -> list[str]:
    """The patient's sides to try, in order: the asked one, or both in random order."""
    order = list(SIDES) if torch.rand((), generator=generator) < 0.5 else list(SIDES[::-1])
    asked = [edit.side] if edit.side else order
    usable = [side for side in asked if canvas.lung(side).mean() > SMALLEST_FIELD]
    if not usable:
        raise CannotEdit(f"no {edit.side or 'left or right'} lung field was found on this film")
    return usable


def region_of(canvas: Canvas, side: str, zone: str | None) -> np.ndarray:
    """(h, w) bool lung field of a side, cut to a zone when one is asked for."""
    field = canvas.lung(side)
    if zone is None:
        return field
    return field & zones(torch.from_numpy(canvas.anatomy.astype(np.uint8)))[side, zone].numpy().astype(bool)


def allowed_sites(
    canvas: Canvas, edit: Edit, generator: torch.Generator, *, radius: float, count: int = 1
) -> list[tuple[float, float]]:
    """Centres (row, column) in working pixels for a round finding, drawn independently.

    The finding lies within one lung field outside the cardiac silhouette, at most a tenth of its radius beyond the
    pleura, and rather where the lung is aerated than on the hilum or an opacity.

    Raises:
        CannotEdit: there is no such place.
    """
    side = str(edit.side)
    free = canvas.lung(side) & ~canvas.heart
    depth = ndi.distance_transform_edt(np.pad(free, 1))[1:-1, 1:-1]
    sites = (depth > 0.9 * radius) & region_of(canvas, side, edit.zone)
    if not sites.any():
        where = " ".join(part for part in (edit.side, edit.zone) if part)
        raise CannotEdit(f"no room for a {edit.finding} of {2 * radius / canvas.feature:.0f} mm in the {where} lung")
    return _draw(canvas, sites, radius, generator, count)


def _draw(
    canvas: Canvas, sites: np.ndarray, radius: float, generator: torch.Generator, count: int
) -> list[tuple[float, float]]:
    rows, columns = np.nonzero(sites)
    sigma = max(radius * 0.6, 1.0)
    mean = ndi.gaussian_filter(canvas.u, sigma)
    spread = np.sqrt(np.clip(ndi.gaussian_filter(canvas.u**2, sigma) - mean**2, 0.0, None))
    # Between the ribs rather than on them or on the clavicle, in aerated lung rather than on the hilum.
    weight = np.exp(-4.0 * np.clip(mean, 0.0, 1.5) - 12.0 * np.clip(spread, 0.0, 0.5))[rows, columns]
    total = np.cumsum(weight)
    picks = np.searchsorted(total, torch.rand(count, generator=generator).numpy() * total[-1]).clip(max=len(rows) - 1)
    return [(float(rows[pick]), float(columns[pick])) for pick in picks]
