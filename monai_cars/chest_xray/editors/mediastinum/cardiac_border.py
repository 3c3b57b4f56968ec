"""The cardiac border of each side, and the shapes in which a heart enlarges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import STRUCTURES, cardiothoracic_ratio
from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smoothstep, uniform
from monai_cars.chest_xray.editors.mediastinum.border import closed, outermost, snapped
from monai_cars.chest_xray.editors.mediastinum.silhouette import AROUND_MM, Side
from monai_cars.edits.edit import CannotEdit

WALL_MM = 8.0  # lung that is left at the chest wall
TURN_MM = (8.0, 18.0)  # by which the border turns in again below the apex
LEAST_HEIGHT = 0.15  # of the field's height that the cardiac border must run along
SLOPE_MM = 12.0  # above the diaphragm
FORM = 0.45  # of the asked shift that the chest wall must leave everywhere
MOST = 0.55  # of what protrudes that a deletion may take away
ADULT_MM = 200.0  # least width of an adult's thorax inside
BLUR_MM = 1.0  # of the border's blur that does not look like heart


@dataclass(frozen=True)
class CardiacBorder:
    """The cardiac border of one side, and how far each place on it moves, relative to the widest."""

    side: Side
    place: np.ndarray
    rise: np.ndarray
    turn: np.ndarray

    def shift(self, amount: float) -> np.ndarray:
        """(h,) columns by which the border moves; near the chest wall it follows the wall."""
        bent = _soft_minimum(self._wanted(amount), self._room)
        return ndi.gaussian_filter1d(bent, 2.0 * self.side.canvas.feature, mode="nearest") * (self.rise > 0)

    @property
    def _room(self) -> np.ndarray:
        return np.clip(self.side.wall - self.place - WALL_MM * self.side.canvas.feature, 1e-6, None)

    def _wanted(self, amount: float) -> np.ndarray:
        turn = np.minimum(self.turn * self.side.canvas.feature, 0.6 * amount)
        return np.clip(amount * self.rise - turn, 1e-6, None)

    def fits(self, amount: float) -> bool:
        """Whether the border still has its own shape and not that of the chest wall."""
        mm = self.side.canvas.feature
        beside = np.clip(self.place + 2.0 * mm, 0, self.side.u.shape[1] - 1).astype(int)
        # Lower down the row ends at the diaphragm's slope, not at the chest wall.
        rows = (self.rise > 0.5) & (self.side.depth[np.arange(len(self.place)), beside] > SLOPE_MM * mm)
        wanted = self._wanted(amount)[rows]
        return bool((_soft_minimum(wanted, self._room[rows]) >= FORM * wanted).all())

    def shrunk(self, amount: float) -> np.ndarray:
        """(h,) columns (negative) by which the border moves inward; about half of what protrudes stays at least."""
        mm = self.side.canvas.feature
        room = np.clip(MOST * (self.place - self.side.medial), 1e-6, None)
        wanted = np.clip(amount * self.rise, 1e-6, None)
        bent = _soft_minimum(wanted, room)
        return -ndi.gaussian_filter1d(bent, 2.0 * mm, mode="nearest") * (self.rise > 0)

    def uncovered(self, amount: float) -> np.ndarray:
        """(h, w) bool of the film, what lies beyond the border when it has moved inward."""
        columns = np.arange(self.side.u.shape[1])[None]
        return self.side.back((columns >= (self.place + self.shrunk(amount))[:, None]) & self.side.field)

    def swept(self, amount: float) -> np.ndarray:
        """(h, w) bool of the film, what the border sweeps over."""
        columns = np.arange(self.side.u.shape[1])[None]
        end = (self.place + self.shift(amount) - BLUR_MM * self.side.canvas.feature)[:, None]
        return self.side.back((columns >= self.place[:, None]) & (columns < end) & self.side.field)


def _soft_minimum(wanted: np.ndarray, room: np.ndarray) -> np.ndarray:
    """The lesser of both, with a round bend where they cross instead of a kink."""
    return (wanted**-3.0 + room**-3.0) ** (-1.0 / 3.0)


def cardiac_border(canvas: Canvas, name: str, devices: np.ndarray, generator: torch.Generator) -> CardiacBorder:
    """The border of one side, found on the film, with a random shape of growth.

    Raises:
        CannotEdit: the heart hardly reaches into that lung field.
    """
    mm = canvas.feature
    rows = np.flatnonzero((canvas.heart & canvas.lung(name)).any(1))
    if len(rows) < LEAST_HEIGHT * canvas.lung(name).any(1).sum():
        raise CannotEdit(f"the heart does not reach into the {name} lung field: its border cannot be followed")
    first = max(int(rows[0] - AROUND_MM * mm), 0)
    side = Side(canvas, name, slice(first, int(rows[-1] + AROUND_MM * mm)), devices)
    top, bottom = int(rows[0]) - first, int(rows[-1]) - first
    visible = slice(top + int(0.2 * (bottom - top)), bottom - int(6 * mm))
    heart = side.turn(canvas.heart) & side.field
    place = snapped(side.u, closed(outermost(heart), mm), visible, mm)
    floor = _floor(side, place, top, bottom)
    t = (np.arange(len(heart)) - top) / max(floor - top, 1)
    return CardiacBorder(side, place, *(_left if name == "left" else _right)(t, generator))


def _floor(side: Side, place: np.ndarray, top: int, bottom: int) -> int:
    """Row in which the border meets the diaphragm."""
    rows = np.arange(top, bottom + 1)
    columns = np.clip(place[rows] + 3 * side.canvas.feature, 0, side.u.shape[1] - 1).astype(int)
    above = rows[side.depth[rows, columns] > 0]
    return int(above[-1]) if len(above) else bottom


def _left(t: np.ndarray, generator: torch.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The left ventricle: nothing at the pulmonary trunk, most at the apex, a round turn below it (mm)."""
    start, apex = uniform(0.06, 0.18, generator), uniform(0.76, 0.88, generator)
    bend, turn = uniform(1.0, 1.6, generator), uniform(*TURN_MM, generator)
    grown = np.clip((t - start) / (apex - start), 0.0, 1.0)
    rise = smoothstep(grown / 0.35) * np.sin(0.5 * np.pi * grown) ** bend
    return rise, turn * np.clip((t - apex) / (1.0 - apex), 0.0, 1.3) ** 2


def _right(t: np.ndarray, generator: torch.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The right atrium: a convex bulge below the hilum."""
    middle = uniform(0.62, 0.78, generator)
    rise = smoothstep((t - 0.10) / (middle - 0.10)) * (1.0 - 0.2 * smoothstep((t - middle) / (1.1 - middle)))
    return rise, np.zeros_like(rise)


def ratio_of(canvas: Canvas, heart: np.ndarray) -> float:
    """Cardiothoracic ratio of the film's lungs with another heart, (h, w) bool."""
    masks = canvas.anatomy.copy()
    masks[STRUCTURES.index("heart")] = heart
    return cardiothoracic_ratio(torch.from_numpy(masks[[1, 0, 2]] if canvas.mirrored else masks))


def claim(canvas: Canvas, was: float) -> str:
    """What a reader of the record should know of the ratio: it is absolute on erect PA films of adults only."""
    columns = np.flatnonzero(canvas.anatomy[:2].any((0, 1)))
    width = None if canvas.spacing is None else float(np.ptp(columns)) * canvas.spacing
    doubts = []
    if canvas.position != "erect":
        doubts.append("the film is supine" if canvas.position == "supine" else "the film does not say that it is erect")
    if width is None or width < ADULT_MM:
        doubts.append("the thorax is not known to be an adult's")
    before = f"cardiothoracic ratio before {was:.2f}"
    return f"{before}; {' and '.join(doubts)}: read the ratio as a change" if doubts else before
