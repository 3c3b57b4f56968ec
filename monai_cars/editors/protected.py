"""Devices, markers and burnt-in text are kept by every edit, whichever editor proposed it."""

from __future__ import annotations

import hashlib
import zlib
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.anatomy.devices import Devices, find_devices
from monai_cars.edit import Box, CannotEdit, Proposal
from monai_cars.editors.canvas import enlarge, shrink, smoothstep
from monai_cars.editors.contract import Film

FILL_MM, WIDE_MM = 1.5, 5.0  # reach of the fill from beside a line; the second inside a bundle of them
LEAST_WEIGHT = 0.05
FEATHER_MM = 2.0  # around a fixed mark
MOST_REMEMBERED = 4096  # films a process
_REMEMBERED: OrderedDict[tuple[Any, ...], tuple[Devices, bytes, bytes]] = OrderedDict()
THORAX = 280.0  # millimetres of an inner thorax, for a film without scale


def devices_of(film: Film, anatomy: torch.Tensor) -> Devices:
    """The devices on a film, found once for all attempts of an edit, and once a process for the films seen last.

    A dataset whose films are cached is edited anew every epoch: the search would cost more than most edits.
    """
    mm = _millimetre(film, anatomy)
    digest = hashlib.blake2b(film.image.cpu().numpy().tobytes(), digest_size=16)
    key = (digest.hexdigest(), tuple(film.image.shape), film.unit, mm)
    if key not in _REMEMBERED:
        while len(_REMEMBERED) >= MOST_REMEMBERED:
            _REMEMBERED.popitem(last=False)
        _REMEMBERED[key] = _packed(find_devices(film.image, film.unit, mm))
    return _unpacked(_REMEMBERED[key])


def _packed(devices: Devices) -> tuple[Devices, bytes, bytes]:
    """Devices with their masks compressed: most films have none, and a few kilobytes a film can be kept."""
    lines, fixed = (zlib.compress(np.ascontiguousarray(m).tobytes(), 1) for m in (devices.lines, devices.fixed))
    shape = np.array(devices.lines.shape)
    return replace(devices, lines=shape, fixed=shape), lines, fixed


def _unpacked(packed: tuple[Devices, bytes, bytes]) -> Devices:
    devices, lines, fixed = packed
    shape = tuple(devices.lines)
    return replace(
        devices,
        lines=np.frombuffer(bytearray(zlib.decompress(lines)), np.int32).reshape(shape),
        fixed=np.frombuffer(bytearray(zlib.decompress(fixed)), bool).reshape(shape),
    )


def without_devices(film: Film, devices: Devices) -> Film:
    """The film with its lines filled from beside.

    Editors propose on this film, the residual is added to the real one. A line adds to what lies beneath it, before an
    edit as after it: its own contrast stays as it was, up to saturation, whether the edit adds, hides or moves.

    Returns:
        The same film where there are no lines.
    """
    mask = devices.lines > 0
    if not mask.any():
        return film
    native = film.image[0]
    whole = Box(0, 0, *native.shape)
    mask = ndi.binary_dilation(mask)
    beside = fill_from_beside(shrink(native.float(), devices.factor).cpu().numpy(), mask, devices.mm)
    share = enlarge(mask.astype(np.float32), whole, devices.factor, native.device)
    filled = enlarge(beside, whole, devices.factor, native.device)
    return replace(film, image=torch.where(share > 0, native + share * (filled - native), native)[None])


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
    todo = mask
    for reach in (FILL_MM, WIDE_MM, 4 * WIDE_MM):
        weight = ndi.gaussian_filter(known, reach * mm, truncate=3.0)
        value = ndi.gaussian_filter(known * u, reach * mm, truncate=3.0)
        found = todo & (weight > LEAST_WEIGHT)
        filled[found] = value[found] / weight[found]
        todo = todo & ~found
        if not todo.any():
            break
    return filled


def _millimetre(film: Film, anatomy: torch.Tensor) -> float:
    """Native pixels per millimetre, of an adult's thorax where the film has no scale."""
    if film.spacing is not None:
        return 2.0 / (film.spacing[0] + film.spacing[1])
    columns = torch.nonzero(anatomy[:2].amax((0, 1))).flatten()
    return max(float(columns.max() - columns.min()), 140.0) / THORAX if len(columns) else 1.0
