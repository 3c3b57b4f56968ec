"""The contrast unit of a film: the attenuation between aerated lung and mediastinum, in the image's own values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from monai_cars.chest_xray.anatomy.structures import STRUCTURES

WORKING_SIDE = 192  # pixels on the longer side; a percentile of a smoothed field needs no more
RIB_SHARE = 0.05  # of the thorax's height: smooths ribs and vessels, not opacities
INVERTED_EVIDENCE = 3.0  # how much more contrast the inverted reading needs before a film is taken for inverted


@dataclass(frozen=True)
class ContrastUnit:
    """One contrast unit.

    Args:
        value: mediastinum minus aerated lung; negative on an inverted film (dense = low).
        mediastinum: median between the lung fields.
        aerated: P10 of the rib-smoothed better lung (P90 on an inverted film).
        share: |value| over the film's P1-P99 range; 0 where it could not be measured.
    """

    value: float
    mediastinum: float
    aerated: float
    share: float

    @property
    def zero(self) -> float:
        """The image's value at zero units: aerated lung."""
        return self.aerated


def contrast_unit(image: torch.Tensor, anatomy: torch.Tensor, *, inverted: bool | None = None) -> ContrastUnit:
    """Measure the contrast unit of an upright film before it is edited.

    `median(mediastinum) - P10(aerated lung)` of the better lung, where mediastinum is the gap between the lung fields
    in the middle 60 % of their height. Any affine map of the values maps the unit along.

    Args:
        image: `(1, H, W)`.
        anatomy: `(S, H, W)` masks.
        inverted: dense tissue is dark; None decides by the values, and only on strong evidence.

    Returns:
        The unit; value and share are 0 where a lung field or the gap is missing.

    Raises:
        ValueError: image and masks differ in size.

    Example:
        >>> film = torch.ones(1, 100, 100); masks = torch.zeros(3, 100, 100)
        >>> masks[0, :, 10:40] = masks[1, :, 60:90] = 1
        >>> film[0, :, 10:40] = film[0, :, 60:90] = 0.25
        >>> contrast_unit(film, masks).value
        0.75
    """
    if image.shape[-2:] != anatomy.shape[-2:]:
        raise ValueError(
            f"image and anatomy must have one size (got {tuple(image.shape[-2:])} and {tuple(anatomy.shape[-2:])}); "
            "segment this image, or resize both together"
        )
    film, masks = _thumbnail(image, anatomy)
    low, high = np.percentile(film, [1, 99])
    gap = _gap(masks[0], masks[1])
    fields = [_smooth(film, masks[k] & ~masks[2], masks[k]) for k in (0, 1)]
    fields = [values for values in fields if len(values) >= 20]
    if not fields or len(gap[0]) < 20 or not high > low:
        return ContrastUnit(0.0, float(np.median(film)), float(np.median(film)), 0.0)
    dense = float(np.median(film[gap]))
    dark, bright = min(np.percentile(v, 10) for v in fields), max(np.percentile(v, 90) for v in fields)
    if inverted is None:
        inverted = bright - dense > INVERTED_EVIDENCE * max(dense - dark, 0.05 * (high - low))
    aerated = float(bright if inverted else dark)
    unit = dense - aerated
    return ContrastUnit(unit, dense, aerated, float(max(-unit if inverted else unit, 0.0) / (high - low)))


def _thumbnail(image: torch.Tensor, anatomy: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Film `(h, w)` float64, block means, and masks `(3, h, w)` bool, both subsampled."""
    plain = image.as_tensor() if hasattr(image, "as_tensor") else image
    labels = anatomy.as_tensor() if hasattr(anatomy, "as_tensor") else anatomy
    step = max(1, max(plain.shape[-2:]) // WORKING_SIDE)
    fine = max(1, step // 3)
    film = plain[0, ::fine, ::fine].detach().cpu().numpy().astype(np.float64)
    film = ndimage.uniform_filter(film, max(1, step // fine))
    grid = step // fine
    film = film[::grid, ::grid]
    masks = labels[: len(STRUCTURES), :: grid * fine, :: grid * fine].detach().cpu().numpy() > 0
    return film, masks


def _gap(right: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (rows, columns) between the fields in the middle 60 % of their common height."""
    rows = np.flatnonzero(right.any(1) & left.any(1))
    if not len(rows):
        return np.zeros(0, int), np.zeros(0, int)
    edge = 0.2 * (rows[-1] + 1 - rows[0])
    middle = rows[(rows >= rows[0] + edge) & (rows < rows[-1] + 1 - edge)]
    columns = np.arange(right.shape[1])[None]
    inner = right.shape[1] - 1 - right[middle, ::-1].argmax(1)[:, None]
    outer = left[middle].argmax(1)[:, None]
    where = np.nonzero((columns > inner) & (columns < outer))
    return middle[where[0]], where[1]


def _smooth(film: np.ndarray, aerated: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Values of the lung outside the heart, smoothed over ribs without mixing in what lies beyond the field."""
    rows = np.flatnonzero(field.any(1))
    if not len(rows):
        return np.zeros(0)
    width = 2 * round(RIB_SHARE * len(rows) / 2) + 1
    inner = ndimage.binary_erosion(aerated, iterations=max(1, width // 4))
    weight = ndimage.uniform_filter(inner.astype(np.float64), width)
    # Values are taken relative to one level, so that a large offset costs no precision.
    level = film[inner].mean() if inner.any() else 0.0
    total = ndimage.uniform_filter(np.where(inner, film - level, 0.0), width)
    return (total[inner] / weight[inner]) + level
