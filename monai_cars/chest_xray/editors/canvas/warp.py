"""Move a border: the density profile across it shifts outward or inward, what crosses it (ribs) stays where it is.

The film is *straightened* along the border: one row a place on the border, one column a distance from it. Smoothed
along the border only, the straightened film is the profile of the shadow, as sharp across the border as the film
itself and free of ribs and vessels, which cross it. The profile is displaced by a smooth monotone map (a
diffeomorphism of each row), and the difference of the displaced and the old profile is what the film gains. A plain
warp of the film would bend the ribs with the heart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import smoothstep

ALONG_MM = 9.0  # sigma along the border: ribs (25 to 35 mm apart) vanish from the profile, the border's bend stays
WIDE = 8.0  # window over sigma of the mean that is taken where ribs or devices leave too little
NEAR_MM, FAR_MM = 8.0, 4.0  # farther than this from the border, profiles are smoothed across it too, up to this sigma
CLEAR_MM = 5.0  # from here on outward a profile is lung, free of the border's blur
SATURATED = 0.5
EDGE_MM = 1.5  # half the width over which the cover ends at the new border


@dataclass(frozen=True)
class Border:
    """A border in a view whose columns run from the dense side to the aerated one.

    Args:
        place: (h,) column of the border in every row.
        shift: (h,) columns by which it moves outward, negative inward; 0 where it stays.
        inner: (h,) columns inside the border that may stretch.
        outer: (h,) columns beyond the border's outermost place that may yield.
        rim: (h,) columns inside the border that keep their shape.
    """

    place: np.ndarray
    shift: np.ndarray
    inner: np.ndarray
    outer: np.ndarray
    rim: np.ndarray


@dataclass(frozen=True)
class Pushed:
    """What a displacement does, on the view's grid.

    Args:
        before: (h, w) smooth profile of the film.
        after: (h, w) smooth profile of the film with the border moved.
        cover: (h, w) in [0, 1], the band that the border swept over.
        distance: (h, w) columns outward of the old border.
    """

    before: np.ndarray
    after: np.ndarray
    cover: np.ndarray
    distance: np.ndarray


def push(u: np.ndarray, trusted: np.ndarray, border: Border, mm: float, *, along: float = ALONG_MM) -> Pushed:
    """Displace the profile across a border.

    Args:
        u: (h, w) view of the film, contrast units.
        trusted: (h, w) bool, pixels whose values make the profile (no abdomen, no devices).
        border: where it is and where it goes.
        mm: pixels a millimetre.
        along: sigma in mm of the smoothing along the border.
    """
    distance = np.arange(u.shape[1], dtype=np.float32)[None] - border.place[:, None]
    reach = int(max(border.inner.max(), (border.outer + np.abs(border.shift)).max())) + 2
    profile = _profile(u, trusted, border.place, reach, mm, along)

    def sampled(at: np.ndarray) -> np.ndarray:
        return along_rows(profile, at + reach)

    def lung(at: np.ndarray) -> np.ndarray:
        return sampled(np.maximum(at, CLEAR_MM * mm))

    old = source(distance, border)
    before = sampled(distance)
    cover = swept(distance, border, EDGE_MM * mm)
    # What lies behind and before the lung (breast, scatter) does not move with the border: where lung gets covered, the
    # shadow adds to it, less than fully, as display values saturate.
    after = sampled(old) + (lung(distance) - lung(old)) * (1.0 - SATURATED * cover)
    return Pushed(before, after, cover, distance)


def along_rows(array: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(h, k) values of each row at fractional columns, linear, the nearest beyond the ends.

    Example:
        >>> along_rows(np.array([[0.0, 10.0]]), np.array([[-3.0, 0.25, 7.0]])).tolist()
        [[0.0, 2.5, 10.0]]
    """
    columns = np.clip(columns, 0.0, array.shape[1] - 1.0)
    low = np.minimum(columns.astype(np.intp), max(array.shape[1] - 2, 0))
    share = (columns - low).astype(array.dtype)
    first = np.take_along_axis(array, low, 1)
    return first + share * (np.take_along_axis(array, np.minimum(low + 1, array.shape[1] - 1), 1) - first)


def source(distance: np.ndarray, border: Border) -> np.ndarray:
    """(h, w) old distance from the border of what comes to lie at each distance: monotone in every row.

    The rim inside the border and half as much outside move with it as they are, so that the edge keeps its sharpness.
    The dense side is stretched evenly from the rim to ``-inner``; beyond the border, what yields is pressed together
    (or drawn out) over ``outer``.

    Example:
        >>> one = Border(*(np.array([v]) for v in (0.0, 5.0, 10.0, 20.0, 4.0)))
        >>> source(np.array([[-10.0, 1.0, 5.0, 30.0]]), one).tolist()
        [[-10.0, -4.0, 0.0, 30.0]]
    """
    shift, inner, outer, rim = (a[:, None] for a in (border.shift, border.inner, border.outer, border.rim))
    deep = inner - rim
    inside = -inner + (distance + inner) * deep / np.maximum(deep + shift, 1e-3)
    rest = shift * (1.0 - np.clip((distance - shift - rim / 2) / np.maximum(outer, 1e-3), 0.0, 1.0))
    moved = np.where(distance < shift - rim, inside, distance - np.where(distance < shift, shift, rest))
    return np.where((distance < -inner) | (shift == 0), distance, moved)


def swept(distance: np.ndarray, border: Border, edge: float) -> np.ndarray:
    """(h, w) in [0, 1]: 1 between the old place of the border and the new one, a soft end over ``edge`` columns."""
    low, high = np.minimum(border.shift, 0.0)[:, None], np.maximum(border.shift, 0.0)[:, None]
    soft = np.maximum(np.minimum(edge, (high - low) / 2), 1e-3)
    band = smoothstep((high - distance) / (2 * soft) + 0.5) * smoothstep((distance - low) / (2 * soft) + 0.5)
    return band * (high - low > 0.5)


def _profile(u: np.ndarray, trusted: np.ndarray, place: np.ndarray, reach: int, mm: float, along: float) -> np.ndarray:
    """(h, 2 * reach + 1) straightened film, smoothed along the border; far from it across it too."""
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    columns = place[:, None].astype(np.float32) + offsets[None]
    values = along_rows(u, columns)
    outside = (columns < 0) | (columns > u.shape[1] - 1)
    weight = np.where(outside, 0.0, along_rows(trusted.astype(np.float32), columns))
    sharp = _weighted(values, weight, (along * mm, 0.0))
    broad = _weighted(values, weight, (along * mm, FAR_MM * mm))
    far = smoothstep((np.abs(offsets) / mm - NEAR_MM) / 10.0)[None]
    return (1.0 - far) * sharp + far * broad


def _weighted(values: np.ndarray, weight: np.ndarray, sigma: tuple[float, float]) -> np.ndarray:
    """Weighted Gaussian mean; where little weight reaches, a wider one, and where none does, the mean of the column."""
    total = weight.sum(0, keepdims=True)
    overall = float((weight * values).sum() / max(float(weight.sum()), 1e-6))
    column = np.where(total > 1, (weight * values).sum(0, keepdims=True) / np.maximum(total, 1), overall)
    size = max(3, int(WIDE * sigma[0]))
    near, mean = (ndi.uniform_filter1d(a, size, axis=0, mode="nearest") for a in (weight, weight * values))
    mean = _blended(mean, near, np.broadcast_to(column, values.shape))
    near, this = (ndi.gaussian_filter(a, sigma, mode="nearest", truncate=2.5) for a in (weight, weight * values))
    return _blended(this, near, mean)


def _blended(total: np.ndarray, weight: np.ndarray, fallback: np.ndarray) -> np.ndarray:
    enough = smoothstep(weight / 0.15)
    return enough * total / np.maximum(weight, 1e-4) + (1.0 - enough) * fallback
