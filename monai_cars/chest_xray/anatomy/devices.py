"""Tubes, wires, metal and burnt-in marks on a film: what no edit of the patient may change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi
from scipy.spatial import cKDTree
from torch.nn import functional

from monai_cars.chest_xray.anatomy.opaque import compact_parts, opaque_marks
from monai_cars.chest_xray.anatomy.ridges import GAP_MM, Ridges, trace_ridges
from monai_cars.chest_xray.scale import working_step
from monai_cars.edits.film import Unit

# A curve is a device where L^2 R^3 / a^1.5 is large: L its length (mm), R its height (contrast units), a the
# difference between its two sides over R. Ribs' borders have unlike sides, vessels are short and low. Exponents and
# thresholds by logistic regression on 600 curves of 38 films, judged by eye, rounded; SURE keeps one false curve in
# about five sharply processed bedside films.
LENGTH_POWER, HEIGHT_POWER, SIDES_POWER = 2.0, 3.0, -1.5
SURE, WITH_A_SURE_ONE = 5.3, 2.0  # logarithms; the second for a curve that goes on where a sure one ends
LEAST_SIDES = 0.05
SHORTEST_MM = 25.0
GAP_BRIDGED_MM, BRIDGE_BESIDE_MM, BRIDGE_ANGLE = 26.0, 2.0, np.deg2rad(14)
CABLE_MM, BESIDE_MM = 60.0, 15.0
EDGE = 0.25  # share of a line's height at which it ends sideways


@dataclass(frozen=True)
class Devices:
    """What was found on the working grid of a film.

    Args:
        lines: (h, w) int32, 0 where there is no line, else the line's number; lines are projected over the patient
            and add to what lies beneath.
        fixed: (h, w) bool, opaque metal and burnt-in marks: beneath them nothing is seen.
        lengths: (n,) length of line 1 ... n in millimetres (of an adult's thorax where the film has no scale); 0 for
            compact parts (clips, electrodes).
        likeness: (n,) how sure each line is, SURE or more; 0 for compact parts.
        factor: native pixels per pixel of the grid.
        mm: pixels of the grid per millimetre.
    """

    lines: np.ndarray
    fixed: np.ndarray
    lengths: np.ndarray
    likeness: np.ndarray
    factor: int
    mm: float


def find_devices(image: torch.Tensor, unit: Unit, mm: float) -> Devices:
    """Find devices, markers and burnt-in text.

    Args:
        image: (1, H, W) film, bright = dense.
        unit: the film's contrast unit.
        mm: native pixels per millimetre.

    Example:
        >>> from monai_cars.chest_xray.anatomy import ContrastUnit
        >>> film = torch.zeros(1, 128, 128); film[0, 40:42, 8:120] = 0.8
        >>> find_devices(film, ContrastUnit(1.0, 1.0, 0.0, 0.5), 1.0).lengths.size
        1
    """
    factor = working_step(image.shape)
    native = (image[0].float() - unit.zero) / unit.value
    pooled = functional.avg_pool2d(native[None, None], factor, ceil_mode=True, count_include_pad=False)[0, 0]
    u, mm = pooled.cpu().numpy(), mm / factor
    ridges = trace_ridges(u, mm)
    like = likeness(ridges, mm)
    group = _device_curves(ridges, like, mm)
    lines, lengths = _drawn(ridges, group, u.shape, mm)
    # A cable may be as white as a letter; letters are short.
    cables = np.concatenate([[False], lengths >= CABLE_MM])[lines]
    fixed = opaque_marks(u, native, factor=factor, mm=mm) & ~cables
    parts, count = np.zeros(u.shape, np.int32), 0
    if (lengths >= CABLE_MM).any():  # elsewhere no part hangs on anything, and most films need not be searched
        parts, count = ndi.label(compact_parts(u, mm) & _beside(lines, lengths, mm) & (lines == 0) & ~fixed)
    surest = ndi.maximum(like, group, np.arange(1, len(lengths) + 1)) if len(lengths) else np.zeros(0)
    lines = np.where(parts > 0, parts + len(lengths), lines).astype(np.int32)
    none = np.zeros(count)
    return Devices(lines, fixed, np.concatenate([lengths, none]), np.concatenate([surest, none]), factor, mm)


def _beside(lines: np.ndarray, lengths: np.ndarray, mm: float) -> np.ndarray:
    """(h, w) bool near a long line: a clip hangs on its cable, a dense spot elsewhere is the patient's."""
    long = np.concatenate([[False], lengths >= CABLE_MM])[lines]
    grown = ndi.maximum_filter(long[::3, ::3], 2 * max(1, round(BESIDE_MM * mm / 3)) + 1)
    return np.repeat(np.repeat(grown, 3, 0), 3, 1)[: lines.shape[0], : lines.shape[1]]


def likeness(ridges: Ridges, mm: float) -> np.ndarray:
    """(count,) how much each curve is like a device rather than a rib's border or a vessel, a logarithm."""
    height = np.maximum(ridges.mean(ridges.height), 1e-6)
    gap = GAP_MM * mm
    sides = np.abs(ridges.along(ridges.smooth, gap) - ridges.along(ridges.smooth, -gap))
    unlike = np.maximum(ridges.mean(sides) / height, LEAST_SIDES)
    length = np.maximum(ridges.length / mm, 1e-3)
    return LENGTH_POWER * np.log(length) + HEIGHT_POWER * np.log(height) + SIDES_POWER * np.log(unlike)


def _device_curves(ridges: Ridges, like: np.ndarray, mm: float) -> np.ndarray:
    """(count,) number of the line that each curve belongs to, 0 for none; curves that go on in each other are one."""
    if not ridges.count:
        return np.zeros(0, int)
    like = np.where(ridges.length >= SHORTEST_MM * mm, like, -np.inf)
    group = np.where(like >= SURE, np.arange(ridges.count) + 1, 0)
    for _ in range(2):
        for one, other in _continuations(ridges, group > 0, (like >= WITH_A_SURE_ONE) & (group == 0), mm):
            group[other] = group[other] or group[one]
    return np.unique(group, return_inverse=True)[1] if (group == 0).any() else np.arange(1, ridges.count + 1)


def _continuations(ridges: Ridges, sure: np.ndarray, open_: np.ndarray, mm: float) -> list[tuple[int, int]]:
    """Pairs (sure curve, curve that goes on in its direction within a short gap)."""
    from_, to = np.flatnonzero(sure[ridges.curve])[::2], np.flatnonzero(open_[ridges.curve])[::2]
    if not len(from_) or not len(to):
        return []
    places = np.stack([ridges.y, ridges.x], 1)
    near = cKDTree(places[from_]).sparse_distance_matrix(
        cKDTree(places[to]), GAP_BRIDGED_MM * mm, output_type="coo_matrix"
    )
    one, other, distance = from_[near.row], to[near.col], np.maximum(near.data, 1e-3)
    move = places[other] - places[one]
    aligned = np.ones(len(one), bool)
    for point in (one, other):
        beside = np.abs(np.sin(ridges.angle[point]) * move[:, 1] - np.cos(ridges.angle[point]) * move[:, 0])
        aligned &= beside <= np.minimum(BRIDGE_BESIDE_MM * mm + 1e-6, np.maximum(distance * np.sin(BRIDGE_ANGLE), 2.0))
    pairs = np.unique(np.stack([ridges.curve[one[aligned]], ridges.curve[other[aligned]]], 1), axis=0)
    return [(int(a), int(b)) for a, b in pairs]


def _drawn(ridges: Ridges, group: np.ndarray, shape: tuple[int, ...], mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels (h, w) of the lines in their own width, and their lengths (n,) in millimetres."""
    lines = np.zeros(shape, np.int32)
    of_point = group[ridges.curve] if ridges.count else np.zeros(0, int)
    kept = np.flatnonzero(of_point)
    if not len(kept):
        return lines, np.zeros(0)
    half = _half_widths(ridges, mm)[ridges.curve]
    reach = int(np.ceil(half[kept].max()))
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            wide = kept[half[kept] >= np.hypot(dy, dx)]
            rows, columns = ridges.y[wide] + dy, ridges.x[wide] + dx
            inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
            lines[rows[inside], columns[inside]] = of_point[wide[inside]]
    return lines, np.bincount(group, ridges.length, minlength=group.max() + 1)[1:] / mm


def _half_widths(ridges: Ridges, mm: float) -> np.ndarray:
    """(count,) pixels from each curve's middle to where it has fallen to a third of its height, and a half more."""
    offsets = range(int(np.ceil(GAP_MM * mm)) + 2)
    profile = np.stack([ridges.mean(ridges.along(ridges.smooth, o) + ridges.along(ridges.smooth, -o)) for o in offsets])
    fallen = profile - profile.min(0) <= EDGE * (profile[0] - profile.min(0))
    return np.maximum(fallen.argmax(0), 1) + 0.5
