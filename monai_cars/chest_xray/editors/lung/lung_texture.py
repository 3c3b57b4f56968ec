"""Texture of diseased lung: acinar mottle, and strands that run with the bronchi and vessels."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from monai_cars.chest_xray.editors.canvas.canvas import smooth_noise, smoothstep
from monai_cars.chest_xray.editors.lung.parenchyma import Lung

ACINUS_MM = 2.2  # sigma: acinar shadows of 5 to 10 mm (Fleischner glossary: acinus about 7 mm)
LOBULES_MM = 7.0  # sigma: groups of lobules
STRAND_MM, STRAND_LENGTH_MM = 0.8, 7.0  # sigma across, and half of the length along, the bronchovascular bundles
TURN, TURN_MM = 0.8, 11.0  # radians by which strands turn off the ray from the hilum, and how soon
CENTRAL_MM = 55.0  # closer to the hilum the rays of one point would show as a fan


def strands(lung: Lung, generator: torch.Generator, width_mm: float = STRAND_MM) -> np.ndarray:
    """(h, w) noise of unit variance drawn out along rays from the hilum, as bronchovascular bundles run.

    The noise is averaged along the rays by doubling: after n steps over 2**n places.
    """
    shape, mm = lung.field.shape, lung.mm
    dy, dx = lung.from_hilum
    angle = np.arctan2(dy, dx) + TURN * smooth_noise(shape, TURN_MM * mm, generator)
    # grid_sample counts a film's width and height as 2.
    along = torch.from_numpy(np.stack([2 * np.cos(angle) / shape[1], 2 * np.sin(angle) / shape[0]], -1)).float()[None]
    places = functional.affine_grid(torch.eye(2, 3)[None], [1, 1, *shape], align_corners=False)
    drawn = torch.from_numpy(smooth_noise(shape, width_mm * mm, generator)).float()[None, None]
    step = STRAND_LENGTH_MM * mm / 2
    while step > 0.8 * width_mm * mm:
        moved = [_sampled(drawn, places + s * along) for s in (-step, step)]
        drawn, step = moved[0] + moved[1], step / 2
    noise = drawn[0, 0].numpy()
    inside = noise[lung.field]
    noise = (noise - inside.mean()) / (inside.std() + 1e-6)
    return noise * smoothstep(np.hypot(dy, dx) / (CENTRAL_MM * mm))


def _sampled(image: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    return functional.grid_sample(image, places, mode="bilinear", padding_mode="reflection", align_corners=False)


def mottle(lung: Lung, generator: torch.Generator, amount: float, *, streaky: float = 0.6) -> np.ndarray:
    """(h, w) factor of mean 1 by which air-space filling varies.

    Args:
        lung: the lung.
        generator: randomness.
        amount: standard deviation of the logarithm.
        streaky: weight of the strands against the acinar mottle, 0 to 1.
    """
    shape, mm = lung.field.shape, lung.mm
    acini = smooth_noise(shape, ACINUS_MM * mm, generator)
    lobules = smooth_noise(shape, LOBULES_MM * mm, generator)
    noise = streaky * strands(lung, generator) + (1 - streaky) * acini + 0.5 * lobules
    noise *= amount / np.sqrt(streaky**2 + (1 - streaky) ** 2 + 0.25)
    return np.exp(np.clip(noise, -3 * amount, 2.2 * amount) - amount**2 / 2)
