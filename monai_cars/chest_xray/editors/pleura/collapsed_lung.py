"""The shape of a lung that pleural air has let go of the chest wall, and how its markings move with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smooth_noise, uniform
from monai_cars.edits.edit import CannotEdit

DEGREES = np.arange(-180.0, 180.0, 2.0)  # elevations seen from the hilum: 90 the apex, 0 lateral, -90 the base
BORDER_DEGREES = 5.0  # smoothing of the field's border seen from the hilum
BALL_DEGREES = 20.0  # the same for a lung that collapsed altogether
TURN_DEGREES = 14.0  # smoothing of the retraction along the border
HILUM_ROW = 0.45  # of the field's height from its top
WAVE_MM = 1.2  # how much the visceral line waves
SMALLEST_FIELD = 400  # working pixels outside the heart
STEPS = 14  # of the bisection for the share


@dataclass(frozen=True)
class CollapsedLung:
    """A lung field drawn together towards its hilum.

    Args:
        beyond: (h, w) pixels from the visceral pleura, positive in the pleural air.
        scale: (h, w) length of the collapsed lung over that of the field, in each pixel's direction from the hilum.
        gap: (h, w) pixels between the visceral pleura and the chest wall in that direction.
        outward: (h, w) 0 at the hilum, 1 on the visceral pleura.
        elevation: (h, w) degrees seen from the hilum: 90 the apex, 0 lateral, -90 the base.
        hilum: row and column that do not move.
    """

    beyond: np.ndarray
    scale: np.ndarray
    gap: np.ndarray
    outward: np.ndarray
    elevation: np.ndarray
    hilum: tuple[float, float]

    def moved(self, markings: np.ndarray) -> np.ndarray:
        """(h, w) markings as the collapsed lung carries them: each comes from farther out on its ray."""
        y, x = np.mgrid[: markings.shape[0], : markings.shape[1]].astype(np.float32)
        # What is drawn together is smoothed first, or every second hair of it would be skipped.
        inside = self.scale[self.beyond < 0]
        smaller = 1.0 / float(inside.mean()) - 1.0 if inside.size else 0.0
        markings = ndi.gaussian_filter(markings, 0.6 * smaller)
        source = [h + (c - h) / self.scale for c, h in zip((y, x), self.hilum, strict=True)]
        return ndi.map_coordinates(markings, source, order=3, mode="constant")


@dataclass(frozen=True)
class _Rays:
    """A field in polar coordinates around its hilum."""

    hilum: tuple[float, float]
    radius: np.ndarray
    elevation: np.ndarray
    border: np.ndarray  # pixels from the hilum to the field's border, per DEGREES
    round: np.ndarray  # the same without corners


def collapse(
    canvas: Canvas, side: str, share: float, generator: torch.Generator, *, dry: np.ndarray | None = None
) -> CollapsedLung:
    """Draw the lung of one side together until ``share`` of its free field lies beyond it.

    Where the mask ``dry`` is given, only what lies in it counts as air; the rest is under fluid.

    Air rises: the apex lets go first, then the lateral wall from above, the base last. The mediastinal side stays.

    Raises:
        CannotEdit: the field cannot give that share to the air.
    """
    field = canvas.lung(side)
    free = field & ~canvas.heart
    if free.sum() < SMALLEST_FIELD:
        raise CannotEdit(f"the {side} lung field is too small for pleural air: {free.sum()} working pixels")
    rays = _rays(canvas, side, field)
    retreat = _retreat(canvas, rays, share, generator)
    index = np.round((rays.elevation[free] + 180.0) / 2.0).astype(int) % len(DEGREES)

    def beyond(amount: float) -> float:
        outside = rays.radius[free] > (retreat(amount) * _outline(rays, retreat(amount)))[index]
        return float((outside if dry is None else outside & dry[free]).mean())

    low, high = 0.0, 0.9
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) < share else (low, middle)
    if abs(beyond(high) - share) > 0.1 * share + 0.005:
        raise CannotEdit(f"the {side} lung field has no room for pleural air over {share:.0%} of it")
    return _laid_out(rays, retreat(high))


def _rays(canvas: Canvas, side: str, field: np.ndarray) -> _Rays:
    rows = np.flatnonzero(field.any(1))
    top, height = rows[0], rows[-1] - rows[0] + 1
    left = canvas.wall_is_left(side)
    upper = rows[(rows >= top + 0.15 * height) & (rows <= top + 0.55 * height)]
    upper = upper if len(upper) else rows
    ends = field.shape[1] - 1 - field[upper, ::-1].argmax(1) if left else field[upper].argmax(1)
    hilum = (float(top + HILUM_ROW * height), float(np.median(ends)))
    y, x = np.mgrid[: field.shape[0], : field.shape[1]].astype(np.float32)
    up, lateral = hilum[0] - y, (hilum[1] - x) * (1.0 if left else -1.0)
    radius = np.hypot(up, lateral) + 1e-3
    elevation = np.degrees(np.arctan2(up, lateral))
    border = _border(radius[field], elevation[field])
    smooth = ndi.gaussian_filter1d(border, BORDER_DEGREES / 2.0, mode="wrap")
    return _Rays(hilum, radius, elevation, np.maximum(border, smooth) + 1.0, smooth)


def _border(radius: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    """Farthest pixel of the field in each direction."""
    border = np.zeros(len(DEGREES))
    np.maximum.at(border, np.round((elevation + 180.0) / 2.0).astype(int) % len(DEGREES), radius)
    known = np.flatnonzero(border)
    return np.interp(np.arange(len(border)), known, border[known], period=len(border))


def _outline(rays: _Rays, retreat: np.ndarray) -> np.ndarray:
    """Border that the lung is a smaller copy of: a lung that let go loses the corners that the chest wall gave it."""
    loose, ball = np.clip((1.0 - retreat) / 0.12, 0.0, 1.0), np.clip((0.9 - retreat) / 0.4, 0.0, 1.0)
    small = ball * ndi.gaussian_filter1d(rays.round, BALL_DEGREES / 2.0, mode="wrap") + (1.0 - ball) * rays.round
    return loose * small + (1.0 - loose) * rays.border


def _retreat(canvas: Canvas, rays: _Rays, share: float, generator: torch.Generator):
    """Function of an amount in [0, 1]: length of the collapsed lung over that of the field for each of DEGREES."""
    lateral = uniform(0.55, 0.85, generator)
    # A small collection stays at the apex, a large one reaches the base.
    low = np.clip((share - 0.05) / uniform(0.25, 0.4, generator), 0.0, 1.0)
    knots = [-180.0, -100.0, -80.0, -45.0, -15.0, 15.0, 50.0, 85.0, 100.0, 125.0, 180.0]
    pull = [0.0, 0.0, 0.35 * low, 0.6 * low, lateral * (0.25 + 0.75 * low), lateral, 0.95, 1.0, 0.9, 0.0, 0.0]
    weight = ndi.gaussian_filter1d(np.interp(DEGREES, knots, pull), TURN_DEGREES / 2.0, mode="wrap")
    wave = WAVE_MM * canvas.feature * smooth_noise((1, len(DEGREES)), 9, generator)[0] / rays.border

    def retreat(amount: float) -> np.ndarray:
        # The more air there is, the more the lung lets go everywhere but at the hilum.
        even = weight ** (1.0 - 0.6 * amount)
        return np.clip(1.0 - amount * even + wave * np.clip(amount * even / 0.1, 0, 1), 0.1, 1.0)

    return retreat


def _laid_out(rays: _Rays, retreat: np.ndarray) -> CollapsedLung:
    scale = np.interp(rays.elevation, DEGREES, retreat, period=360.0).astype(np.float32)
    border = np.interp(rays.elevation, DEGREES, _outline(rays, retreat), period=360.0).astype(np.float32)
    excess = rays.radius - scale * border
    gy, gx = np.gradient(excess)
    beyond = excess / np.maximum(np.hypot(gy, gx), 0.5)
    return CollapsedLung(
        beyond, scale, (1.0 - scale) * border, rays.radius / (scale * border), rays.elevation, rays.hilum
    )
