"""Lung that a dense shadow has come to cover: seen by the density half-way between the lung and the shadow."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi
from torch.nn import functional

from monai_cars.chest_xray.scale import usual_millimetre, working_step
from monai_cars.edits.change import Change

HALF = 0.5  # of the way from the lung to the shadow's density lies the shadow's border
LEAST = 0.08  # contrast units; less than this nobody sees
GRAIN_MM = 1.2  # sigma of the low-pass that takes grain off


class Films:
    """The film without and with a finding, and its masks, on a grid of about 512 pixels.

    Args:
        change: the films before and after.
    """

    def __init__(self, change: Change) -> None:
        step = working_step(change.gain.shape)
        self.masks = change.masks[:, ::step, ::step]
        self.spacing = change.spacing[0] * step if change.spacing else None
        self.mm = 1.0 / self.spacing if self.spacing else usual_millimetre(self.masks[:2])
        sigma = max(GRAIN_MM * self.mm, 0.5)
        self.without, self.with_finding = (
            ndi.gaussian_filter(_means(film, step), sigma, mode="nearest") for film in change.films
        )


def covered(films: Films, dense: np.ndarray, place: np.ndarray, root: np.ndarray) -> np.ndarray:
    """(h, w) bool lung that is dense now: more than half-way to the shadow's density, in one piece with the shadow.

    Args:
        films: both films.
        dense: (h, w) the shadow's density beside each pixel, contrast units.
        place: (h, w) bool where lung may have been covered.
        root: (h, w) bool the shadow before.
    """
    gain = films.with_finding - films.without
    enough = np.maximum(HALF * (dense - films.without), LEAST)
    joined, _ = ndi.label(((gain > enough) & place) | root)
    kept = np.unique(joined[root])
    return np.isin(joined, kept[kept > 0]) & ~root


def density_beside(film: np.ndarray, shadow: np.ndarray, sigma: float) -> np.ndarray:
    """(h, w) mean of the film over a shadow near each pixel; sigma in pixels."""
    weight, total = (_blurred(part, sigma) for part in (shadow.astype(np.float32), np.where(shadow, film, 0.0)))
    mean = total / np.maximum(weight, 1e-4)
    overall = float(film[shadow].mean()) if shadow.any() else 1.0
    share = np.clip(weight / 0.02, 0.0, 1.0)
    return share * mean + (1.0 - share) * overall


def _blurred(film: np.ndarray, sigma: float) -> np.ndarray:
    """(h, w) Gaussian low-pass, made of block means of a quarter of sigma: a wide filter needs no finer grid."""
    step = max(1, int(sigma / 4))
    plain = torch.from_numpy(np.ascontiguousarray(film, np.float32))[None, None]
    blocks = functional.avg_pool2d(plain, step, ceil_mode=True, count_include_pad=False)[0, 0].numpy()
    coarse = torch.from_numpy(ndi.gaussian_filter(blocks, sigma / step, mode="nearest"))[None, None]
    fine = functional.interpolate(coarse, scale_factor=float(step), mode="bilinear", align_corners=False)[0, 0]
    return fine[: film.shape[0], : film.shape[1]].numpy()


def _means(film: np.ndarray, step: int) -> np.ndarray:
    return film if step == 1 else ndi.uniform_filter(film, step)[::step, ::step]
