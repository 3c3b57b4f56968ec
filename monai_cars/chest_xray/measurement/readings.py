"""What one film says of heart and lungs by itself: cardiothoracic ratio, size of the fields, aerated share, height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import SIDES, STRUCTURES, cardiothoracic_ratio, thoracic_width
from monai_cars.chest_xray.anatomy.measurements import INNER_THORAX_MM, lung_pixels
from monai_cars.chest_xray.measurement.block_means import block_means
from monai_cars.edits.film import Unit

AERATED = 0.6  # contrast units above aerated lung up to which lung counts as aerated
SMOOTH_MM = 3.0  # sigma; vessels are no loss of air
GRID = 256  # pixels on the shorter side; a share needs no more
FILLED = 0.2  # share of a row of the field from which fluid or an opacity has reached that row


@dataclass(frozen=True)
class Sizes:
    """What the masks of a film say.

    Args:
        cardiothoracic: ratio, NaN where heart or thorax are missing.
        fields: pixels of the right and the left lung field.
    """

    cardiothoracic: float
    fields: tuple[float, float]


def sizes(anatomy: torch.Tensor) -> Sizes:
    """Sizes of a film's masks (S, H, W).

    Example:
        >>> sizes(torch.ones(3, 4, 10)).fields
        (40.0, 40.0)
    """
    return Sizes(cardiothoracic_ratio(anatomy), lung_pixels(anatomy))


class Lungs:
    """A film's lung fields outside the heart on a grid of about 256 pixels, in frozen masks and a frozen unit.

    Args:
        anatomy: (S, H, W) masks before an edit.
        unit: contrast unit before it.
    """

    def __init__(self, anatomy: torch.Tensor, unit: Unit) -> None:
        self.step = max(1, min(anatomy.shape[-2:]) // GRID)
        self.unit = unit
        masks = anatomy[:, :: self.step, :: self.step].cpu().numpy() > 0
        heart = masks[STRUCTURES.index("heart")]
        self.free = tuple(masks[STRUCTURES.index(f"{side}_lung")] & ~heart for side in SIDES)
        self.smooth = max(SMOOTH_MM * (thoracic_width(anatomy) or self.step * GRID) / INNER_THORAX_MM / self.step, 0.5)

    def density(self, film: torch.Tensor) -> np.ndarray:
        """(h, w) smoothed film (1, H, W) in contrast units above aerated lung."""
        plain = film[0].float().cpu().numpy()
        means = block_means(plain, self.step, self.step) if self.step > 1 else plain
        return ndi.gaussian_filter((means - self.unit.zero) / self.unit.value, self.smooth)

    def on_grid(self, mask: torch.Tensor) -> np.ndarray:
        """(h, w) bool of a mask (H, W)."""
        return mask[:: self.step, :: self.step].cpu().numpy() > 0

    def share(self, place: np.ndarray, side: int) -> float:
        """Share of a side's field that a place (h, w) bool takes."""
        free = self.free[side]
        return float((place & free).sum() / max(int(free.sum()), 1))

    def aerated(self, density: np.ndarray, side: int) -> float:
        """Aerated share of a side's field."""
        return self.share(density < AERATED, side)

    def height(self, place: np.ndarray, side: int) -> float:
        """Share of the field's rows that a place fills by a fifth or more."""
        free = self.free[side]
        width = free.sum(1)
        rows = width > 0
        filled = (place & free).sum(1)[rows] >= FILLED * width[rows]
        return float(filled.mean()) if len(filled) else 0.0
