"""Insert hazy findings: non-specific opacities, pneumonitis, and infection in several patches."""

from __future__ import annotations

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smooth_noise, smoothstep, uniform
from monai_cars.chest_xray.editors.canvas.site import sides_of
from monai_cars.chest_xray.editors.lung.air_space import Look, added, advance, opacity
from monai_cars.chest_xray.editors.lung.airways import Airways
from monai_cars.chest_xray.editors.lung.lung_texture import mottle
from monai_cars.chest_xray.editors.lung.parenchyma import Lung, cover
from monai_cars.chest_xray.editors.lung.patches import centres, patch_distance
from monai_cars.edits.edit import CannotEdit, Edit, Proposal

LARGEST_MM = 400.0  # a patch of this size fills every lung
OPACITY = (0.24, 0.46)  # contrast units at the core of a non-specific opacity
GROUND_GLASS = (0.22, 0.34)  # contrast units: vessels stay visible through it
CUFF = 0.07  # contrast units of a thickened bronchial wall
CUFF_MM = 1.0
BLUR_MM = 1.3  # by which interstitial fluid and cells blur the walls of vessels
DENSITY = (0.40, 0.90)  # share of soft-tissue density that the patches of an infection reach
OTHER_SIDE = 0.6  # probability that an infection for which no side was asked is bilateral
OTHER_SHARE = (0.15, 0.75)  # of the worse side's opacified area


def insert_opacities(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose one to three ill-defined hazy patches that cover the asked share of a lung field.

    Raises:
        CannotEdit: the lung there is not aerated enough.
    """
    advance(generator)
    asked, lung = edit.amount, Lung(canvas, str(edit.side))
    count = int(torch.randint(1, 4, (), generator=generator))
    distance = _patches(lung, edit, generator, count=count, low=2.0, central=0.0, stagger_mm=12.0, rough=0.7)
    look = Look(uniform(*OPACITY, generator), mottle(lung, generator, 0.24, streaky=0.35), hidden=0.3)
    soft = uniform(24.0, 40.0, generator)
    residual = cover(lung, lambda size: added(lung, _within(distance, size, soft), look), asked.value, LARGEST_MM, edit)
    return opacity(canvas, residual, lung.space, asked)


def insert_pneumonitis(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose ground-glass haze around the bronchi of the middle and lower zones, with thickened bronchial walls.

    Raises:
        CannotEdit: the lung there is not aerated enough.
    """
    advance(generator)
    asked, lung = edit.amount, Lung(canvas, str(edit.side))
    distance = _patches(lung, edit, generator, count=2, low=2.5, central=1.5, stagger_mm=10.0, rough=0.7)
    look = Look(uniform(*GROUND_GLASS, generator), mottle(lung, generator, 0.20, streaky=0.55), hidden=0.25)
    lines = _thickened(lung, generator)
    soft = uniform(30.0, 48.0, generator)

    def draw(size: float) -> np.ndarray:
        profile = _within(distance, size, soft)
        return added(lung, profile, look) + profile * lines

    return opacity(canvas, cover(lung, draw, asked.value, LARGEST_MM, edit), lung.space, asked)


def insert_infection(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose patchy air-space opacities of varying density, in one lung or both.

    The asked share is that of the worse side, which is the asked side where there is one.

    Raises:
        CannotEdit: the lung there is not aerated enough.
    """
    advance(generator)
    asked = edit.amount
    shares = [asked.value]
    if edit.side is None and uniform(0, 1, generator) < OTHER_SIDE:
        shares.append(asked.value * uniform(*OTHER_SHARE, generator))
    residual, within, refused = np.zeros_like(canvas.u), np.zeros(canvas.u.shape, bool), ""
    sides = sides_of(canvas, edit, generator)
    while sides and shares:
        side = sides.pop(0)
        part, y0, x0 = canvas.around(side)
        rows, columns = (
            slice(s, s + n) for s, n in zip((y0 // canvas.factor, x0 // canvas.factor), part.u.shape, strict=True)
        )
        lung = Lung(part, side)
        try:
            residual[rows, columns] += _infected(lung, edit, shares[0], generator)
        except CannotEdit as error:  # the other lung may have room
            refused = str(error)
            continue
        within[rows, columns] |= lung.space
        shares.pop(0)
    if not within.any():
        raise CannotEdit(refused)
    return opacity(canvas, residual, within, asked, fine=0.4)


def _infected(lung: Lung, edit: Edit, share: float, generator: torch.Generator) -> np.ndarray:
    """(h, w) residual of patches that opacify a share of one lung."""
    count = int(torch.randint(3, 7, (), generator=generator))
    distance = _patches(lung, edit, generator, count=count, low=3.0, central=0.5, stagger_mm=22.0, rough=1.15)
    varying = smoothstep(0.5 + 0.4 * smooth_noise(lung.field.shape, 20 * lung.mm, generator))
    look = Look(
        DENSITY[0] + (DENSITY[1] - DENSITY[0]) * varying,
        mottle(lung, generator, 0.30, streaky=0.35),
        filling=1.7,
        hidden=0.6,
        lumen=Airways(lung, generator).lumen(),
        contrast=uniform(0.12, 0.22, generator),
    )
    soft = uniform(26.0, 44.0, generator)
    return (
        cover(lung, lambda size: added(lung, _within(distance, size, soft), look), share, LARGEST_MM, edit) * lung.space
    )


def _patches(
    lung: Lung,
    edit: Edit,
    generator: torch.Generator,
    *,
    count: int,
    low: float,
    central: float,
    stagger_mm: float,
    rough: float = 1.0,
) -> np.ndarray:
    places = centres(lung, edit.zone, generator, count=count, low=low, central=central)
    if not places:
        where = " ".join(part for part in (lung.side, edit.zone) if part)
        raise CannotEdit(f"no aerated {where} lung to put the {edit.finding} into")
    return patch_distance(lung, places, edit.zone, generator, stagger_mm=stagger_mm, rough=rough)


def _within(distance: np.ndarray, size: float, soft: float) -> np.ndarray:
    """(h, w) in [0, 1] extent of patches of a size (mm) with a soft rim (mm)."""
    return smoothstep((size - distance) / soft)


def _thickened(lung: Lung, generator: torch.Generator) -> np.ndarray:
    """(h, w) contrast units that thick bronchial walls and the blurred walls of the film's own vessels add."""
    walls = CUFF * Airways(lung, generator, branches=5).walls(CUFF_MM)
    around = lung.canvas.blur(np.clip(lung.vessels, 0.0, 0.15), BLUR_MM)
    return (walls + 0.35 * around) * lung.open
