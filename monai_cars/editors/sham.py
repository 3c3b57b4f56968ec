"""A sham: healthy lung redrawn with its density preserved, the control that measures the artefact floor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.edit import Box, CannotEdit, Edit, Proposal
from monai_cars.editors.canvas import Canvas, enlarge, feather, thin_and_dense, uniform
from monai_cars.editors.site import allowed_sites

RADIUS_MM = (10.0, 24.0)
FEATHER_MM = 3.0
BASE_MM = 2.5  # half width of the median that holds density, ribs and their edges; what it leaves is redrawn
TRIES = 24
PLACES = 6


def sham_redraw(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose to replace the texture of a disc of healthy lung by texture from elsewhere in the same lung.

    ``after = before + m * (detail(donor) - detail(here))``: the median-filtered film, which holds the density and the
    ribs, stays, the vessels and the grain are another place's.

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
    proposal = _exchange(canvas, support, shift)
    return replace(proposal, residual=_no_copies(proposal, canvas.level, generator))


def _disc(canvas: Canvas, centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.ogrid[: canvas.u.shape[0], : canvas.u.shape[1]]
    disc = np.hypot(y - centre[0], x - centre[1]) <= radius
    return disc & (canvas.lung("left") | canvas.lung("right")) & ~canvas.heart


def _no_copies(proposal: Proposal, level: float, generator: torch.Generator) -> torch.Tensor:
    """Where the exchange would round to nothing, go one grey level up or down: a sham leaves no pixel as it was."""
    residual = proposal.residual
    signs = torch.randint(0, 2, residual.shape, generator=generator).to(residual.device) * 2.0 - 1.0
    unchanged = proposal.support & (residual.abs() < 0.6 * level)
    return torch.where(unchanged, signs * level, residual)


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


def _exchange(canvas: Canvas, support: np.ndarray, shift: tuple[int, int]) -> Proposal:
    factor, native = canvas.factor, canvas.native
    size = 2 * max(1, int(BASE_MM * canvas.feature)) + 1
    window = _window(support, shift, size, canvas.u.shape)
    base = np.zeros_like(canvas.u)
    base[window] = ndi.median_filter(canvas.u[window], size)
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
    # A mixture of independent textures loses variance in the middle of the ramp; a short ramp keeps that small.
    ramp = enlarge(feather(support, FEATHER_MM * canvas.feature), box, factor, native.device)
    inside = enlarge(support.astype(np.float32), box, factor, native.device) > 0.5
    residual = torch.where(inside, ramp * (there - here), torch.zeros_like(here))
    return Proposal(box, residual, inside, torch.zeros_like(inside), None, "healthy lung redrawn, density preserved")


def _window(support, shift, size, shape) -> tuple[slice, slice]:
    both = [np.concatenate([p, p + s]) for p, s in zip(np.nonzero(support), shift, strict=True)]
    rows, columns = (
        slice(max(int(p.min()) - size, 0), min(int(p.max()) + size + 1, n)) for p, n in zip(both, shape, strict=True)
    )
    return rows, columns
