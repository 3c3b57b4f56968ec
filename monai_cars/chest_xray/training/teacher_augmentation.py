"""Random views of crops for the teacher: a crop is upright and framed by its lungs, so views differ little in place."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from monai_cars.chest_xray.training.augmentation import chance, tone, uniform

TURN, ZOOM, STRETCH, SHIFT = 12.0, 0.15, 0.1, 0.08  # degrees; log; log; of half the side


def random_views(
    images: torch.Tensor, masks: torch.Tensor, boxes: torch.Tensor, *, size: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Turned, zoomed, shifted, mirrored and processed views of crops with their masks.

    A mirrored crop exchanges the lungs' channels: they are named by their place in the image.

    Args:
        images: (N, 1, S, S) in [0, 1].
        masks: (N, 3, S, S) in [0, 1].
        boxes: (N, 1, S, S) in [0, 1].
        size: side of the result.
        generator: source of all draws.

    Returns:
        The three of them at (size, size); images are not normalised.
    """
    grid, mirror = _grid(images.shape[0], size, generator)
    seen = functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    known = functional.grid_sample(torch.cat([masks, boxes], 1), grid, mode="bilinear", align_corners=False)
    mask, box = known[:, :3], known[:, 3:]
    mask = torch.where(mirror < 0, mask[:, [1, 0, 2]], mask)
    half = len(seen) // 2  # the others stay as they are: real films are the common case, and processing costs time
    return torch.cat([tone(seen[:half], generator, negative_prob=0.0), seen[half:]]), mask, box


def _grid(n: int, size: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    angle = uniform(n, -1, 1, generator) * math.radians(TURN)
    zoom = (uniform(n, -1, 1, generator) * ZOOM).exp()
    stretch = (uniform(n, -1, 1, generator) * STRETCH).exp()
    mirror = 1 - 2 * chance(n, 0.5, generator)
    shift_x, shift_y = (uniform(n, -SHIFT, SHIFT, generator) for _ in range(2))
    cos, sin = angle.cos(), angle.sin()
    rows = [
        torch.cat([cos * zoom * stretch * mirror, -sin * zoom, shift_x], 3),
        torch.cat([sin * zoom * mirror, cos * zoom / stretch, shift_y], 3),
    ]
    grid = functional.affine_grid(torch.cat(rows, 2)[:, 0], [n, 1, size, size], align_corners=False)
    return grid, mirror
