"""Where tubes and wires run on a frontal film: curves through landmarks of the thorax.

Coordinates are of the body: ``a`` in 1/280 of the inner thoracic width from the midline, to the patient's left;
``b`` in heights of the lung fields, 0 at their apices, 1 at their bases. The anatomy gives lungs and heart only; the
carina is taken to lie at 0.37 of the height, the superior vena cava 24 right of the midline, the gastric fundus 60 left
of it at 1.15 (Goodman, Felson's Principles of Chest Roentgenology: usual positions of devices).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.interpolate import make_interp_spline

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, uniform

CARINA = 0.37
STEP = 0.25  # working pixels between samples of a path
MOST_LEAN = 0.15  # of the height: a rotated patient's midline, not a hidden lung's
JITTER = 4.0  # thorax units by which inner points of a path vary
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Body:
    """The frame of a patient on the working grid.

    Args:
        middle: (row, column) of the midline at b = 0.
        lean: columns by which the midline moves over the height of the lungs.
        height: rows from the apices to the bases.
        unit: columns per 1/280 of the thoracic width.
        left: 1 where the patient's left is on the image's right, else -1.
        shape: (h, w) of the grid.
    """

    middle: tuple[float, float]
    lean: float
    height: float
    unit: float
    left: int
    shape: tuple[int, int]

    def pixels(self, points: Points) -> np.ndarray:
        """(n, 2) rows and columns of body coordinates."""
        a, b = np.array(points, float).T
        columns = self.middle[1] + self.lean * np.clip(b, -0.2, 1.2) + self.left * a * self.unit
        return np.stack([self.middle[0] + b * self.height, columns], 1)

    def top(self) -> float:
        """The film's upper edge as b, with a little beyond."""
        return (-4.0 - self.middle[0]) / self.height


def body_of(canvas: Canvas) -> Body:
    """The patient's frame from both lung fields."""
    right, left = canvas.lung("right"), canvas.lung("left")
    rows = [np.flatnonzero(field.any(1)) for field in (right, left)]
    top = float(np.mean([r[0] for r in rows]))
    height = max(float(np.mean([r[-1] for r in rows])) - top, 20.0)
    columns = np.flatnonzero((right | left).any(0))
    gap = np.array(_medial(right, left, mirrored=canvas.mirrored))
    start, lean = float(columns.mean()), 0.0
    if len(gap) > 10:
        lean = float(
            np.clip(np.polyfit((gap[:, 0] - top) / height, gap[:, 1], 1)[0], -MOST_LEAN * height, MOST_LEAN * height)
        )
        start = float(np.median(gap[:, 1])) - lean * 0.3
    unit = float(columns[-1] - columns[0] + 1) / 280.0
    return Body((top, start), lean, height, unit, -1 if canvas.mirrored else 1, canvas.shape)


def _medial(right: np.ndarray, left: np.ndarray, *, mirrored: bool) -> list[tuple[int, float]]:
    """Rows of the fields' upper half and the middle of the gap between them there."""
    if mirrored:
        right, left = left, right
    rows = np.flatnonzero(right.any(1) & left.any(1))
    upper = rows[len(rows) // 10 : len(rows) // 2]
    return [(int(r), float(np.flatnonzero(right[r])[-1] + np.flatnonzero(left[r])[0]) / 2) for r in upper]


def smooth_path(body: Body, points: Points, generator: torch.Generator, jitter: float = JITTER) -> np.ndarray:
    """(n, 2) rows and columns every STEP pixels of a smooth curve through varied points, outside end first."""
    varied = [(a + uniform(-jitter, jitter, generator), b) for a, b in points]
    corners = body.pixels(varied)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    spline = make_interp_spline(along, corners, k=min(3, len(points) - 1))
    return spline(np.arange(0.0, along[-1], STEP))


def tracheal(body: Body, mm: float, generator: torch.Generator) -> Points:
    """An endotracheal tube: down the midline, tip 3 to 5 cm above the carina (Goodman: 5 +- 2 cm, neck neutral)."""
    tip = CARINA - uniform(30, 50, generator) * mm / body.height
    shift = uniform(-3, 3, generator)
    top = min(body.top(), tip - 0.15)
    return [(shift, top), (shift - 1, (top + tip) / 2), (-2, tip)]


def gastric(body: Body, generator: torch.Generator) -> Points:
    """A nasogastric tube: behind the trachea, along the oesophagus, into the stomach."""
    swing = uniform(-6, 4, generator)
    return [
        (uniform(2, 8, generator), body.top()),
        (3, 0.15),
        (5 + swing, CARINA),
        (4 + swing, 0.65),
        (14, 0.95),
        (36, 1.09),
        (uniform(62, 82, generator), uniform(1.10, 1.22, generator)),
    ]


def jugular(body: Body, side: str, generator: torch.Generator) -> Points:
    """A central venous catheter from an internal jugular vein into the superior vena cava."""
    tip = [(-24, 0.27), (-25, uniform(0.40, 0.50, generator))]
    if side == "right":
        return [(-46, max(body.top(), -0.45)), (-36, -0.10), (-28, 0.06), *tip]
    return [(44, max(body.top(), -0.45)), (36, -0.08), (24, 0.07), (-2, 0.17), *tip]


def subclavian(side: str, generator: torch.Generator) -> Points:
    """A central venous catheter below a clavicle into the superior vena cava."""
    tip = [(-24, 0.27), (-25, uniform(0.40, 0.50, generator))]
    if side == "right":
        return [(-112, 0.10), (-84, 0.01), (-52, -0.01), (-32, 0.08), *tip]
    return [(112, 0.10), (84, 0.01), (50, 0.0), (24, 0.07), (-4, 0.17), *tip]


def pleural(side: str, generator: torch.Generator) -> Points:
    """A chest tube: through the lateral wall, up towards the apex."""
    sign = 1 if side == "left" else -1
    entry = uniform(0.55, 0.75, generator)
    path = [
        (250, entry + 0.42),
        (176, entry + 0.13),
        (128, entry - 0.02),
        (96, 0.36),
        (72, uniform(0.10, 0.2, generator)),
    ]
    return [(sign * a, b) for a, b in path]


def lead(body: Body, side: str, generator: torch.Generator) -> Points:
    """An electrocardiogram's cable: in from an edge of the film, across the chest to its electrode."""
    sign = 1 if side == "left" else -1
    low = uniform(0, 1, generator) < 0.45
    electrode = (
        sign * uniform(88, 118, generator),
        uniform(0.72, 0.95, generator) if low else uniform(0.06, 0.22, generator),
    )
    h, w = body.shape
    edges = {
        "bottom": (sign * uniform(-60, 90, generator), (h + 4 - body.middle[0]) / body.height),
        "top": (sign * uniform(40, 120, generator), body.top()),
        "side": (sign * (max(body.middle[1], w - body.middle[1]) + 4) / body.unit, uniform(0.3, 0.9, generator)),
    }
    start = edges[("bottom", "bottom", "side", "top")[int(torch.randint(4, (), generator=generator))]]
    bend = uniform(-55, 55, generator)
    return [start, *_bent(start, electrode, bend, body, generator), electrode]


def _bent(
    start: tuple[float, float], end: tuple[float, float], bend: float, body: Body, generator: torch.Generator
) -> Points:
    """Two points between the ends of a loosely lying cable."""
    tall = body.height / body.unit  # thorax units in one height
    move = np.array([end[0] - start[0], (end[1] - start[1]) * tall])
    normal = np.array([-move[1], move[0]]) / max(float(np.hypot(*move)), 1.0)
    points = []
    for share, size in (
        (uniform(0.25, 0.4, generator), bend),
        (uniform(0.6, 0.78, generator), bend * uniform(-0.4, 0.9, generator)),
    ):
        a, b = np.array([start[0], start[1] * tall]) + share * move + size * normal
        points.append((float(a), float(b / tall)))
    return points


def atrial(sign: int, generator: torch.Generator) -> Points:
    """A pacemaker's lead from its pocket to the right atrium's appendage: it ends in a J."""
    return [*_to_cava(sign), (-31, 0.50), (-32, 0.61), (-20, 0.635), (-15, uniform(0.55, 0.58, generator))]


def ventricular(sign: int, generator: torch.Generator) -> Points:
    """A pacemaker's lead from its pocket to the right ventricle's apex."""
    return [
        *_to_cava(sign),
        (-30, 0.52),
        (-24, 0.68),
        (6, 0.79),
        (uniform(36, 58, generator), uniform(0.84, 0.90, generator)),
    ]


def _to_cava(sign: int) -> Points:
    pocket = [(sign * 88, 0.14), (sign * 74, 0.05), (sign * 50, 0.0)]
    return [*pocket, (24, 0.07), (-8, 0.17), (-23, 0.28)] if sign > 0 else [*pocket, (-30, 0.09), (-24, 0.24)]
