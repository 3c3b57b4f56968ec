"""Delete support devices: what a line adds is estimated along it and taken away, the patient beneath it stays."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import ContrastUnit
from monai_cars.chest_xray.anatomy.devices import Devices, find_devices
from monai_cars.chest_xray.anatomy.line_length import line_length
from monai_cars.chest_xray.editors.canvas.canvas import Canvas, enlarge, native_box, smoothstep
from monai_cars.chest_xray.editors.canvas.protected import fill_from_beside
from monai_cars.edits.edit import Box, CannotEdit, Edit, Proposal, Quantity, Region

CERTAIN = 6.0  # likeness (see anatomy/devices.py): a false line that is kept does no harm, one that is deleted does
LEAST_MM = 60.0  # of certain lines in all; less may be a rib's border
OVER_THORAX_MM, THORAX_MARGIN_MM = 30.0, 15.0  # of a line, or it lies beside the patient; and what counts as thorax
CLIP_MM = 15.0  # a clip this near hangs on the line
ALONG_MM = 6.0  # over which a line's own attenuation is averaged: ribs and vessels that it crosses average out
GRAIN = 2.0  # standard deviations of the film's own detail around; more of what is left is the line's own
EDGE_PIXELS = 2.0


def delete_devices(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose to remove the lines on the film, or those in the region; opaque metal stays.

    Raises:
        CannotEdit: no line that is certain enough is long enough.
    """
    devices = find_devices(canvas.native[None], ContrastUnit(1.0, 1.0, 0.0, 1.0), canvas.feature / canvas.factor)
    chosen = _chosen(canvas, devices, edit.region)
    certain = devices.lengths[chosen - 1][devices.likeness[chosen - 1] >= CERTAIN].sum()
    if certain < LEAST_MM:
        raise CannotEdit(f"no device was found: lines of {certain:.0f} mm, {LEAST_MM:.0f} mm are needed")
    mask = np.isin(devices.lines, chosen)
    mask |= np.isin(devices.lines, _clips(devices, mask))
    note = "lines that were found; " + (
        "opaque metal stays" if (devices.fixed & _thorax(canvas)).any() else "others may stay"
    )
    every = ndi.binary_dilation((devices.lines > 0) | devices.fixed)
    return _proposal(canvas, ndi.binary_dilation(mask) & ~devices.fixed, every, note)


def _chosen(canvas: Canvas, devices: Devices, region: Region | None) -> np.ndarray:
    """Numbers of the lines to delete."""
    numbers = np.flatnonzero(devices.lengths > 0) + 1
    if not len(numbers):
        return numbers
    place = _thorax(canvas) if region is None else _mask(canvas, region)
    area = np.bincount(devices.lines.ravel(), minlength=len(devices.lengths) + 1)[numbers]
    share = np.bincount(devices.lines[place], minlength=len(devices.lengths) + 1)[numbers] / np.maximum(area, 1)
    if region is None:
        return numbers[share * devices.lengths[numbers - 1] >= OVER_THORAX_MM]
    return numbers[share > (0.0 if region.point is not None else 0.5)]


def _thorax(canvas: Canvas) -> np.ndarray:
    """(h, w) bool from one lung field's outer border to the other's, and a margin."""
    lungs = np.asarray(canvas.anatomy[:2].any(0))
    hull = np.maximum.accumulate(lungs, 1) & np.maximum.accumulate(lungs[:, ::-1], 1)[:, ::-1]
    return ndi.distance_transform_edt(~hull) <= THORAX_MARGIN_MM * canvas.feature


def _mask(canvas: Canvas, region: Region) -> np.ndarray:
    """(h, w) bool region on the working grid; a point is a disc as wide as a clip's distance."""
    f = canvas.factor
    if region.mask is not None:
        return region.mask.reshape(canvas.native.shape)[::f, ::f].cpu().numpy() > 0
    y, x = np.ogrid[: canvas.u.shape[0], : canvas.u.shape[1]]
    if region.point is not None:
        return np.hypot(y - region.point[0] / f, x - region.point[1] / f) <= CLIP_MM / 3 * canvas.feature
    y0, x0, y1, x1 = (edge / f for edge in region.box or (0, 0, 0, 0))
    return (y >= math.floor(y0)) & (y < y1) & (x >= math.floor(x0)) & (x < x1)


def _clips(devices: Devices, mask: np.ndarray) -> np.ndarray:
    """Numbers of the compact parts beside the lines."""
    near = ndi.distance_transform_edt(~mask) <= CLIP_MM * devices.mm
    parts = np.flatnonzero(devices.lengths == 0) + 1
    return np.intersect1d(parts, np.unique(devices.lines[near]))


def _proposal(canvas: Canvas, mask: np.ndarray, every: np.ndarray, note: str) -> Proposal:
    # Another line beside this one says nothing of the patient.
    beneath = np.where(mask, fill_from_beside(canvas.u, mask | every, canvas.feature), canvas.u)
    line = np.where(mask, along_line(canvas.u - beneath, mask, ALONG_MM * canvas.feature), 0.0)
    asked = Quantity(line_length(line, canvas.feature), "mm") if canvas.spacing else None
    support = ndi.binary_dilation(mask, iterations=2)
    share = smoothstep(1.0 - (ndi.distance_transform_edt(~mask) - 0.5) / EDGE_PIXELS) * support
    box = native_box(support, canvas.factor, canvas.native.shape)
    filled, model, weight, inside = (
        enlarge(field.astype(np.float32), box, canvas.factor, canvas.native.device)
        for field in (beneath, beneath + line, share, support)
    )
    left = canvas.native[box.slices] - model
    bound = GRAIN * _detail(canvas, mask, box)
    residual = weight * (filled + left.clamp(-bound, bound) - canvas.native[box.slices])
    inside_ = inside > 0.5
    found = enlarge(mask.astype(np.float32), box, canvas.factor, canvas.native.device) > 0.5
    return Proposal(box, torch.where(inside_, residual, 0.0), inside_, found & inside_, asked, note)


def along_line(excess: np.ndarray, mask: np.ndarray, sigma: float) -> np.ndarray:
    """Average what a line adds along it, and not across: over pixels that lie equally deep in its mask.

    Args:
        excess: (h, w) what exceeds the fill.
        mask: (h, w) bool the line in its width.
        sigma: pixels.
    """
    depth = np.rint(ndi.distance_transform_edt(mask)).astype(int)
    smooth = np.zeros_like(excess)
    for shell in range(1, int(depth.max()) + 1):
        near = (depth == shell).astype(np.float32)
        weight = ndi.gaussian_filter(near, sigma, truncate=2.0)
        mean = ndi.gaussian_filter(near * excess, sigma, truncate=2.0) / np.maximum(weight, 1e-6)
        smooth = np.where(depth == shell, mean, smooth)
    return np.clip(smooth, 0.0, None)


def _detail(canvas: Canvas, mask: np.ndarray, box: Box) -> float:
    """Spread (contrast units) of the film's own detail beside the lines, at native size."""
    ring = ndi.binary_dilation(mask, iterations=max(3, int(4 * canvas.feature)))
    ring &= ~ndi.binary_dilation(mask, iterations=2)
    smooth = fill_from_beside(canvas.u, ring, canvas.feature)
    around = enlarge(ring.astype(np.float32), box, canvas.factor, canvas.native.device) > 0.5
    detail = (canvas.native[box.slices] - enlarge(smooth, box, canvas.factor, canvas.native.device))[around]
    return 1.4826 * float((detail - detail.median()).abs().median()) if detail.numel() else 0.05
