"""Insert an atelectasis: plates of collapsed lung at the base, or a lobe that collapsed to a wedge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smooth_noise, smoothstep, uniform
from monai_cars.chest_xray.editors.lung.air_space import Look, added, advance, opacity
from monai_cars.chest_xray.editors.lung.lobes import Extent, lobe_of
from monai_cars.chest_xray.editors.lung.lung_texture import mottle
from monai_cars.chest_xray.editors.lung.parenchyma import Lung, cover
from monai_cars.chest_xray.editors.lung.patches import centres
from monai_cars.edits.edit import CannotEdit, Edit, Proposal

PLATES = 0.06  # share of the field up to which plates explain an atelectasis; a collapsed lobe covers more
PLATE_SHARE = 0.020  # share that one more plate is drawn for
PLATE_MM = (35.0, 80.0)  # length
THICK_MM = (1.8, 3.6)  # thickness of a plate of the shortest length
DENSITY_PLATE = (0.26, 0.42)  # contrast units of a plate seen edge on
DENSITY_LOBE = (0.80, 1.0)  # share of soft-tissue density
UNEVEN = 0.06  # share by which the density of a collapsed lobe varies
SLANT = 0.35  # radians off the horizontal
NOTE = "volume loss is not drawn: the borders of diaphragm and heart stay where they are"


def insert_atelectasis(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose plates or a collapsed lobe that opacify the asked share of a lung field.

    Raises:
        CannotEdit: the lung there is not aerated enough, or no lobe of that size collapses into the asked zone.
    """
    advance(generator)
    asked, lung = edit.amount, Lung(canvas, str(edit.side))
    plates = asked.value <= PLATES
    extent = _plates(lung, edit, asked.value, generator) if plates else lobe_of(lung, edit.zone, generator)
    if plates:
        look = Look(uniform(*DENSITY_PLATE, generator), mottle(lung, generator, 0.18, streaky=0.3), hidden=0.2)
    else:
        uneven = 1.0 + UNEVEN * smooth_noise(lung.field.shape, 16 * lung.mm, generator)
        density = uniform(*DENSITY_LOBE, generator) * uneven
        look = Look(density, mottle(lung, generator, 0.22, streaky=0.4), filling=2.5, hidden=0.8)
    residual = cover(lung, lambda size: added(lung, extent.at(size), look), asked.value, extent.largest, edit)
    return opacity(canvas, residual, lung.space, asked, note=NOTE, fine=0.3)


def _plates(lung: Lung, edit: Edit, share: float, generator: torch.Generator) -> Extent:
    """Plates that grow longer and thicker with their size, a length factor."""
    count = 1 + int(share / PLATE_SHARE)
    low = 14.0 if edit.zone is None else 0.0
    places = centres(lung, edit.zone, generator, count=count, low=low, central=0.0)
    if not places:
        raise CannotEdit(f"no aerated {lung.side} lung to put a plate of atelectasis into")
    plates = [_plate(lung, place, generator) for place in places]

    def at(size: float) -> np.ndarray:
        extent = np.zeros(lung.field.shape)
        for plate in plates:
            extent = np.maximum(extent, plate(size))
        return extent

    return Extent(at, 6.0)


def _plate(lung: Lung, place: tuple[int, int], generator: torch.Generator) -> Callable[[float], np.ndarray]:
    """(h, w) of one plate for a size: a slightly curved, tapering band with soft ends."""
    mm = lung.mm
    y, x = np.mgrid[: lung.field.shape[0], : lung.field.shape[1]].astype(np.float32)
    angle = uniform(-SLANT, SLANT, generator)
    dy, dx = (y - place[0]) / mm, (x - place[1]) / mm
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    bend = uniform(-1.0, 1.0, generator) / 500.0
    wave = 0.8 * smooth_noise((1, y.shape[1]), 9 * mm, generator)
    frayed = 0.5 * smooth_noise(y.shape, 1.5 * mm, generator)
    across = across + bend * along**2 + wave + frayed
    length, thick = uniform(*PLATE_MM, generator), uniform(*THICK_MM, generator)
    uneven = np.exp(0.2 * smooth_noise((1, y.shape[1]), 12 * mm, generator))

    def at(size: float) -> np.ndarray:
        half, width = 0.5 * length * min(size, 1.3), 0.5 * thick * max(size, 0.6) * uneven
        ends = smoothstep((half - np.abs(along)) / (0.6 * half + 1e-6))
        return ends * np.clip(uneven, 0.5, 1.2) * np.exp(-0.5 * (across / width) ** 2)

    return at
