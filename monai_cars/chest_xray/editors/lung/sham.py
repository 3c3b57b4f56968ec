"""A sham: healthy lung redrawn with its density preserved, the control that measures the artefact floor."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, enlarge, feather, smooth_noise, thin_and_dense, uniform
from monai_cars.chest_xray.editors.canvas.site import allowed_sites
from monai_cars.edits.edit import Box, CannotEdit, Edit, Proposal

RADIUS_MM = (10.0, 24.0)
FEATHER_MM = 3.0
BASE_MM = 2.5  # half width of the median that holds density, ribs and their edges; what it leaves is redrawn
BASE_SMOOTH = 1.0  # working pixels: a median leaves small steps, which would stay behind as grain of its own
MOTTLE_MM, MOTTLE_LEVELS = 4.0, 3.0  # size of the mottle, and its amplitude in grey levels
LEAST_RAMP = 0.05  # below it nothing would be rewritten
TRIES = 24
PLACES = 6


def sham_redraw(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose to replace the texture of a disc of healthy lung by texture from elsewhere in the same lung.

    ``after = base(here) + sqrt(1 - m^2) * detail(here) + m * detail(donor) + sqrt(m) * mottle``: the base, a smoothed
    median that holds the density and the ribs, stays; the vessels and the grain are another place's.

    Raises:
        CannotEdit: no disc of lung with a donor beside it.
    """
    radius = uniform(*RADIUS_MM, generator) * canvas.feature
    devices = thin_and_dense(canvas)
    # Redrawn texture would cut a tube in two: of a few places the one with the least of it is taken.
    sites = allowed_sites(canvas, edit, generator, radius=radius, count=PLACES)
    places = [_disc(canvas, site, radius) for site in sites]
    support = min(places, key=lambda place: float(devices[place].sum()))
    shift = _donor_shift(canvas, support, radius, generator)
    return _exchange(canvas, support, shift, generator)


def _disc(canvas: Canvas, centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.ogrid[: canvas.u.shape[0], : canvas.u.shape[1]]
    disc = np.hypot(y - centre[0], x - centre[1]) <= radius
    return disc & (canvas.lung("left") | canvas.lung("right")) & ~canvas.heart


def _mottle(canvas: Canvas, box: Box, generator: torch.Generator) -> torch.Tensor:
    """Soft noise of a few grey levels, (h, w) contrast units.

    Two places' grain often agree to the grey level, and a sham may not leave a pixel as it was; to move those pixels
    alone would add white grain, which films do not have.
    """
    soft = smooth_noise(canvas.u.shape, MOTTLE_MM * canvas.feature, generator)
    return MOTTLE_LEVELS * canvas.level * enlarge(soft.astype(np.float32), box, canvas.factor, canvas.native.device)


def _donor_shift(canvas: Canvas, support: np.ndarray, radius: float, generator: torch.Generator) -> tuple[int, int]:
    free = (canvas.lung("left") | canvas.lung("right")) & ~canvas.heart
    rows, columns = np.nonzero(support)
    best, best_cover = (0, 0), 0.0
    for _ in range(TRIES):
        angle, reach = uniform(0, 2 * np.pi, generator), uniform(1.0, 2.2, generator) * radius
        dy, dx = int(reach * np.sin(angle)), int(reach * np.cos(angle))
        r, c = rows + dy, columns + dx
        valid = (r >= 0) & (r < free.shape[0]) & (c >= 0) & (c < free.shape[1])
        cover = float(free[r[valid], c[valid]].sum()) / len(rows)
        if cover > best_cover:
            best, best_cover = (dy, dx), cover
    if best_cover < 0.98:
        raise CannotEdit("no healthy lung beside the sham's place to take texture from")
    return best


def _exchange(canvas: Canvas, support: np.ndarray, shift: tuple[int, int], generator: torch.Generator) -> Proposal:
    factor, native = canvas.factor, canvas.native
    size = 2 * max(1, int(BASE_MM * canvas.feature)) + 1
    window = _window(support, shift, size, canvas.u.shape)
    base = np.zeros_like(canvas.u)
    base[window] = ndi.gaussian_filter(ndi.median_filter(canvas.u[window], size), BASE_SMOOTH)
    rows, columns = np.nonzero(support)
    box = Box(*(int(v) * factor for v in (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)))
    height, width = native.shape
    box = Box(box.y0, box.x0, min(box.y1, height), min(box.x1, width))
    dy, dx = (s * factor for s in shift)
    donor = Box(box.y0 + dy, box.x0 + dx, box.y1 + dy, box.x1 + dx)
    if donor.y0 < 0 or donor.x0 < 0 or donor.y1 > height or donor.x1 > width:
        raise CannotEdit("no healthy lung beside the sham's place to take texture from")
    here = native[box.slices] - enlarge(base, box, factor, native.device)
    there = native[donor.slices] - enlarge(base, donor, factor, native.device)
    ramp = enlarge(feather(support, FEATHER_MM * canvas.feature), box, factor, native.device)
    inside = enlarge(support.astype(np.float32), box, factor, native.device) > 0.5
    # Squares of the weights add up to 1: a plain mixture of independent textures would lose variance on the ramp.
    mixed = ramp * there - (1 - torch.sqrt((1 - ramp**2).clamp_min(0))) * here
    inside &= ramp > LEAST_RAMP
    soft = torch.sqrt(ramp) * _mottle(canvas, box, generator)  # up to the rim, where the exchange is faint
    residual = torch.where(inside, mixed + soft, torch.zeros_like(here))
    return Proposal(box, residual, inside, torch.zeros_like(inside), None, "healthy lung redrawn, density preserved")


def _window(support, shift, size, shape) -> tuple[slice, slice]:
    both = [np.concatenate([p, p + s]) for p, s in zip(np.nonzero(support), shift, strict=True)]
    rows, columns = (
        slice(max(int(p.min()) - size, 0), min(int(p.max()) + size + 1, n)) for p, n in zip(both, shape, strict=True)
    )
    return rows, columns
