"""One side of the heart or the mediastinum: its border, and what the film gains when the border moves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smoothstep
from monai_cars.chest_xray.editors.canvas.smooth_proposal import smooth_proposal
from monai_cars.chest_xray.editors.canvas.warp import Border, Pushed, push
from monai_cars.chest_xray.editors.mediastinum.border import closed, outermost
from monai_cars.edits.edit import Proposal, Quantity

BESIDE_MM = 5.0  # above the diaphragm: there the film itself is the base, not the profile along the cardiac border
BELOW_MM = 6.0  # how far below the segmented field aerated pixels still count as lung
RIM_MM = 10.0  # of the shadow inside its border that moves as it is
OUTER_MM = 35.0  # how far beyond the border the lung yields
VISIBLE = 0.05  # contrast units
COLLAR_MM = 2.0  # of the support around what changes
AROUND_MM = 25.0  # kept above and below the rows that are edited
SHARE = (0.20, 0.50)  # bounds of the share of the lung's detail that shows through the shadow


@dataclass(frozen=True)
class Side:
    """One side of the film, turned so that columns run from the midline to the chest wall, cut to the lung field.

    Args:
        canvas: the film.
        name: the patient's side.
        rows: rows of the film that are looked at.
        devices: (h, w) bool of the film, tubes and wires: they stay as they are.
    """

    canvas: Canvas
    name: str
    rows: slice
    devices: np.ndarray

    @cached_property
    def window(self) -> tuple[slice, slice]:
        """The rows, and the columns of the field with a margin."""
        columns = np.flatnonzero(self.canvas.lung(self.name).any(0))
        margin = int(10 * self.canvas.feature)
        return self.rows, slice(max(columns[0] - margin, 0), columns[-1] + margin)

    def turn(self, array: np.ndarray) -> np.ndarray:
        """The part of a film's array that this view shows."""
        part = array[self.window]
        return np.ascontiguousarray(part[:, ::-1] if self.canvas.wall_is_left(self.name) else part)

    def back(self, view: np.ndarray) -> np.ndarray:
        """An array of this view on the film, zero around it."""
        film = np.zeros(self.canvas.u.shape, view.dtype)
        film[self.window] = view[:, ::-1] if self.canvas.wall_is_left(self.name) else view
        return film

    @cached_property
    def u(self) -> np.ndarray:
        """(h, w) contrast units."""
        return self.turn(self.canvas.u)

    @cached_property
    def field(self) -> np.ndarray:
        """(h, w) bool whole lung field."""
        return self.turn(self.canvas.lung(self.name))

    @cached_property
    def medial(self) -> np.ndarray:
        """(h,) first column of the field."""
        return -closed(-np.where(self.field.any(1), self.field.argmax(1), np.nan), self.canvas.feature)

    @cached_property
    def wall(self) -> np.ndarray:
        """(h,) last column of the field."""
        return closed(outermost(self.field), self.canvas.feature)

    @cached_property
    def depth(self) -> np.ndarray:
        """(h, w) rows above the field's floor, negative below it."""
        floor = closed(outermost(np.ascontiguousarray(self.field.T)), self.canvas.feature)
        return floor[None] - np.arange(len(self.u), dtype=np.float32)[:, None]


def displaced(side: Side, place: np.ndarray, shift: np.ndarray) -> Pushed:
    """The profile of one side before and after its border moved by ``shift`` columns outward."""
    mm = side.canvas.feature
    devices = ndi.binary_dilation(side.turn(side.devices), iterations=max(1, int(mm)))
    trusted = side.field & (side.depth > 2.0 * mm) & ~devices
    inner = np.clip(place - side.medial, 6.0 * mm, None)
    outer = np.clip(side.wall - place - np.maximum(shift, 0.0), 4.0 * mm, OUTER_MM * mm)
    rim = np.minimum(RIM_MM * mm, 0.5 * (inner + np.minimum(shift, 0.0)))
    border = Border(*(a.astype(np.float32) for a in (place, shift, inner, outer, rim)))
    return push(side.u, trusted, border, mm)


@dataclass(frozen=True)
class Gain:
    """What a film gains on one side, all (h, w) on the film: the residual, the gain on its detail, the swept band."""

    residual: np.ndarray
    fine: np.ndarray
    band: np.ndarray


def gained(side: Side, pushed: Pushed, shift: np.ndarray) -> Gain:
    """What growing a shadow adds.

    Over the lung it is the difference of the profiles, and the lung's own detail fades in the band that is now hidden.
    Beside the diaphragm, whose border crosses the profile, the film tends to the shadow's density from below only:
    what is as dense already (abdomen) gains nothing, so the diaphragm stays and its border under the heart is lost.
    """
    mm = side.canvas.feature
    above = smoothstep(side.depth / (BESIDE_MM * mm) - 0.4)
    shadow = smoothstep((shift[:, None] - pushed.distance) / (1.5 * mm) + 0.5) * (shift[:, None] > 0.5)
    base = ndi.gaussian_filter(side.u, 0.8 * mm)
    near = shadow * np.clip(pushed.after - base, 0.0, None) * smoothstep(1.0 + side.depth / (BELOW_MM * mm))
    columns = np.arange(side.u.shape[1])[None]
    inside = (columns > side.medial[:, None]) & (columns < side.wall[:, None]) & (side.depth > -BELOW_MM * mm)
    residual = inside * (above * (pushed.after - pushed.before) + (1.0 - above) * near)
    fade = (shown_share(side, pushed) - 1.0) * pushed.cover * above * ~side.turn(side.devices) * inside
    residual = residual + fade * (side.u - pushed.before)
    visible = ndi.uniform_filter(residual, max(3, int(2 * mm))) > VISIBLE
    band = (pushed.cover > 0.5) & inside & (side.depth > -2.0 * mm) & visible
    return Gain(*(side.back(a) for a in (residual, fade, band)))


def shown_share(side: Side, pushed: Pushed) -> float:
    """Share of the lung's detail that the film shows through the shadow: beside the border inside over outside."""
    mm = side.canvas.feature
    detail = np.abs(side.u - pushed.before)
    seen = side.field & (side.depth > 8.0 * mm)
    inside = detail[seen & (pushed.distance < -4.0 * mm) & (pushed.distance > -25.0 * mm)]
    outside = detail[seen & (pushed.distance > 4.0 * mm) & (pushed.distance < 25.0 * mm)]
    if min(inside.size, outside.size) < 100:
        return 0.5
    return float(np.clip(np.median(inside) / max(float(np.median(outside)), 1e-6), *SHARE))


def joined(canvas: Canvas, gains: list[Gain], *, asked: Quantity, note: str = "") -> Proposal:
    """One proposal from the gains of both sides."""
    residual, fine = (np.sum([getattr(g, name) for g in gains], axis=0) for name in ("residual", "fine"))
    band = np.logical_or.reduce([g.band for g in gains])
    return wrapped(canvas, residual, fine, band, asked=asked, note=note)


def wrapped(
    canvas: Canvas, residual: np.ndarray, fine: np.ndarray, band: np.ndarray, *, asked: Quantity, note: str = ""
) -> Proposal:
    """A proposal whose support reaches a little beyond the change: a new border is steep up to its foot."""
    changed = (np.abs(residual) > 0.004) | (np.abs(fine) > 0.01)
    support = ndi.binary_dilation(changed, iterations=max(2, int(COLLAR_MM * canvas.feature)))
    return smooth_proposal(
        canvas, residual * changed, support, band & changed, asked=asked, note=note, fine=fine * changed, low=canvas.u
    )
