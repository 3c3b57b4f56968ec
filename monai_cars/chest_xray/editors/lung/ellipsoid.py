"""The shadow of a round solid: chord lengths through an ellipsoid with a perturbed surface."""

from __future__ import annotations

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import smooth_noise, uniform

GRID = 64  # samples across the finding; its edges are no sharper than this on any film
EXTENT = 1.45  # half width of that grid in radii


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
    line = np.linspace(-EXTENT, EXTENT, GRID, dtype=np.float32)
    depth = np.linspace(-1.4, 1.4, 24, dtype=np.float32)
    z, y, x = np.meshgrid(depth, line, line, indexing="ij")
    r = np.sqrt((x / axes[0]) ** 2 + (y / axes[1]) ** 2 + (z / axes[2]) ** 2) + 1e-6
    bumps = sum(
        np.cos((w[0] * x + w[1] * y + w[2] * z) / r + p) for w, p in zip(waves.astype(np.float32), phases, strict=True)
    )
    inside = np.clip((1.0 + roughness * bumps - r) / 0.08 + 0.5, 0.0, 1.0)
    chord = inside.mean(0)
    chord *= 1.0 + 0.05 * smooth_noise(chord.shape, GRID / 14, generator)
    area = (chord > 0.1 * chord.max()).mean() * (2 * EXTENT) ** 2
    return chord.astype(np.float32), float(EXTENT * radius / np.sqrt(area / np.pi))
