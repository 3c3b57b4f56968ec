"""Devices, markers and burnt-in text are kept by every edit, whichever editor proposed it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy.devices import Devices, find_devices
from monai_cars.chest_xray.editors.canvas.canvas import around, enlarge, shrink, smoothstep
from monai_cars.edits.edit import Box, CannotEdit, Proposal
from monai_cars.edits.film import Film

FILL_MM, WIDE_MM = 1.5, 5.0  # reach of the fill from beside a line; the second inside a bundle of them
LEAST_WEIGHT = 0.05
FEATHER_MM = 2.0  # around a fixed mark


def devices_of(film: Film) -> Devices:
    """The devices on a film, found once for all attempts of an edit, and once a process for the films seen last.

    A dataset whose films are cached is edited anew every epoch: the search would cost more than most edits.
    """
    mm = film.millimetre
    return film.recall(("devices", film.unit, mm), lambda: find_devices(film.image, film.unit, mm))


def without_devices(film: Film) -> Film:
    """The film with its lines filled from beside; the same film where there are none.

    Editors propose on this film, the residual is added to the real one. A line adds to what lies beneath it, before an
    edit as after it: its own contrast stays as it was, up to saturation, whether the edit adds, hides or moves.
    """
    devices = devices_of(film)
    if not devices.lines.any():
        return film
    places, values = film.recall(("filled", film.unit, devices.mm), lambda: _filled(film.image[0], devices))
    image = film.image.clone()
    image.view(-1)[torch.from_numpy(places).to(image.device)] = torch.from_numpy(values).to(image)
    return replace(film, image=image)


def _filled(native: torch.Tensor, devices: Devices) -> tuple[np.ndarray, np.ndarray]:
    """Flat places of the film's pixels on lines, and their values without the lines."""
    mask = ndi.binary_dilation(devices.lines > 0)
    whole = Box(0, 0, *native.shape)
    beside = fill_from_beside(shrink(native.float(), devices.factor).cpu().numpy(), mask, devices.mm)
    share = enlarge(mask.astype(np.float32), whole, devices.factor, native.device)
    filled = enlarge(beside, whole, devices.factor, native.device)
    on = share > 0
    values = native[on] + share[on] * (filled[on] - native[on])
    return np.flatnonzero(on.cpu().numpy()), values.cpu().numpy()


def protect(proposal: Proposal, devices: Devices) -> Proposal:
    """Take opaque metal and burnt-in marks out of a proposal's support; the residual fades towards them.

    Raises:
        CannotEdit: nothing else is left of the support.
    """
    device = proposal.residual.device
    fixed = enlarge(devices.fixed.astype(np.float32), proposal.box, devices.factor, device) > 0
    if not bool((fixed & proposal.support).any()):
        return proposal
    away = ndi.distance_transform_edt(~devices.fixed) - 1.0
    fade = enlarge(smoothstep(away / (FEATHER_MM * devices.mm)), proposal.box, devices.factor, device)
    support = proposal.support & ~fixed
    if not bool(support.any()):
        raise CannotEdit("the place lies under a burnt-in mark or opaque metal")
    residual = torch.where(support, proposal.residual * fade, torch.zeros_like(proposal.residual))
    return replace(proposal, residual=residual, support=support, lesion=proposal.lesion & support)


def fill_from_beside(u: np.ndarray, mask: np.ndarray, mm: float) -> np.ndarray:
    """(h, w) values beside a mask continued into it (normalised convolution); the rest as it is.

    Example:
        >>> film = np.full((32, 32), 2.0); film[16] = 9.0; line = film > 5
        >>> float(fill_from_beside(film, line, 1.0)[16, 16])
        2.0
    """
    known = (~mask).astype(np.float32)
    filled = u.astype(np.float32).copy()
    todo = mask.copy()
    for reach in (FILL_MM, WIDE_MM, 4 * WIDE_MM):
        if not todo.any():
            break
        # Only what lies within a filter's reach of a pixel that is still to be filled matters.
        window = around(todo, int(3.0 * reach * mm) + 1)
        weight, total = (
            ndi.gaussian_filter(part, reach * mm, truncate=3.0) for part in (known[window], (known * u)[window])
        )
        found = todo[window] & (weight > LEAST_WEIGHT)
        filled[window][found] = total[found] / weight[found]
        todo[window] &= ~found
    return filled
