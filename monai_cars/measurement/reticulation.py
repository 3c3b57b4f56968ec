"""Share of a lung field over which fine texture was added."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage as ndi

from monai_cars.measurement.change import Change
from monai_cars.severity import Quantity

FINE_MM, COARSE_MM = 0.35, 2.0  # sigmas of the band that holds lines and nodules of 0.7 to 4 mm
NEARBY_MM = 4.0  # sigma over which the spread is taken
VISIBLE = 1.12  # factor on the spread of the texture from which a reader sees a change
LEAST = 0.005  # contrast units of texture below which nothing is seen, however smooth the film was
WORKING_SIZE = 512
THORAX_MM = 280.0  # inner thoracic width of an adult, for a film without a scale


def reticulated_share(change: Change) -> Quantity | None:
    """Share of the lung field over which texture of 0.7 to 4 mm became visibly stronger; the larger side's.

    A side's share is taken of the field outside the heart; None where there is no lung field.
    """
    step = max(1, min(change.gain.shape) // WORKING_SIZE)
    before, after = (_shrunk(film, step) for film in change.films)
    masks = change.masks[:, ::step, ::step]
    if not masks[:2].any():
        return None
    gained = texture_gained(before, _millimetres(change, masks, step))(after)
    heart = change.structure("heart")[::step, ::step]
    shares = [float((gained & free).sum() / max(free.sum(), 1)) for free in (mask & ~heart for mask in masks[:2])]
    return Quantity(max(shares), "fraction")


def texture_gained(before: np.ndarray, spacing: float) -> Callable[[np.ndarray], np.ndarray]:
    """A function from a film after an edit to (h, w) bool, where fine texture became visibly stronger.

    ``after > VISIBLE * before`` and ``after - before > LEAST`` for the texture of each; see :func:`texture`.

    Args:
        before: (h, w) film in contrast units.
        spacing: mm per pixel.

    Example:
        >>> flat = np.zeros((64, 64)); lines = flat.copy(); lines[:, 32:] = 0.1 * (np.arange(32) // 2 % 2)
        >>> gained = texture_gained(flat, 1.0)(lines)
        >>> bool(gained[32, 48]), bool(gained[32, 8])
        (True, False)
    """
    was = texture(before, spacing)

    def gained(after: np.ndarray) -> np.ndarray:
        now = texture(after, spacing)
        return (now > VISIBLE * was) & (now - was > LEAST)

    return gained


def texture(film: np.ndarray, spacing: float) -> np.ndarray:
    """(h, w) spread (contrast units) of the structures of 0.7 to 4 mm around a pixel.

    The mean of the absolute band, not its root mean square: a rib's edge counts less and a network more.
    """
    film = film.astype(np.float32, copy=False)
    band = ndi.gaussian_filter(film, FINE_MM / spacing) - ndi.gaussian_filter(film, COARSE_MM / spacing)
    return ndi.gaussian_filter(np.abs(band), NEARBY_MM / spacing, truncate=3.0)


def _shrunk(film: np.ndarray, step: int) -> np.ndarray:
    """Block means, as the working grid of the editors holds them."""
    if step == 1:
        return film
    h, w = (n // step * step for n in film.shape)
    padded = np.pad(film, [(0, (-n) % step) for n in film.shape], mode="edge") if (h, w) != film.shape else film
    return padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step).mean((1, 3))


def _millimetres(change: Change, masks: np.ndarray, step: int) -> float:
    """Millimetres per pixel of the working grid; from the width of the thorax where the film has no scale."""
    if change.spacing is not None:
        return float(np.sqrt(change.spacing[0] * change.spacing[1])) * step
    columns = np.flatnonzero(masks[:2].any((0, 1)))
    return THORAX_MM / max(columns[-1] - columns[0], THORAX_MM / 2)
