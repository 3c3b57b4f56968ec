"""What is printed on a film or stops the beam: text, markers, metal; and the compact parts of devices."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi
from torch.nn import functional

WHITE, BLACK = 0.16, 0.01  # share of the film's range that still counts as its end: letters are not always at it
SATURATED = 0.03  # the same for metal
STROKE_MM = 8.0  # a letter's stroke, a clip and a sternal wire are narrower
RING_MM, LETTER_LEAST = 2.5, 4  # what surrounds a letter; pixels of its smallest part
STANDS_OUT = 0.5  # contrast units over the surroundings
LARGEST_MM2 = 3000.0  # a pacemaker's generator is about 50 x 45 mm; a saturated abdomen is larger
EDGE_MM, SHARP = 2.5, 0.6  # metal ends within EDGE_MM along most of its border, tissue does not
GROWN_MM = 1.0
PART_MM, PART_BLUR_MM, PART_CORE = 7.0, 0.6, 0.4  # clips: narrower than PART_MM, contrast units at their core
PART_OVER_GRAIN = 6.0
PART_LEAST_MM2, PART_LARGEST_MM2 = 8.0, 300.0


def opaque_marks(u: np.ndarray, native: torch.Tensor, *, factor: int, mm: float) -> np.ndarray:
    """Find what lies at an end of the film's range and stands out sharply: burnt-in text, side markers, metal.

    Args:
        u: (h, w) film in contrast units on the working grid.
        native: (H, W) the same film at its own size; letters are printed there.
        factor: native pixels per working pixel.
        mm: working pixels per millimetre.

    Returns:
        (h, w) bool.

    Example:
        >>> film = np.zeros((64, 64), np.float32); film[20:24, 10:30] = 2.0
        >>> bool(opaque_marks(film, torch.from_numpy(film), factor=1, mm=1.0)[22, 20])
        True
    """
    low, high = float(native.min()), float(native.max())
    if not high > low:
        return np.zeros(u.shape, bool)
    white = _any_in_block(native >= high - WHITE * (high - low), factor)[: u.shape[0], : u.shape[1]]
    black = _any_in_block(native <= low + BLACK * (high - low), factor)[: u.shape[0], : u.shape[1]]
    if not white.any() and not black.any():
        return white
    strokes = _alone(white & (u - _background(u, STROKE_MM * mm) > STANDS_OUT), u, mm)
    strokes |= _alone(black & (-u - _background(-u, STROKE_MM * mm) > STANDS_OUT), -u, mm)
    saturated = _any_in_block(native >= high - SATURATED * (high - low), factor)[: u.shape[0], : u.shape[1]]
    marks = strokes | _metal(u, saturated, mm)
    return ndi.binary_dilation(marks, iterations=max(1, round(GROWN_MM * mm))) if marks.any() else marks


def compact_parts(u: np.ndarray, mm: float) -> np.ndarray:
    """(h, w) bool compact dense parts of devices: clips, electrodes, connectors."""
    smooth = ndi.gaussian_filter(u, PART_BLUR_MM * mm, truncate=3.0)
    out = smooth - _background(smooth, PART_MM * mm)
    # Sharply processed films are full of small dense specks: a part stands out of them too.
    core = max(PART_CORE, PART_OVER_GRAIN * float(np.median(out)))
    labels, count = ndi.label(out > core / 2, structure=np.ones((3, 3)))
    if not count:
        return np.zeros(u.shape, bool)
    peak = ndi.maximum(out, labels, np.arange(count + 1))
    area = np.bincount(labels.ravel(), minlength=count + 1) / mm**2
    keep = (peak > core) & (area <= PART_LARGEST_MM2) & (area >= PART_LEAST_MM2)
    keep[0] = False
    return keep[labels]


def _alone(mask: np.ndarray, u: np.ndarray, mm: float) -> np.ndarray:
    """(h, w) bool parts that stand out from most of what surrounds them; a bright corner does from half of it."""
    labels, _ = ndi.label(mask, structure=np.ones((3, 3)))
    reach = max(2, round(RING_MM * mm))
    kept = np.zeros_like(mask)
    for number, box in enumerate(ndi.find_objects(labels), start=1):
        window = tuple(slice(max(s.start - reach, 0), s.stop + reach) for s in box)
        part = labels[window] == number
        ring = ndi.binary_dilation(part, iterations=reach) & ~ndi.binary_dilation(mask[window])
        if part.sum() >= LETTER_LEAST and ring.any():
            kept[window] |= part & (np.percentile(u[window][ring], 80) < u[window][part].mean() - STANDS_OUT)
    return kept


def _background(u: np.ndarray, width: float) -> np.ndarray:
    """(h, w) grey opening by a square, on every third pixel: nine times as fast as at full size."""
    coarse = ndi.grey_opening(u[::3, ::3], size=2 * max(1, round(width / 6)) + 1)
    return np.repeat(np.repeat(coarse, 3, 0), 3, 1)[: u.shape[0], : u.shape[1]]


def _metal(u: np.ndarray, white: np.ndarray, mm: float) -> np.ndarray:
    """(h, w) bool saturated areas of limited size with a sharp border."""
    labels, count = ndi.label(white)
    if not count:
        return white
    area = np.bincount(labels.ravel(), minlength=count + 1) / mm**2
    small = (area <= LARGEST_MM2) & (area >= 10.0)
    small[0] = False
    if not small.any():
        return np.zeros_like(white)
    border = white & ~ndi.binary_erosion(white)
    steep = u - ndi.grey_erosion(u, size=2 * max(1, round(EDGE_MM * mm)) + 1) > STANDS_OUT
    share = np.bincount(labels[border], steep[border], minlength=count + 1) / np.maximum(
        np.bincount(labels[border], minlength=count + 1), 1
    )
    return (small & (share > SHARP))[labels]


def _any_in_block(mask: torch.Tensor, factor: int) -> np.ndarray:
    if factor == 1:
        return mask.cpu().numpy()
    return functional.max_pool2d(mask[None, None].float(), factor, ceil_mode=True)[0, 0].cpu().numpy() > 0
