"""Insert an irregular diaphragm: tenting, scalloping or an eventration lifts the contour into the lung."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smoothstep, thin_and_dense, uniform
from monai_cars.chest_xray.editors.canvas.warp import Border, Pushed, push
from monai_cars.chest_xray.editors.mediastinum.border import closed, snapped
from monai_cars.chest_xray.editors.mediastinum.silhouette import wrapped
from monai_cars.edits.edit import CannotEdit, Edit, Proposal

BELOW_MM, ABOVE_MM = 14.0, 40.0  # of the abdomen that stretches, of the lung that yields
RIM_MM = 6.0  # of the abdomen that moves as it is
ENDS_MM = 4.0  # kept free at the costophrenic angle and at the heart
ALONG_MM = 7.0
SHARE = 0.35  # of the lung's detail that shows through the liver or spleen
TENT_MM, SCALLOP_MM = 15.0, 12.0  # highest of their kind
NARROW = 1.1  # least half-width of a fold over its height: steeper ones are no diaphragm


def insert_irregular_diaphragm(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a hemidiaphragm whose contour is raised by the asked millimetres at its highest change.

    Raises:
        CannotEdit: no scale, or the contour is too short for that height.
    """
    asked = edit.amount
    height = canvas.millimetres(asked.value)
    dome = _Dome(canvas, str(edit.side))
    shift = _contour(dome, height, generator)
    pushed = _raised(dome, shift)
    fade = (SHARE - 1.0) * pushed.cover * ~dome.devices
    residual = pushed.after - pushed.before + fade * (dome.u - pushed.before)
    near = smoothstep((shift[:, None] + 8 * canvas.feature - pushed.distance) / (6 * canvas.feature))
    residual, fade = dome.back(residual * near), dome.back(fade)
    return wrapped(canvas, residual, fade, dome.back((pushed.cover > 0.5) & dome.field), asked=asked)


@dataclass(frozen=True)
class _Dome:
    """One hemidiaphragm, turned so that rows run along it and columns from the abdomen up into the lung."""

    canvas: Canvas
    side: str

    def turn(self, array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array[::-1].T)

    def back(self, view: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(view.T[::-1])

    @cached_property
    def u(self) -> np.ndarray:
        return self.turn(self.canvas.u)

    @cached_property
    def field(self) -> np.ndarray:
        return self.turn(self.canvas.lung(self.side))

    @cached_property
    def devices(self) -> np.ndarray:
        return self.turn(thin_and_dense(self.canvas) > 0)

    @cached_property
    def seen(self) -> slice:
        """Rows in which lung outside the heart borders on the diaphragm."""
        mm = self.canvas.feature
        heart = ndi.binary_closing(self.turn(self.canvas.heart), iterations=int(6 * mm))
        free = self.field & ~ndi.binary_dilation(heart, iterations=max(1, int(2 * mm)))
        thick = free.sum(1) > 25 * mm
        touches = np.where(free.any(1), free.argmax(1), 1) <= np.where(self.field.any(1), self.field.argmax(1), 0) + 2
        labels, count = ndi.label(thick & touches)
        if not count:
            raise CannotEdit(f"the {self.side} hemidiaphragm is not seen against lung")
        rows = np.flatnonzero(labels == np.bincount(labels)[1:].argmax() + 1)
        margin = int(ENDS_MM * mm)
        return slice(int(rows[0]) + margin, max(int(rows[-1]) - margin, int(rows[0]) + margin))

    @cached_property
    def place(self) -> np.ndarray:
        """(h,) column of the contour."""
        floor = np.where(self.field.any(1), self.field.argmax(1), np.nan).astype(float)
        return snapped(self.u, closed(floor, self.canvas.feature), self.seen, self.canvas.feature)


def _contour(dome: _Dome, height: float, generator: torch.Generator) -> np.ndarray:
    """(h,) columns by which the contour is raised: its greatest is ``height``."""
    first, last = dome.seen.start, dome.seen.stop
    widest = (last - first) / 2
    if widest < NARROW * height:
        mm = dome.canvas.feature
        raise CannotEdit(
            f"the {dome.side} hemidiaphragm is seen over {2 * widest / mm:.0f} mm: "
            f"too short for a change of {height / mm:.0f} mm"
        )
    x = np.arange(len(dome.u), dtype=np.float32)
    # A high tent is a spike, high scallops are teeth: only a broad hump is raised far.
    kinds = [_eventration]
    kinds += [_tent] if height < min(TENT_MM * dome.canvas.feature, widest / 1.8) else []
    kinds += [_scallops] if height < min(SCALLOP_MM * dome.canvas.feature, widest / 3.0) else []
    draw = kinds[int(torch.randint(len(kinds), (), generator=generator))]
    shift = draw(x, first, last, height, generator)
    return (height / max(float(shift.max()), 1e-6) * shift).astype(np.float32)


def _bump(x: np.ndarray, centre: float, half: float, power: float) -> np.ndarray:
    return np.clip(np.cos(0.5 * np.pi * np.clip((x - centre) / half, -1.0, 1.0)), 0.0, None) ** power


def _eventration(x: np.ndarray, first: int, last: int, height: float, generator: torch.Generator) -> np.ndarray:
    """A broad hump with a second, lower one on its flank."""
    half = min((last - first) / 2, max(NARROW * height, (last - first) * uniform(0.34, 0.48, generator)))
    centre = uniform(first + half, last - half, generator)
    lobe = centre + half * uniform(-0.45, 0.45, generator)
    return _bump(x, centre, half, 1.6) * (1.0 + 0.25 * _bump(x, lobe, 0.45 * half, 2.0))


def _tent(x: np.ndarray, first: int, last: int, height: float, generator: torch.Generator) -> np.ndarray:
    """A peak with concave flanks, its top rounded off."""
    half = max(NARROW * height, uniform(0.22, 0.40, generator) * (last - first))
    half = min(half, (last - first) / 2)
    centre = uniform(first + half, last - half, generator)
    away = np.sqrt(np.clip(np.abs(x - centre) / half, 0.0, 1.0) ** 2 + 0.006)
    return np.clip(1.0 - away, 0.0, None) ** 1.9 * smoothstep((1.0 - away) / 0.3)


def _scallops(x: np.ndarray, first: int, last: int, height: float, generator: torch.Generator) -> np.ndarray:
    """Two or three flat arcs of unequal width side by side on a raised contour."""
    count = int(torch.randint(2, 4, (), generator=generator))
    cuts = np.linspace(first, last, count + 1)
    cuts[1:-1] += [uniform(-0.22, 0.22, generator) * (last - first) / count for _ in range(count - 1)]
    arcs = [uniform(0.7, 1.0, generator) * _bump(x, (a + b) / 2, 0.62 * (b - a), 1.2) for a, b in pairwise(cuts)]
    ends = _bump(x, (first + last) / 2, (last - first) / 2, 0.6)
    return ndi.gaussian_filter1d(np.max(arcs, axis=0), 0.03 * (last - first)) * ends


def _raised(dome: _Dome, shift: np.ndarray) -> Pushed:
    mm = dome.canvas.feature
    trusted = ~dome.turn(dome.canvas.heart) & ~ndi.binary_dilation(dome.devices, iterations=max(1, int(mm)))
    rows = np.zeros(len(dome.u), bool)
    rows[max(dome.seen.start - int(6 * mm), 0) : dome.seen.stop + int(6 * mm)] = True
    widths = (np.full(len(dome.u), width * mm, np.float32) for width in (BELOW_MM, ABOVE_MM, RIM_MM))
    border = Border(dome.place.astype(np.float32), shift, *widths)
    return push(dome.u, trusted & rows[:, None], border, mm, along=ALONG_MM)


def delete_irregular_diaphragm(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Refuse: nothing on a film shows where the contour ran before.

    Raises:
        CannotEdit: always.
    """
    raise CannotEdit("irregular diaphragm cannot be deleted: no film shows where the contour ran before")
