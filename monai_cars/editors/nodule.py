"""Insert a nodule or a mass: the chord length of X-rays through an ellipsoid with a perturbed surface."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.edit import Box, CannotEdit, Edit, Proposal, Quantity
from monai_cars.editors.canvas import Canvas, smooth_noise, uniform
from monai_cars.editors.site import allowed_sites

CHORD_OF_ONE_UNIT = 140.0  # mm of soft tissue in air-filled lung that add one contrast unit
FAINTEST = 0.18  # contrast units; less is not seen on any film
CONSPICUITY = 2.4  # amplitude over the spread of ribs and vessels around it; a label must not be set for less
DENSEST = 0.6  # contrast units to which conspicuity may raise a finding; above it the site is too busy
GRID = 80  # samples across the finding; its edges are no sharper than this on any film
BLUR_MM = 0.6  # focal spot, motion and detector together
LEAST = 0.004  # share of the peak below which nothing is drawn: less than a grey level of an 8-bit film


def insert_nodule(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a nodule or mass whose amplitude follows from its size.

    The residual is ``chord(x, y) / 140 mm * U(0.7, 1.5)`` contrast units; ribs and vessels shine through because the
    attenuations add.

    Raises:
        CannotEdit: no scale, or no room for the finding where it was asked for.
    """
    asked = edit.asked or edit.scale.amount(uniform(0.0, 1.0, generator))
    radius = canvas.millimetres(asked.value / 2)
    site = allowed_sites(canvas, edit, generator, radius=radius)[0]
    chord, extent = perturbed_chord(radius, generator)
    density = uniform(0.7, 1.5, generator) * (3.0 if _calcified(edit, generator) else 1.0)
    needed = CONSPICUITY * local_spread(canvas, site, radius)
    if needed > DENSEST:
        raise CannotEdit(f"a {edit.finding} would not be seen between the ribs and vessels where it was to be put")
    amplitude = max(asked.value / CHORD_OF_ONE_UNIT * density, FAINTEST, needed)
    profile = amplitude * chord / max(chord.max(), 1e-6)
    return _on_film(canvas, profile, extent, site, asked)


def local_spread(canvas: Canvas, site: tuple[float, float], radius: float) -> float:
    """Standard deviation (contrast units) of the film around a site at the scale of the finding and finer."""
    reach = int(2 * radius) + 2
    y, x = (int(c) for c in site)
    tile = canvas.u[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach]
    return float((tile - ndi.gaussian_filter(tile, radius)).std())


def _calcified(edit: Edit, generator: torch.Generator) -> bool:
    # Granulomas: about one small nodule in eight is calcified, hardly any mass.
    return uniform(0.0, 1.0, generator) < (0.12 if edit.finding == "nodule" else 0.0)


def perturbed_chord(radius: float, generator: torch.Generator) -> tuple[np.ndarray, float]:
    """Chord length through an ellipsoid whose surface undulates.

    Args:
        radius: radius of the disc that has the projection's area, in pixels.
        generator: source of the shape.

    Returns:
        (GRID, GRID) chord length in units of its own maximum diameter, and the half width of that grid in pixels,
        scaled so that the projected area is ``pi * radius**2``.
    """
    axes = np.array([uniform(0.85, 1.15, generator) for _ in range(3)])
    waves = torch.randn(5, 3, generator=generator).numpy() * 2.2
    phases = torch.rand(5, generator=generator).numpy() * 2 * np.pi
    roughness = uniform(0.02, 0.07, generator)
    line = np.linspace(-1.45, 1.45, GRID, dtype=np.float32)
    depth = np.linspace(-1.4, 1.4, 24, dtype=np.float32)
    z, y, x = np.meshgrid(depth, line, line, indexing="ij")
    r = np.sqrt((x / axes[0]) ** 2 + (y / axes[1]) ** 2 + (z / axes[2]) ** 2) + 1e-6
    bumps = sum(
        np.cos((w[0] * x + w[1] * y + w[2] * z) / r + p) for w, p in zip(waves.astype(np.float32), phases, strict=True)
    )
    inside = np.clip((1.0 + roughness * bumps - r) / 0.08 + 0.5, 0.0, 1.0)
    chord = inside.mean(0)
    chord *= 1.0 + 0.05 * smooth_noise(chord.shape, GRID / 14, generator)
    area = (chord > 0.1 * chord.max()).mean() * (2 * 1.45) ** 2
    return chord.astype(np.float32), float(1.45 * radius / np.sqrt(area / np.pi))


def _on_film(
    canvas: Canvas, profile: np.ndarray, extent: float, site: tuple[float, float], asked: Quantity
) -> Proposal:
    half, (cy, cx) = extent * canvas.factor, ((c + 0.5) * canvas.factor - 0.5 for c in site)
    shape = canvas.native.shape
    box = Box(
        max(int(cy - half), 0),
        max(int(cx - half), 0),
        min(int(cy + half) + 2, shape[0]),
        min(int(cx + half) + 2, shape[1]),
    )
    to_grid = (GRID - 1) / (2 * half)
    rows = (np.arange(box.y0, box.y1) - cy + half) * to_grid
    columns = (np.arange(box.x0, box.x1) - cx + half) * to_grid
    values = ndi.map_coordinates(profile, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="constant")
    values = ndi.gaussian_filter(values, BLUR_MM * canvas.feature * canvas.factor)
    lesion = values > 0.1 * profile.max()
    # The profile ends without a step: what is below LEAST is taken off everywhere, not cut at the border.
    values = np.clip(values - LEAST * profile.max(), 0.0, None)
    support = values > 0
    if not lesion.any():
        raise CannotEdit("the finding is smaller than a pixel of this film")
    return Proposal(
        box,
        torch.from_numpy(values.astype(np.float32)),
        torch.from_numpy(support),
        torch.from_numpy(lesion),
        asked,
    )
