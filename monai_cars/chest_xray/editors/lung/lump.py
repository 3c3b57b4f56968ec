"""A lobulated shadow beside the mediastinum: overlapping perturbed ellipsoids, smooth or with strands into the lung."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import smoothstep, uniform
from monai_cars.chest_xray.editors.lung.ellipsoid import GRID, perturbed_chord

FIELD = 2.0  # the profile's grid reaches that many radii from its centre
SAMPLES = 120
UNION = 4.0  # power mean of the lobes' chords: lobes merge without a seam and stay visible as lobes
EDGE = 0.25  # share of the peak at which a shadow ends, as its diameter is measured
FULL = 1.0  # contrast units at which soft tissue adds nothing more that a film shows
ROOM = 0.55  # contrast units below FULL at which it adds all
TRIES = 6


@dataclass(frozen=True)
class Lump:
    """A shadow and its place.

    Args:
        centre: (row, column) in working pixels.
        profile: (SAMPLES, SAMPLES) share of the peak, over FIELD radii either way.
        size: radius as a share of the largest lump's.
        peak: contrast units at its thickest; with ``fill`` the share of what is missing to it.
        fill: contrast units of the tissue that takes the lung's place, None for density that adds to it.
    """

    centre: tuple[float, float]
    profile: np.ndarray
    size: float
    peak: float
    fill: float | None = None


def lobulated(lobes: int, stretch: float, generator: torch.Generator, towards: float | None = None) -> np.ndarray:
    """(SAMPLES, SAMPLES) profile of overlapping lobes, peak 1, radius about 1.

    Args:
        lobes: how many; the first is the largest.
        stretch: height over width.
        generator: source of the shape.
        towards: angle (radians; 0 = to larger columns) of a lower lobe that ties the lump to the mediastinum.
    """
    total = np.zeros((SAMPLES, SAMPLES))
    start = uniform(0.0, 2 * np.pi, generator)
    for lobe in range(lobes):
        turn = start + 2 * np.pi * lobe / max(lobes - 1, 1) + uniform(-0.4, 0.4, generator)
        away = 0.0 if lobe == 0 else uniform(0.38, 0.6, generator)
        radius = uniform(0.68, 0.8, generator) if lobe == 0 else uniform(0.36, 0.58, generator)
        total += _lobe(away, turn, radius, stretch, 1.0 if lobe == 0 else uniform(0.75, 1.0, generator), generator)
    if towards is not None:
        total += _lobe(0.75, towards, 0.6, 1.2, 0.65, generator)
    merged = total ** (1 / UNION)
    return merged / merged.max()


def _lobe(
    away: float, turn: float, radius: float, stretch: float, thickness: float, generator: torch.Generator
) -> np.ndarray:
    chord, extent = perturbed_chord(radius, generator)
    line = np.linspace(-FIELD, FIELD, SAMPLES)
    y = line[:, None] / stretch**0.5 - away * np.sin(turn)
    x = line[None, :] * stretch**0.5 - away * np.cos(turn)
    places = [(part + extent) * (GRID - 1) / (2 * extent) for part in np.broadcast_arrays(y, x)]
    return (thickness * ndi.map_coordinates(chord / chord.max(), places, order=1)).clip(0.0) ** UNION


def stranded(
    profile: np.ndarray,
    towards: float,
    generator: torch.Generator,
    *,
    fan: float = 1.25,
    count: tuple[int, int] = (7, 12),
) -> np.ndarray:
    """A profile with strands that run out of it into the lung: vessels drawn in, and spicules.

    Args:
        profile: (SAMPLES, SAMPLES).
        towards: angle (radians) of the lung; strands fan out about it.
        generator: source of their course.
        fan: how far (radians) they fan out to either side.
        count: fewest, and one more than most.
    """
    y, x = np.meshgrid(*[np.linspace(-FIELD, FIELD, SAMPLES)] * 2, indexing="ij")
    strands = np.zeros_like(profile)
    for _ in range(int(torch.randint(*count, (), generator=generator))):
        turn = towards + uniform(-fan, fan, generator)
        along = x * np.cos(turn) + y * np.sin(turn)
        bend = uniform(-0.18, 0.18, generator) * along**2
        across = y * np.cos(turn) - x * np.sin(turn) - bend - uniform(-0.3, 0.3, generator)
        end, width = uniform(1.15, 1.9, generator), uniform(0.05, 0.10, generator)
        fade = smoothstep((end - along) / 0.9) * smoothstep(along / 0.3)
        taper = width * np.clip(1.3 - 0.5 * along, 0.4, 1.3)
        strands = np.maximum(strands, uniform(0.2, 0.45, generator) * fade * np.exp(-((across / taper) ** 2) / 2))
    total = np.maximum(profile, 0.0) + strands * (1.0 - 0.7 * profile)
    return total / total.max()


def fitted(lumps: list[Lump], aim: float, low: np.ndarray, soft: float) -> np.ndarray:
    """(h, w) contrast units of lumps so large that the largest shadow has the asked diameter.

    Args:
        lumps: what to lay.
        aim: diameter in working pixels.
        low: (h, w) smoothed film in contrast units: over lung a lump adds all its density, over the mediastinum little.
        soft: sigma of their edge in working pixels.
    """
    tried = []
    radius = 0.5 * aim
    for _ in range(TRIES):
        density = laid(lumps, radius, low, soft)
        found = visible_diameter(density)
        tried.append((abs(found - aim), density))
        radius = float(np.clip(radius * aim / max(found, 1.0), 0.25 * aim, 1.1 * aim))
    return min(tried, key=lambda one: one[0])[1]


def laid(lumps: list[Lump], radius: float, low: np.ndarray, soft: float) -> np.ndarray:
    """(h, w) contrast units of lumps on the working grid, a lump of size 1 with the given radius in pixels."""
    total = np.zeros(low.shape, np.float32)
    for lump in lumps:
        half = FIELD * radius * lump.size
        y0, x0 = (max(int(c - half) - 1, 0) for c in lump.centre)
        y1, x1 = (int(c + half) + 3 for c in lump.centre)
        under = low[y0:y1, x0:x1]
        rows, columns = np.arange(y0, y0 + under.shape[0])[:, None], np.arange(x0, x0 + under.shape[1])
        to_grid = (SAMPLES - 1) / (2 * half)
        places = [(rows - lump.centre[0] + half) * to_grid, (columns - lump.centre[1] + half) * to_grid]
        tile = ndi.map_coordinates(lump.profile, np.stack(np.broadcast_arrays(*places)), order=1)
        added = smoothstep((FULL - under) / ROOM) if lump.fill is None else np.clip(lump.fill - under, 0.0, None)
        total[y0:y1, x0:x1] = np.maximum(total[y0:y1, x0:x1], lump.peak * added * tile)
    return ndi.gaussian_filter(total, soft)


def visible_diameter(density: np.ndarray) -> float:
    """Diameter (pixels) of the disc with the area of the largest shadow, as a film's reader would draw it."""
    peak = float(density.max(initial=0.0))
    labels, count = ndi.label(density > EDGE * peak)
    area = np.bincount(labels.ravel())[1:].max() if count and peak > 0 else 0
    return float(2 * np.sqrt(area / np.pi))
