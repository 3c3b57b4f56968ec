"""The mask of a lesion as a reader would draw it: no crumbs, no pinholes, a border without teeth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import enlarge, shrink
from monai_cars.edits.edit import Box, Proposal

# Of the largest part. Crumbs of the findings drawn here reach 0.02 of it; the smaller side of a bilateral finding (a
# heart that grew to the right, infection in a third focus) stays above 0.05.
LEAST_SHARE = 0.04
SMOOTH_MM = 2.5  # what a border drawn by hand leaves out
THIN = 0.25  # of a mask's mean width, which the smoothing may not exceed: a crescent keeps its tips
FINE = 2.0  # pixels of the smoothing below which a coarser grid would show
LEAST_LEVEL = 0.25  # of the low-pass: a part squeezed by its support does not spread far along it

_TOUCHING = np.ones((3, 3), bool)


def clean_lesion(proposal: Proposal, millimetre: float) -> Proposal:
    """A proposal whose lesion has no crumbs, no pinholes and a smooth border; residual and support are as they were.

    The border is that of the mask's Gaussian low-pass at the level that keeps its area, inside the support.

    Args:
        proposal: what an editor drew.
        millimetre: native pixels in a millimetre.
    """
    lesion, support = (mask.cpu().numpy() for mask in (proposal.lesion, proposal.support))
    if not (lesion & support).any():
        return proposal
    clean = smooth(whole(lesion & support, support), support, SMOOTH_MM * millimetre)
    return replace(proposal, lesion=torch.from_numpy(_settled(clean, support)).to(proposal.lesion.device))


def _settled(lesion: np.ndarray, support: np.ndarray) -> np.ndarray:
    """`whole` until nothing changes: a filled hole makes the largest part larger, and another part a crumb of it."""
    found = whole(lesion, support)
    while not np.array_equal(found, lesion):  # it ends: each step leaves fewer parts or fewer holes
        lesion, found = found, whole(found, support)
    return found


def whole(lesion: np.ndarray, support: np.ndarray) -> np.ndarray:
    """(h, w) bool the parts and without the holes that are smaller than LEAST_SHARE of the largest part.

    Holes that lie outside the support (opaque metal) stay.

    Example:
        >>> mask = np.zeros((12, 12), bool); mask[1:9, 1:9] = True; mask[4, 4] = False; mask[11, 11] = True
        >>> int(whole(mask, np.ones_like(mask)).sum())
        64
    """
    parts, sizes = _sizes(lesion, _TOUCHING)
    least = LEAST_SHARE * sizes.max(initial=0)
    kept = np.append(False, sizes >= least)[parts]
    gaps, extents = _sizes(np.pad(~kept, 1, constant_values=True), None)
    small = np.append(False, extents < least)
    small[gaps[0, 0]] = False
    return kept | (small[gaps][1:-1, 1:-1] & support)


def smooth(lesion: np.ndarray, support: np.ndarray, sigma: float) -> np.ndarray:
    """(h, w) bool whose border has no detail finer than sigma (pixels); every part keeps its area, in the support."""
    parts, sizes = _sizes(lesion, _TOUCHING)
    margin = int(4 * sigma) + 2
    result = np.zeros_like(lesion)
    for number, (rows, columns) in enumerate(ndi.find_objects(parts)):
        crop = (_wider(rows, margin), _wider(columns, margin))
        result[crop] |= _smooth_part(parts[crop] == number + 1, support[crop], int(sizes[number]), sigma)
    return result


def _wider(span: slice, margin: int) -> slice:
    return slice(max(span.start - margin, 0), span.stop + margin)


def _smooth_part(part: np.ndarray, support: np.ndarray, area: int, sigma: float) -> np.ndarray:
    rim = int((part & ~ndi.binary_erosion(part)).sum())
    sigma = min(sigma, THIN * 2.0 * area / rim)
    step = max(1, int(sigma / FINE))
    coarse = shrink(torch.from_numpy(part.astype(np.float32)), step).numpy()
    soft = ndi.gaussian_filter(coarse, sigma / step, mode="nearest", truncate=3.0)
    soft = enlarge(soft, Box(0, 0, *part.shape), step, torch.device("cpu")).numpy()
    level = np.partition(soft[support], -area)[-area]
    return support & (soft >= max(level, LEAST_LEVEL))


def _sizes(mask: np.ndarray, structure: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Labels from 1 of the parts of a mask, and their pixels."""
    parts, _ = ndi.label(mask, structure)
    return parts, np.bincount(parts.ravel())[1:]
