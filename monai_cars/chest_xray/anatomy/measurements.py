"""Sizes read from the masks: lung areas, cardiothoracic ratio, and a scale where the file has none."""

from __future__ import annotations

import numpy as np
import torch

from monai_cars.chest_xray.anatomy.structures import SIDES, structure_array

INNER_THORAX_MM = 280.0  # inner thoracic width of an adult
ADULT = 16.0  # years
SPUR = 0.1  # share of the heart's height: columns that hold less are fat pads and spurs of the mask, not its width


def lung_areas(anatomy: torch.Tensor, spacing: tuple[float, float]) -> dict[str, float]:
    """Area of each lung field in cm2.

    Args:
        anatomy: `(S, H, W)` masks.
        spacing: millimetres per pixel (row, column).

    Raises:
        ValueError: the spacing is not positive.

    Example:
        >>> lung_areas(torch.ones(3, 10, 10), (2.0, 5.0))
        {'right': 10.0, 'left': 10.0}
    """
    if spacing is None or not min(spacing) > 0:
        raise ValueError(f"spacing must be two positive numbers in mm per pixel (got {spacing}); see estimate_spacing")
    return {
        side: pixels * spacing[0] * spacing[1] / 100 for side, pixels in zip(SIDES, lung_pixels(anatomy), strict=True)
    }


def lung_pixels(anatomy: torch.Tensor) -> tuple[float, float]:
    """Pixels of the right and of the left lung field.

    Example:
        >>> lung_pixels(torch.ones(3, 4, 10))
        (40.0, 40.0)
    """
    right, left = (float(np.count_nonzero(structure_array(anatomy, f"{side}_lung"))) for side in SIDES)
    return right, left


def _extent(mask: np.ndarray) -> tuple[int, int] | None:
    """First and one past last column of a mask, spurs left out."""
    least = np.float32(SPUR) * np.float32(np.count_nonzero(mask.any(1)))
    solid = np.flatnonzero(mask.sum(0) > least)
    return (int(solid[0]), int(solid[-1]) + 1) if len(solid) else None


def thoracic_width(anatomy: torch.Tensor) -> int:
    """Widest inner thorax in pixels: between the lateral borders of both fields, on one row; 0 without both fields."""
    right, left = (structure_array(anatomy, f"{side}_lung") for side in SIDES)
    both = right.any(1) & left.any(1)
    if not both.any():
        return 0
    union = (right | left)[both]
    first, last = union.argmax(1), union.shape[1] - union[:, ::-1].argmax(1)
    return int((last - first).max())


def cardiothoracic_ratio(anatomy: torch.Tensor) -> float:
    """Widest cardiac silhouette over widest inner thorax of an upright film; NaN where one of them is missing.

    Only on erect PA films of adults does it say how large the heart is.

    Example:
        >>> masks = torch.zeros(3, 40, 100)
        >>> masks[0, :, 10:40] = masks[1, :, 60:90] = masks[2, 20:30, 35:75] = 1
        >>> cardiothoracic_ratio(masks)
        0.5
    """
    extent, width = _extent(structure_array(anatomy, "heart")), thoracic_width(anatomy)
    return (extent[1] - extent[0]) / width if extent and width else float("nan")


def estimate_spacing(anatomy: torch.Tensor, age: float | None = None) -> tuple[float, float] | None:
    """Millimetres per pixel (row, column) from the inner thoracic width of an adult, 280 mm.

    Args:
        anatomy: `(S, H, W)` masks of an upright film with square pixels.
        age: years; None is taken for an adult.

    Returns:
        The spacing; None for a child, or where a lung field is missing.

    Example:
        >>> masks = torch.zeros(3, 4, 300)
        >>> masks[0, :, 10:140] = masks[1, :, 160:290] = 1
        >>> estimate_spacing(masks, 50)
        (1.0, 1.0)
    """
    width = thoracic_width(anatomy)
    if not width or (age is not None and age < ADULT):
        return None
    return (INNER_THORAX_MM / width,) * 2
