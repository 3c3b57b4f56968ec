"""Insert an irregular hilum, or enlarged lymph nodes of hila and mediastinum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, uniform
from monai_cars.chest_xray.editors.canvas.smooth_proposal import smooth_proposal
from monai_cars.chest_xray.editors.lung.lump import Lump, fitted, lobulated, stranded, visible_diameter
from monai_cars.chest_xray.editors.lung.nodule import local_spread
from monai_cars.chest_xray.editors.mediastinum.hilar_place import hilum_centre, mediastinal_border
from monai_cars.edits.edit import SIDES, CannotEdit, Edit, Proposal, Quantity

FAINTEST, DENSEST = 0.24, 0.54  # contrast units at the thickest part
CHORD_OF_ONE_UNIT = 115.0  # mm of soft tissue and filled vessels that add one contrast unit
CONSPICUITY = 1.95  # peak over the spread of the vessels around it
HILUM_SOFT_MM, NODE_SOFT_MM = 1.2, 0.9  # softness of the shadow: strands and vessels, or a capsule
STRETCH = {"hilum": (0.9, 1.3), "paratracheal": (2.0, 2.8), "window": (1.3, 1.9)}
FILLED = 0.85  # share of the mediastinum's density that nodes bulging from it reach: they take the lung's place
PLATEAU = 1.5  # those are even up to near their edge
LOW_MM = 3.0
LOOSE_MM = 14.0  # hilar vessels lie up to that far from the border of the mediastinum
PARATRACHEAL, WINDOW = (0.22, 0.31), (0.32, 0.39)  # share of the field's height at which these nodes bulge
INWARD = 0.45  # of their radius that these nodes' centres lie within the mediastinum
NEAR = 0.08  # share of the asked diameter by which the shadow may differ
BENEATH = 0.012  # contrast units that are not drawn: the shadow ends without a step
SMALLER = {"hilum": (0.75, 0.92), "paratracheal": (0.5, 0.75), "window": (0.45, 0.7)}  # than the largest of a group
# Groups of nodes that are enlarged together, the largest first; the last is the pattern of sarcoidosis.
GROUPS = {
    "right": ((("right", "hilum"),), (("right", "hilum"), ("right", "paratracheal"))),
    "left": ((("left", "hilum"),), (("left", "hilum"), ("left", "window"))),
    None: (
        (("right", "hilum"), ("left", "hilum")),
        (("right", "hilum"), ("right", "paratracheal")),
        (("left", "hilum"), ("left", "window")),
        (("right", "hilum"), ("left", "hilum"), ("right", "paratracheal")),
    ),
}


def insert_irregular_hilum(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a lobulated hilar shadow with strands into the lung, tied to the mediastinum.

    Raises:
        CannotEdit: no scale, or the hilum is too dense already for the shadow to be seen.
    """
    side = str(edit.side)
    lateral = np.pi if canvas.wall_is_left(side) else 0.0
    asked = edit.amount
    profile = lobulated(int(torch.randint(3, 6, (), generator=generator)), 1.15, generator, towards=lateral + np.pi)
    profile = stranded(profile, lateral, generator)
    centre = _at_hilum(canvas, side, canvas.millimetres(asked.value / 2), generator)
    peak = _peak(canvas, centre, asked.value, generator)
    return _propose(canvas, [Lump(centre, profile, 1.0, peak)], HILUM_SOFT_MM, asked)


def insert_adenopathy(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose enlarged nodes: of one or both hila, beside the trachea, in the aortopulmonary window.

    Raises:
        CannotEdit: no scale, or nodes of that size do not show there.
    """
    asked = edit.amount
    severity = edit.scale.normalised(asked.value)
    lumps: list[Lump] = []
    for side, place in _group(canvas, edit.side, severity, generator):
        size = uniform(*SMALLER[place], generator) if lumps else 1.0
        profile = lobulated(
            int(torch.randint(2, 5, (), generator=generator)), uniform(*STRETCH[place], generator), generator
        )
        centre = _centre(canvas, side, place, size * canvas.millimetres(asked.value / 2), generator)
        if place == "hilum":
            lumps.append(Lump(centre, profile, size, _peak(canvas, centre, size * asked.value, generator)))
        else:
            even = np.clip(PLATEAU * profile, 0.0, 1.0)
            lumps.append(Lump(centre, even, size, FILLED, fill=_beside(canvas, side, centre)))
    return _propose(canvas, lumps, NODE_SOFT_MM, asked)


def _group(
    canvas: Canvas, side: str | None, severity: float, generator: torch.Generator
) -> tuple[tuple[str, str], ...]:
    """The nodes that are enlarged together: with severity rather those of sarcoidosis."""
    groups = GROUPS[side]
    if side is None:
        present = {name for name in SIDES if canvas.lung(name).any()}
        groups = tuple(group for group in groups if {name for name, _ in group} <= present)
        if not groups:
            raise CannotEdit("no lung field was found on this film")
    if uniform(0.0, 1.0, generator) < 0.25 + 0.6 * severity:
        return groups[-1]
    return groups[int(torch.randint(len(groups), (), generator=generator))]


def _centre(canvas: Canvas, side: str, place: str, radius: float, generator: torch.Generator) -> tuple[float, float]:
    lateral = -1.0 if canvas.wall_is_left(side) else 1.0
    if place == "hilum":
        return _at_hilum(canvas, side, radius, generator)
    height = uniform(*(PARATRACHEAL if place == "paratracheal" else WINDOW), generator)
    row, column = mediastinal_border(canvas, side, height)
    return row, column - lateral * INWARD * radius


def _at_hilum(canvas: Canvas, side: str, radius: float, generator: torch.Generator) -> tuple[float, float]:
    """Among the hilar vessels, and so near to the mediastinum that the shadow merges with it."""
    row, column = hilum_centre(canvas, side)
    field = np.flatnonzero(canvas.lung(side).any(1))
    _, border = mediastinal_border(canvas, side, (row - field[0]) / max(np.ptp(field), 1))
    lateral = -1.0 if canvas.wall_is_left(side) else 1.0
    away = np.clip(lateral * (column - border), 0.35 * radius, max(0.75 * radius, LOOSE_MM * canvas.feature))
    return row + uniform(-3, 3, generator) * canvas.feature, border + lateral * float(away)


def _beside(canvas: Canvas, side: str, centre: tuple[float, float]) -> float:
    """Density of the mediastinum beside nodes that bulge from it."""
    inward = 1 if canvas.wall_is_left(side) else -1
    row, column = (int(c) for c in centre)
    strip = column + inward * np.arange(int(2 * canvas.feature), int(12 * canvas.feature) + 1)
    reach = max(1, int(6 * canvas.feature))
    return float(np.median(canvas.u[max(row - reach, 0) : row + reach, strip.clip(0, canvas.u.shape[1] - 1)]))


def _peak(canvas: Canvas, centre: tuple[float, float], diameter: float, generator: torch.Generator) -> float:
    """Contrast units at the thickest part: by its depth, and enough to be seen among the vessels."""
    depth = diameter / CHORD_OF_ONE_UNIT * uniform(0.9, 1.4, generator)
    needed = CONSPICUITY * local_spread(canvas, centre, canvas.millimetres(diameter / 2))
    return float(np.clip(max(depth, needed), FAINTEST, DENSEST))


def _propose(canvas: Canvas, lumps: list[Lump], soft_mm: float, asked: Quantity) -> Proposal:
    """Lay the lumps so large that the largest shadow has the asked diameter on the film."""
    low, soft = canvas.blur(canvas.u, LOW_MM), soft_mm * canvas.feature
    aim = canvas.millimetres(asked.value)
    # Large nodes of a small chest run into one shadow; then the smaller of them are left out.
    for count in range(len(lumps), 0, -1):
        density = _density(lumps[:count], aim, low, soft)
        if abs(visible_diameter(density) - aim) < NEAR * aim and density.max() > 0.5 * FAINTEST:
            break
    else:
        raise CannotEdit(f"a shadow of {asked.value:.0f} mm would not be seen as one beside this mediastinum")
    lesion = density > 0.1 * density.max()
    density = np.clip(density - BENEATH, 0.0, None)
    return smooth_proposal(canvas, density, ndi.binary_dilation(density > 0), lesion & (density > 0), asked=asked)


def _density(lumps: list[Lump], aim: float, low: np.ndarray, soft: float) -> np.ndarray:
    """(h, w) contrast units of the lumps, fitted on the part of the film that they can reach."""
    reach = 2.3 * aim
    y0, x0 = (max(int(min(lump.centre[axis] for lump in lumps) - reach), 0) for axis in (0, 1))
    y1, x1 = (int(max(lump.centre[axis] for lump in lumps) + reach) for axis in (0, 1))
    near = [replace(lump, centre=(lump.centre[0] - y0, lump.centre[1] - x0)) for lump in lumps]
    density = np.zeros_like(low)
    density[y0:y1, x0:x1] = fitted(near, aim, low[y0:y1, x0:x1], soft)
    return density
