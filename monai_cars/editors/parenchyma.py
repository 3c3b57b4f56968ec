"""One lung as findings of its parenchyma see it: where air is left, where the hilum lies, and the share they cover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage as ndi

from monai_cars.edit import OPACIFIED, CannotEdit, Edit
from monai_cars.editors.canvas import Canvas, feather, smoothstep, thin_and_dense
from monai_cars.editors.site import region_of

SOFT_TISSUE = (0.60, 0.95)  # contrast units: what a fully consolidated lobe reaches, as dense as what lies beside it
BESIDE_MM = 15.0
RIBS_MM = 8.0  # sigma that averages ribs and vessels away: a finding is laid behind them, not between them
BORDER_MM = 1.2  # sigma at which the borders of heart, diaphragm and chest wall are followed
DENSE = (0.20, 0.45)  # contrast units above the lung around it between which a pixel passes from rib to soft tissue
TRIM = 0.15  # contrast units above the mean of the lung around it at which a pixel is left out of that mean
RIB = 0.05  # contrast units by which bone over filled lung may exceed soft tissue
ALREADY = 0.7  # share of the room that soft tissue before or behind lung takes away
PLEURA_MM = 2.0
RIM_MM = 4.0  # how far beyond the segmented field an aerated rim is still taken for lung
VESSEL_MM = (0.5, 3.0)  # sigmas of the band that holds vessels; the film's grain is finer
HILUM_HEIGHT = (0.36, 0.48)  # share of the field's height at which the main bronchi enter it
HILUM_MM = 12.0  # from the medial border of the field
STEPS = 13  # of the bisection: 1/8000 of its span

Draw = Callable[[float], np.ndarray]


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
        aerated = near & ~other & (self._near - self._lung < DENSE[0])
        # The border itself belongs to it: there the room ends, and a feather before it would leave a dark line.
        return self.field | (ndi.binary_dilation(aerated, iterations=max(1, round(PLEURA_MM * self.mm))) & near & ~other)

    @cached_property
    def _near(self) -> np.ndarray:
        return self.canvas.blur(self.canvas.u, BORDER_MM)

    @cached_property
    def _lung(self) -> np.ndarray:
        """(h, w) density of the lung around a pixel: a mean over the free field, trimmed of what stands out of it."""
        step = max(1, int(2.0 * self.mm))
        near, free = self._near[::step, ::step], self.free[::step, ::step]
        sigma, mean = RIBS_MM * self.mm / step, near
        for trim in (np.inf, TRIM, TRIM):
            air = (free & (near < mean + trim)).astype(float)
            weight = ndi.gaussian_filter(air, sigma)
            around = ndi.gaussian_filter(air * near, sigma) / np.maximum(weight, 1e-6)
            mean = np.where(weight > 1e-3, around, mean)
        rows, columns = (np.arange(n) / step for n in self.field.shape)
        return ndi.map_coordinates(mean, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest")

    @cached_property
    def smooth(self) -> np.ndarray:
        """(h, w) density without ribs and vessels; the borders of soft tissue stay sharp."""
        return self._lung * (1.0 - self.solid) + np.maximum(self._near, self._lung) * self.solid

    @cached_property
    def solid(self) -> np.ndarray:
        """(h, w) in [0, 1], how much a pixel is soft tissue and not lung."""
        return smoothstep((self._near - self._lung - DENSE[0]) / (DENSE[1] - DENSE[0]))

    @cached_property
    def tissue(self) -> float:
        """Density (contrast units) of heart, mediastinum and abdomen beside this lung."""
        near = ndi.binary_dilation(self.field, iterations=max(1, int(BESIDE_MM * self.mm))) & ~self.field
        dense = self._near[(near | (self.field & self.canvas.heart)) & (self._near > SOFT_TISSUE[0])]
        return float(np.clip(np.median(dense), *SOFT_TISSUE)) if dense.size else SOFT_TISSUE[1]

    @cached_property
    def room(self) -> np.ndarray:
        """(h, w) contrast units up to soft tissue, falling to 0 at the pleura: nothing is added where nothing is lost.

        Against heart and diaphragm it falls with the film's own border, which is how a silhouette gets lost.
        """
        full = np.minimum(self.tissue - self.smooth, self.tissue + RIB - self._near)
        room = np.clip(full, 0.0, 1.2) * (1.0 - ALREADY * self.solid) * feather(self.space, PLEURA_MM * self.mm)
        beyond = ndi.distance_transform_edt(~self.field) / (RIM_MM * self.mm)
        return room * np.where(self.field, 1.0, (1.0 - self.solid) * smoothstep(1.0 - beyond))

    @cached_property
    def vessels(self) -> np.ndarray:
        """(h, w) contrast units of the film's structures between grain and ribs; tubes, wires and borders count 0."""
        fine, coarse = VESSEL_MM
        band = self.canvas.blur(self.canvas.u, fine) - self.canvas.blur(self.canvas.u, coarse)
        devices = ndi.maximum_filter(thin_and_dense(self.canvas), 2 * max(1, round(self.mm)) + 1)
        # A border of soft tissue rings in the band and would be drawn as a line beside itself.
        clear = self.canvas.blur(1.0 - self.solid, coarse / 2) ** 4
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


def reach(draw: Draw, found: Callable[[np.ndarray], float], need: float, high: float, *, what: str) -> np.ndarray:
    """Residual ``draw(size)`` at the least size in [0, high] at which ``found`` reaches ``need``.

    Args:
        draw: residual for a size; what is found in it grows with the size.
        found: amount in a residual.
        need: amount to reach.
        high: largest size.
        what: for the error.

    Raises:
        CannotEdit: even the largest size does not reach it.
    """
    if found(draw(high)) < need:
        raise CannotEdit(what)
    low = 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if found(draw(middle)) >= need else (middle, high)
    return draw(high)


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
