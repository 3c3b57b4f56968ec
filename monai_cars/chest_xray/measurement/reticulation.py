"""Share of a lung field over which fine texture was added."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.scale import usual_millimetre, working_step
from monai_cars.edits.change import Change
from monai_cars.findings.severity import Quantity

FINE_MM, COARSE_MM = 0.35, 2.0  # sigmas of the band that holds lines and nodules of 0.7 to 4 mm
NEARBY_MM = 4.0  # sigma over which texture is taken
REACH_MM = 4.0 * COARSE_MM + 3.0 * NEARBY_MM  # of both filters together
VISIBLE = 0.5  # of the lung's usual texture: added in quadrature it makes the lung's texture an eighth stronger
LEAST = 0.006  # contrast units of added texture below which nothing is seen, however smooth the film was


def reticulated_share(change: Change) -> Quantity | None:
    """Share of the lung field over which visible texture of 0.7 to 4 mm was added; the larger side's.

    Visible is what reaches VISIBLE of the median texture of that lung before: a rib's edge or a tube, where it is
    stronger, does not hide the network between it and the next. A side's share is taken of the field outside the heart;
    None where there is no lung field.
    """
    step = working_step(change.gain.shape)
    masks = change.masks[:, ::step, ::step]
    fields = [mask & ~masks[2] for mask in masks[:2]]
    if not any(field.any() for field in fields):
        return None
    spacing = _millimetres(change, masks, step)
    film, gain = _shrunk(change.films[0], step), _shrunk(change.gain, step)
    shares = [_share(film, gain, field, spacing) for field in fields if field.any()]
    return Quantity(max(shares), "fraction")


def _share(film: np.ndarray, gain: np.ndarray, field: np.ndarray, spacing: float) -> float:
    """Share of a field over which texture was added; nothing beyond the filters' reach of it is looked at."""
    rows, columns = np.flatnonzero(field.any(1)), np.flatnonzero(field.any(0))
    margin = int(REACH_MM / spacing) + 3
    y0, x0 = max(int(rows[0]) - margin, 0), max(int(columns[0]) - margin, 0)
    window = slice(y0, int(rows[-1]) + margin + 1), slice(x0, int(columns[-1]) + margin + 1)
    if not gain[window].any():
        return 0.0
    was, added = (texture(part[window], spacing) for part in (film, gain))
    return float(visible(added, was, field[window])[field[window]].mean())


def texture(film: np.ndarray, spacing: float) -> np.ndarray:
    """(h, w) strength of the structures of 0.7 to 4 mm around a pixel, in the film's unit.

    The mean of the absolute band, not its root mean square: a rib's edge counts less and a network more.

    Args:
        film: (h, w).
        spacing: mm per pixel.
    """
    film = film.astype(np.float32, copy=False)
    band = ndi.gaussian_filter(film, FINE_MM / spacing) - ndi.gaussian_filter(film, COARSE_MM / spacing)
    return ndi.gaussian_filter(np.abs(band), NEARBY_MM / spacing, truncate=3.0)


def visible(added: np.ndarray, was: np.ndarray, field: np.ndarray) -> np.ndarray:
    """(h, w) bool, where added texture is seen against the usual texture of a lung field.

    Args:
        added: (h, w) texture of the change, in contrast units.
        was: (h, w) texture of the film before.
        field: (h, w) bool, not empty.

    Example:
        >>> visible(np.array([0.05, 0.01]), np.array([0.04, 0.04]), np.array([True, True])).tolist()
        [True, False]
    """
    return added > max(VISIBLE * float(np.median(was[field])), LEAST)


def _shrunk(film: np.ndarray, step: int) -> np.ndarray:
    """Block means, as the working grid of the editors holds them."""
    if step == 1:
        return film
    padded = np.pad(film, [(0, (-n) % step) for n in film.shape], mode="edge")
    return padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step).mean((1, 3))


def _millimetres(change: Change, masks: np.ndarray, step: int) -> float:
    """Millimetres per pixel of the working grid; from the width of the thorax where the film has no scale."""
    if change.spacing is not None:
        return float(np.sqrt(change.spacing[0] * change.spacing[1])) * step
    return 1.0 / usual_millimetre(masks[:2])
