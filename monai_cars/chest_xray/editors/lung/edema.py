"""Insert pulmonary oedema: perihilar and basal haze of both lungs, septal lines, blurred and fuller vessels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smooth_noise, smoothstep, uniform
from monai_cars.chest_xray.editors.canvas.site import SMALLEST_FIELD
from monai_cars.chest_xray.editors.lung.air_space import Look, added, advance, opacity
from monai_cars.chest_xray.editors.lung.airways import Airways
from monai_cars.chest_xray.editors.lung.lung_texture import mottle
from monai_cars.chest_xray.editors.lung.parenchyma import Lung, opacified, reach
from monai_cars.chest_xray.editors.lung.septal_lines import septal_lines
from monai_cars.edits.edit import CannotEdit, Edit, Proposal

LARGEST = 4.0  # extent at which every lung is full
SOFT = 0.75  # of the extent: haze falls off over most of a lung
HAZE = (0.36, 0.52)  # contrast units at the core of interstitial and alveolar fluid
WINGS = 0.85  # horizontal reach of the haze against its vertical one: the wings of a bat
GRAVITY = 0.45  # extent by which the base is ahead of the apex
ASYMMETRY = 0.10  # extent by which one side may be ahead of the other
CUFF, CUFF_MM = 0.05, 1.3  # contrast units and thickness of a fluid-filled bronchial wall
FULLER = 0.04  # contrast units of an upper-zone vessel
BLUR_MM = 1.4  # by which fluid around them blurs the walls of vessels


class _Side(NamedTuple):
    """One lung and what is drawn into it."""

    lung: Lung
    place: tuple[slice, slice]
    order: np.ndarray
    look: Look
    lines: np.ndarray


def insert_edema(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose oedema that opacifies the asked share of both lung fields, alike on both sides up to noise.

    Raises:
        CannotEdit: a side or a zone was asked for, a lung is missing, or the lungs are not aerated enough.
    """
    if edit.side is not None or edit.zone is not None:
        raise CannotEdit("oedema is a finding of both lungs; leave side and zone out")
    if any(canvas.lung(side).mean() <= SMALLEST_FIELD for side in ("right", "left")):
        raise CannotEdit("oedema needs both lung fields, and this film shows one")
    advance(generator)
    asked = edit.amount
    amount = uniform(*HAZE, generator)
    sides = [_side(canvas, side, amount, generator) for side in ("right", "left")]

    def draw(size: float) -> list[np.ndarray]:
        profiles = [smoothstep((size - side.order) / SOFT) for side in sides]
        return [added(s.lung, p, s.look) + np.minimum(2 * p, 1) * s.lines for s, p in zip(sides, profiles, strict=True)]

    def found(parts: list[np.ndarray]) -> float:
        return float(np.mean([opacified(part)[s.lung.free].mean() for s, part in zip(sides, parts, strict=True)]))

    what = f"the lungs are not aerated enough for oedema of {asked.value:.0%} of both fields"
    parts = reach(draw, found, asked.value, LARGEST, what=what)
    residual, within = np.zeros_like(canvas.u), np.zeros(canvas.u.shape, bool)
    for side, part in zip(sides, parts, strict=True):
        residual[side.place] += np.where(side.lung.space, part, 0.0)
        within[side.place] |= side.lung.space
    return opacity(canvas, residual, within, asked, fine=0.2)


def _side(canvas: Canvas, side: str, amount: float, generator: torch.Generator) -> _Side:
    part, y0, x0 = canvas.around(side)
    f = canvas.factor
    place = slice(y0 // f, y0 // f + part.u.shape[0]), slice(x0 // f, x0 // f + part.u.shape[1])
    lung = Lung(part, side)
    look = Look(amount, mottle(lung, generator, 0.22, streaky=0.3), hidden=0.35)
    return _Side(lung, place, _order(lung, generator), look, _lines(lung, generator))


def _order(lung: Lung, generator: torch.Generator) -> np.ndarray:
    """(h, w) from 0 on, when the haze arrives: first around the hilum, later at the base, last at apex and wall."""
    dy, dx = lung.from_hilum
    top, bottom, first, last = lung.box
    reach_x, reach_y = WINGS * (last - first), 0.5 * (bottom - top)
    wings = np.hypot(dx / reach_x, dy / reach_y)
    patches = smooth_noise(lung.field.shape, 14 * lung.mm, generator)
    fine = smooth_noise(lung.field.shape, 4 * lung.mm, generator)
    order = wings - GRAVITY * (lung.height - 0.4) + 0.10 * patches + 0.05 * fine
    return order - order[lung.field].min() + uniform(0, ASYMMETRY, generator)


def _lines(lung: Lung, generator: torch.Generator) -> np.ndarray:
    """(h, w) contrast units of septal lines, thick bronchial walls, blurred vessels, full upper vessels."""
    airways = Airways(lung, generator)
    central = smoothstep(1.4 - np.hypot(*lung.from_hilum) / (45 * lung.mm))
    cuffs = CUFF * airways.walls(CUFF_MM) * central
    blurred = 0.3 * lung.canvas.blur(np.clip(lung.vessels, 0.0, 0.15), BLUR_MM)
    upper = smoothstep((0.45 - lung.height) / 0.15)
    full = FULLER * upper * airways.lumen()
    return (cuffs + blurred + full + septal_lines(lung, generator)) * lung.open
