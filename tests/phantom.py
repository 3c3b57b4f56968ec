"""A closed-form frontal chest film: every border, value and ratio in it is known without measuring.

Two whole lung fields (they reach behind the heart), a heart, a mediastinum with trachea, domed diaphragms, ribs,
vessels and fine texture, in a standard orientation: the patient's right is on the left of the image, bright = dense.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

# Attenuation of each tissue on a scale where 0 is aerated lung and 1 the mediastinum: the film's contrast unit is 1.
AIR, LUNG, SOFT_TISSUE, MEDIASTINUM, ABDOMEN, RIB, VESSEL = -0.35, 0.0, 0.55, 1.0, 1.05, 0.14, 0.16
THORAX_MM = 280.0  # inner thoracic width of an adult
_INNER = (0.11, 0.89)  # lateral borders of the two lung fields, as shares of the film's width


@dataclass(frozen=True)
class Phantom:
    """One film with its truth.

    Attributes:
        image: (1, H, W) float32, bright = dense.
        anatomy: (3, H, W) uint8 in {0, 1}: right lung, left lung (image right), heart.
        spacing: mm per pixel (row, column).
        contrast_unit: mediastinum minus aerated lung in the image's own values.
        cardiothoracic_ratio: widest heart over widest inner thorax, from the formulas.
    """

    image: torch.Tensor
    anatomy: torch.Tensor
    spacing: tuple[float, float]
    contrast_unit: float
    cardiothoracic_ratio: float


def phantom(
    *,
    size: tuple[int, int] = (512, 512),
    seed: int = 0,
    low: float = 0.0,
    high: float = 4095.0,
    integer: bool = True,
    texture: float = 0.02,
    heart_width: float = 0.36,
) -> Phantom:
    """Draw the film.

    Args:
        size: (H, W) in pixels.
        seed: of texture, ribs and vessels; the borders never depend on it.
        low: value of the darkest tissue (air around the patient).
        high: value of the densest tissue.
        integer: round to integers, as a detector does.
        texture: standard deviation of the fine texture, in contrast units.
        heart_width: widest heart as a share of the film's width.

    Example:
        >>> film = phantom(size=(256, 256))
        >>> film.image.shape, film.anatomy.shape
        (torch.Size([1, 256, 256]), torch.Size([3, 256, 256]))
    """
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(_centres(size[0]), _centres(size[1]), indexing="ij")
    pixel = 1.0 / min(size)
    right, left, heart = _lung(x, y, "right"), _lung(x, y, "left"), _heart(x, y, heart_width)
    film = _tissues(x, y, np.maximum(right, left), heart, pixel)
    film += _ribs(x, y, pixel, rng) + _vessels(np.maximum(right, left), pixel, rng)
    film += texture * _noise(size, rng)
    values = low + (high - low) * (film - AIR) / (1.35 - AIR)
    values = np.clip(values, min(low, high), max(low, high))
    return Phantom(
        image=torch.from_numpy(np.rint(values) if integer else values).float()[None],
        anatomy=torch.from_numpy(np.stack([right > 0, left > 0, heart > 0]).astype(np.uint8)),
        spacing=(THORAX_MM / ((_INNER[1] - _INNER[0]) * size[1]),) * 2,
        contrast_unit=(high - low) / (1.35 - AIR),
        cardiothoracic_ratio=heart_width / (_INNER[1] - _INNER[0]),
    )


def _centres(n: int) -> np.ndarray:
    return (np.arange(n) + 0.5) / n


def _lung(x: np.ndarray, y: np.ndarray, side: str) -> np.ndarray:
    """Signed depth of a lung field (positive inside): a superellipse cut by its domed diaphragm and the mediastinum."""
    outer, inner, dome = (_INNER[0], 0.46, 0.745) if side == "right" else (_INNER[1], 0.53, 0.775)
    centre, half = (outer + inner) / 2, abs(outer - inner) / 2
    body = 0.3 * (1 - np.abs((x - centre) / half) ** 3 - np.abs((y - 0.52) / 0.42) ** 3)
    # The diaphragm is a parabola: highest at mid-field, the costophrenic angle lies lowest and lateral.
    diaphragm = dome + 1.6 * (x - (centre + 0.25 * (inner - centre))) ** 2 - y
    return np.minimum(body, diaphragm)


def _heart(x: np.ndarray, y: np.ndarray, width: float) -> np.ndarray:
    centre = 0.545
    return 0.2 * (1 - ((x - centre) / (width / 2)) ** 2 - ((y - 0.645) / 0.15) ** 2)


def _tissues(x: np.ndarray, y: np.ndarray, lung: np.ndarray, heart: np.ndarray, pixel: float) -> np.ndarray:
    body = 0.3 * (1 - np.abs((x - 0.5) / 0.47) ** 6 - np.clip((0.35 - y) / 0.45, 0, None) ** 2)
    film = _blend(np.full_like(x, AIR), SOFT_TISSUE, body, 0.01)
    film = _blend(film, MEDIASTINUM, 0.075 - np.abs(x - 0.495), 0.008)
    film = _blend(film, ABDOMEN, y - 0.75, 0.02)
    film = _blend(film, LUNG, lung, 2 * pixel)
    film = _blend(film, MEDIASTINUM, heart, 2 * pixel)
    trachea = np.minimum(0.018 - np.abs(x - 0.495), 0.36 - y)
    return _blend(film, 0.65, trachea, 0.004)


def _blend(film: np.ndarray, value: float, depth: np.ndarray, softness: float) -> np.ndarray:
    share = np.clip(0.5 + depth / (2 * softness), 0, 1)
    return film * (1 - share) + value * share


def _ribs(x: np.ndarray, y: np.ndarray, pixel: float, rng: np.random.Generator) -> np.ndarray:
    """Nine pairs of arcs that fall laterally; the two sides are mirror images."""
    arc = y - 0.35 * np.abs(x - 0.5) - 0.5 * (x - 0.5) ** 2
    period, phase = 0.078, rng.uniform(0, 0.02)
    distance = np.abs((arc - phase) % period - period / 2)
    inside = (np.abs(x - 0.5) > 0.08) & (np.abs(x - 0.5) < 0.42) & (y > 0.08) & (y < 0.8)
    return RIB * inside * np.clip((0.014 - distance) / (3 * pixel) + 0.5, 0, 1)


def _vessels(lung: np.ndarray, pixel: float, rng: np.random.Generator) -> np.ndarray:
    """Branching bright lines: ridges of smooth noise, inside the lung fields only."""
    smooth = ndimage.gaussian_filter(rng.standard_normal(lung.shape), 0.02 / pixel, mode="reflect")
    ridge = np.exp(-((smooth / (0.25 * smooth.std())) ** 2))
    return VESSEL * ridge * np.clip(lung / 0.05, 0, 1)


def _noise(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    grain = ndimage.gaussian_filter(rng.standard_normal(size), 0.7)
    return grain / grain.std()
