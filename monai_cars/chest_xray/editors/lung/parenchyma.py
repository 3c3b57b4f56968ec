"""One lung as findings of its parenchyma see it: where air is left, where the hilum lies, and the share they cover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, feather, smoothstep, thin_and_dense
from monai_cars.chest_xray.editors.canvas.site import region_of
from monai_cars.edits.edit import OPACIFIED, CannotEdit, Edit

SOFT_TISSUE = (0.55, 0.95)  # contrast units: what a fully consolidated lobe reaches, as dense as what lies beside it
LEAST_TISSUE = 0.45  # contrast units; what is less dense beside a lung is air outside the body or in the trachea
SOLID = 0.30  # contrast units above the lung around it from which a pixel of a field is soft tissue, no rib
BESIDE_MM, AROUND_MM = 15.0, 14.0  # reach of what lies beside a lung; sigma over which it is averaged
RIBS_MM = 12.0  # sigma that averages ribs and vessels away: a finding is laid behind them, not between them
BORDER_MM = 1.2  # sigma at which the borders of heart, diaphragm and chest wall are followed
LEAST_WEIGHT = 0.02  # share of lung around a pixel below which it has no lung around it
TRIM = 0.12  # contrast units above the mean of the lung around it at which a pixel is left out of that mean
RIB = 0.12  # contrast units by which ribs and vessels stand out of lung without counting as soft tissue
LEAST_SPAN = 0.12  # contrast units over which air ends, at the least
PLEURA_MM = 2.0
RIM_MM = 5.0  # how far beyond the segmented field an aerated rim is still taken for lung
VESSEL_MM = (0.5, 3.0)  # sigmas of the band that holds vessels; the film's grain is finer
HILUM_HEIGHT = (0.36, 0.48)  # share of the field's height at which the main bronchi enter it
HILUM_MM = 12.0  # from the medial border of the field
STEPS = 16  # of the search for a size, at the most; every other one halves what is left of its span
NEAR_ENOUGH = 0.001  # share of the asked amount by which what is found may exceed it
STRIDE = 0.02  # of the span that is left, taken off by a step at the least

Draw = Callable[[float], np.ndarray]
Drawn = TypeVar("Drawn")


@dataclass(frozen=True)
class Lung:
    """One lung field on a canvas.

    Args:
        canvas: the film, or the part of it around this lung.
        side: the patient's side.
    """

    canvas: Canvas
    side: str

    @cached_property
    def field(self) -> np.ndarray:
        """(h, w) bool whole field."""
        return self.canvas.lung(self.side)

    @cached_property
    def free(self) -> np.ndarray:
        """(h, w) bool field outside the cardiac silhouette, over which shares are counted."""
        return self.field & ~self.canvas.heart

    @cached_property
    def space(self) -> np.ndarray:
        """(h, w) bool field and the aerated rim that its outline missed, in which a finding would leave a dark line."""
        near = ndi.binary_dilation(self.field, iterations=max(1, round(RIM_MM * self.mm)))
        other = self.canvas.anatomy[:2].any(0) & ~self.field
        aerated = near & ~other & (self.empty > 0.4)
        # The border itself belongs to it: there the room ends, and a feather before it would leave a dark line.
        return self.field | (
            ndi.binary_dilation(aerated, iterations=max(1, round(PLEURA_MM * self.mm))) & near & ~other
        )

    @cached_property
    def _near(self) -> np.ndarray:
        return self.canvas.blur(self.canvas.u, BORDER_MM)

    @cached_property
    def _lung(self) -> np.ndarray:
        """(h, w) density of the lung around a pixel: a mean over the free field, trimmed of what stands out of it."""
        step = max(1, int(2.0 * self.mm))
        near, free = self._near[::step, ::step], self.free[::step, ::step]
        # Behind a heart there is no lung to be seen: the whole lung's density stands in.
        usual = float(np.median(near[free])) if free.any() else 0.0
        sigma, mean = RIBS_MM * self.mm / step, np.full(near.shape, usual)
        for trim in (np.inf, TRIM, TRIM):
            air = (free & (near < mean + trim)).astype(float)
            weight = ndi.gaussian_filter(air, sigma)
            around = ndi.gaussian_filter(air * near, sigma) / np.maximum(weight, 1e-6)
            mean = np.where(weight > LEAST_WEIGHT, around, usual)
        return self._full_size(mean, step)

    def _full_size(self, coarse: np.ndarray, step: int) -> np.ndarray:
        """(h, w) from every ``step``-th pixel, bilinear."""
        places = np.meshgrid(*(np.arange(n) / step for n in self.field.shape), indexing="ij")
        return ndi.map_coordinates(coarse, places, order=1, mode="nearest")

    @cached_property
    def tissue(self) -> np.ndarray:
        """(h, w) density of the soft tissue around a pixel: of mediastinum, heart, chest wall or abdomen.

        Denser than what lies beside it a lobe cannot look; the shoulders' air and the trachea make it less above.
        """
        step = max(1, int(2.0 * self.mm))
        beside = ndi.binary_dilation(self.field, iterations=max(1, int(BESIDE_MM * self.mm))) & ~self.field
        beside &= ~self.canvas.anatomy[:2].any(0)
        # The field reaches behind heart and mediastinum: these are what a filled lung is seen beside.
        beside |= self.field & (self.canvas.heart | (self._near > self._lung + SOLID))
        dense = (beside & (self._near > LEAST_TISSUE))[::step, ::step].astype(float)
        near = self._near[::step, ::step]
        level = float(np.median(near[dense > 0])) if dense.any() else SOFT_TISSUE[1]
        sigma = AROUND_MM * self.mm / step
        # Far from any soft tissue the median of all of it stands in.
        weight = ndi.gaussian_filter(dense, sigma)
        around = (ndi.gaussian_filter(dense * near, sigma) + 1e-3 * level) / (weight + 1e-3)
        return np.clip(self._full_size(around, step), *SOFT_TISSUE)

    @cached_property
    def empty(self) -> np.ndarray:
        """(h, w) in [0, 1], how much air a pixel shows: 1 in the lung and under ribs, falling to 0 at soft tissue.

        It falls linearly with the film's own density, so that lung that was filled to any degree is nowhere denser than
        a pixel that was denser before: no dark line stays along a border, and no bright one appears.
        """
        span = np.maximum(self.tissue - self._lung - RIB, LEAST_SPAN)
        return np.clip((self.tissue - self._near) / span, 0.0, 1.0)

    @cached_property
    def depth(self) -> np.ndarray:
        """(h, w) contrast units from aerated lung up to soft tissue."""
        return np.clip(self.tissue - self._lung, 0.0, None).astype(np.float32)

    @cached_property
    def open(self) -> np.ndarray:
        """(h, w) in [0, 1], share of a change that a pixel takes: its air, within the pleura."""
        beyond = ndi.distance_transform_edt(~self.field) / (RIM_MM * self.mm)
        share = np.where(self.field, self.empty, self.empty**2 * smoothstep(2.0 * (1.0 - beyond)))
        return (share * feather(self.space, PLEURA_MM * self.mm)).astype(np.float32)

    @cached_property
    def room(self) -> np.ndarray:
        """(h, w) contrast units up to soft tissue, falling to 0 at the pleura: nothing is added where nothing is lost.

        Against heart and diaphragm it falls with the film's own border, which is how a silhouette gets lost.
        """
        return self.depth * self.open

    @cached_property
    def vessels(self) -> np.ndarray:
        """(h, w) contrast units of the film's structures between grain and ribs; tubes, wires and borders count 0."""
        fine, coarse = VESSEL_MM
        band = self.canvas.blur(self.canvas.u, fine) - self.canvas.blur(self.canvas.u, coarse)
        devices = ndi.maximum_filter(thin_and_dense(self.canvas), 2 * max(1, round(self.mm)) + 1)
        # A border of soft tissue rings in the band and would be drawn as a line beside itself.
        clear = self.canvas.blur(self.empty, coarse / 2) ** 4
        return band * clear * (devices == 0)

    @property
    def mm(self) -> float:
        """Working pixels per millimetre."""
        return self.canvas.feature

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """First and last row, first and last column of the field."""
        rows, columns = np.flatnonzero(self.field.any(1)), np.flatnonzero(self.field.any(0))
        return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])

    @property
    def outward(self) -> int:
        """Direction along the columns in which the chest wall lies: -1 or 1."""
        return -1 if self.canvas.wall_is_left(self.side) else 1

    @cached_property
    def hilum(self) -> tuple[float, float]:
        """Row and column of the hilum, from the shape of the field."""
        top, bottom, _, _ = self.box
        first, last = (int(top + share * (bottom - top)) for share in HILUM_HEIGHT)
        rows = np.arange(first, max(last, first + 1))
        medial = [
            np.flatnonzero(self.field[row])[-1 if self.outward < 0 else 0] for row in rows if self.field[row].any()
        ]
        column = float(np.median(medial)) + self.outward * HILUM_MM * self.mm
        return float(rows.mean()), column

    @cached_property
    def height(self) -> np.ndarray:
        """(h, 1) place of a row in the field: 0 at the apex, 1 at the lowest point."""
        top, bottom, _, _ = self.box
        return ((np.arange(self.field.shape[0]) - top) / max(bottom - top, 1)).astype(np.float32)[:, None]

    @cached_property
    def from_hilum(self) -> tuple[np.ndarray, np.ndarray]:
        """(h, w) rows and columns counted from the hilum."""
        y, x = np.mgrid[: self.field.shape[0], : self.field.shape[1]].astype(np.float32)
        return y - self.hilum[0], x - self.hilum[1]

    def beyond_zone(self, zone: str | None) -> np.ndarray:
        """(h, w) millimetres to the asked zone, 0 inside it and where none was asked for."""
        region = region_of(self.canvas, self.side, zone)
        if zone is None or not region.any():
            return np.zeros(self.field.shape)
        return ndi.distance_transform_edt(~region) / self.mm


def opacified(residual: np.ndarray) -> np.ndarray:
    """(h, w) bool, where a residual opacifies lung, grain apart."""
    return ndi.uniform_filter(residual, 3) > OPACIFIED


def reach(
    draw: Callable[[float], Drawn], found: Callable[[Drawn], float], need: float, high: float, *, what: str
) -> Drawn:
    """Residual ``draw(size)`` at about the least size in [0, high] at which ``found`` reaches ``need``.

    Args:
        draw: residual for a size; what is found in it grows with the size.
        found: amount in a residual.
        need: amount to reach.
        high: largest size.
        what: for the error.

    Raises:
        CannotEdit: even the largest size does not reach it.
    """
    low, least, drawn = 0.0, 0.0, draw(high)
    most = found(drawn)
    if most < need:
        raise CannotEdit(what)
    for step in range(STEPS):
        if most <= (1.0 + NEAR_ENOUGH) * need:
            break
        # Where it would be found if the amount grew evenly with the size, a little beyond.
        share = ((1.0 + NEAR_ENOUGH / 2) * need - least) / (most - least) if step % 2 == 0 else 0.5
        middle = low + float(np.clip(share, STRIDE, 1.0 - STRIDE)) * (high - low)
        tried = draw(middle)
        amount = found(tried)
        if amount >= need:
            high, most, drawn = middle, amount, tried
        else:
            low, least = middle, amount
    return drawn


def cover(lung: Lung, draw: Draw, share: float, high: float, edit: Edit) -> np.ndarray:
    """Residual that opacifies a share of the free field; see :func:`reach`.

    Raises:
        CannotEdit: the lung there is not aerated enough.
    """
    need = share * lung.free.sum()
    place = " ".join(part for part in (lung.side, edit.zone) if part)
    return reach(
        draw,
        lambda residual: float((opacified(residual) & lung.free).sum()),
        need,
        high,
        what=f"too little aerated {place} lung for {edit.finding} of {share:.0%} of its field",
    )
