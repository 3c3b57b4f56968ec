"""How large a millimetre is on a chest film, and the grid on which what is smooth is worked out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from monai_cars.chest_xray.anatomy.measurements import INNER_THORAX_MM, estimate_spacing
from monai_cars.edits.film import Scale
from monai_cars.edits.square_pixels import LEAST_ASPECT, MOST_ASPECT
from monai_cars.files.header import Header

WORKING_SIZE = 512  # pixels on the shorter side: what is smooth in an edit is computed and measured here
THORAX_MM = (50.0, 480.0)  # inner thoracic width; a header whose spacing gives another is wrong about it


def working_step(shape: Sequence[int]) -> int:
    """Native pixels per pixel of the working grid, a whole number.

    Example:
        >>> working_step((1, 2048, 1536)), working_step((300, 200))
        (3, 1)
    """
    return max(1, int(min(shape[-2:]) // WORKING_SIZE))


def usual_millimetre(fields: np.ndarray) -> float:
    """Pixels per millimetre of a film without scale: its thorax is taken for an adult's, half of one at the least.

    Good enough for blurs; no amount in millimetres is ever told by it.

    Args:
        fields: (..., H, W) bool, the lung fields.

    Example:
        >>> usual_millimetre(np.ones((2, 4, 561), bool)), usual_millimetre(np.zeros((4, 4), bool))
        (2.0, 1.0)
    """
    columns = np.flatnonzero(fields.any(tuple(range(fields.ndim - 1))))
    if not len(columns):
        return 1.0
    return max(float(columns[-1] - columns[0]), INNER_THORAX_MM / 2) / INNER_THORAX_MM


def film_scale(header: Header, anatomy: torch.Tensor) -> Scale:
    """The scale of an upright film: its header's where that gives the thorax of a person, else its anatomy's.

    Args:
        header: of the film as it lies in its array.
        anatomy: (S, H, W) masks, upright.
    """
    spacing, source, aspect = header.spacing, header.spacing_source, header.aspect
    if header.axes.startswith("WH"):
        spacing = None if spacing is None else (spacing[1], spacing[0])
        aspect = 1 / aspect
    if spacing is not None and not _plausible(spacing, anatomy):
        spacing = None
    if spacing is None:
        across = estimate_spacing(anatomy, header.age)
        spacing = None if across is None else (across[1] * aspect, across[1])
        source = "estimated" if spacing else "unknown"
    usual = usual_millimetre(anatomy[:2].cpu().numpy() > 0) if spacing is None else 1.0
    return Scale(spacing, source, usual, aspect)


def _plausible(spacing: tuple[float, ...], anatomy: torch.Tensor) -> bool:
    """Whether the lungs' width in millimetres is that of a person, from a newborn to the largest adult.

    Where pixels are not square, so is their height: one of the two numbers may be wrong.
    """
    ratio = max(spacing) / min(spacing)
    if ratio > MOST_ASPECT:
        return False
    fields = anatomy[:2].amax(0)
    low, high = THORAX_MM
    axes = (1,) if ratio <= LEAST_ASPECT else (0, 1)
    for axis in axes:
        places = torch.nonzero(fields.amax(1 - axis)).flatten()
        if len(places) and not low <= float(places.max() - places.min() + 1) * spacing[axis] <= high:
            return False
    return True
