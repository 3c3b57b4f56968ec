"""Insert a consolidation: air spaces filled up to soft-tissue density, air bronchograms, borders silhouetted."""

from __future__ import annotations

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smooth_noise, smoothstep, uniform
from monai_cars.chest_xray.editors.lung.air_space import Look, added, advance, opacity
from monai_cars.chest_xray.editors.lung.airways import Airways
from monai_cars.chest_xray.editors.lung.lung_texture import mottle
from monai_cars.chest_xray.editors.lung.parenchyma import Lung, cover
from monai_cars.chest_xray.editors.lung.patches import AIR, centres, patch_distance
from monai_cars.edits.edit import CannotEdit, Edit, Proposal

LARGEST_MM = 400.0  # a patch of this size fills every lung
SPREAD_MM = 32.0  # between the centres of one consolidation
STRETCH = (1.1, 1.9)  # segments are longer than wide
DENSITY = (0.70, 1.0)  # share of soft-tissue density
BRONCHOGRAM = (0.22, 0.38)  # contrast units by which an air-filled bronchus is darker
FISSURE_HEIGHT = (0.42, 0.50)  # share of the right field's height at which the minor fissure runs
FISSURE_MM = 1.5  # sharpness of a border on a fissure
LOBAR = 0.55  # probability that a consolidation of the right lung ends at the minor fissure
LOBE_FILL = 0.8  # largest part of a lobe that is filled before the border on the fissure is given up


def insert_consolidation(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose an opacity that covers the asked share of a lung field.

    The residual is ``filling * (soft tissue - lung)``: aerated lung gains most and an opaque part nothing, so that the
    border of an adjacent heart or diaphragm is lost as on a real film.

    Raises:
        CannotEdit: the lung there is not aerated enough to be opacified by the asked share.
    """
    advance(generator)
    asked, lung = edit.amount, Lung(canvas, str(edit.side))
    # Two or three centres side by side: no lobe and no segment is round.
    count = int(torch.randint(2, 4, (), generator=generator))
    places = centres(lung, edit.zone, generator, count=count, low=2.6, central=-0.2, spread_mm=SPREAD_MM)
    if not places:
        raise CannotEdit(f"too little aerated {lung.side} lung for a consolidation of {asked.value:.0%} of its field")
    distance = patch_distance(lung, places, edit.zone, generator, rough=0.8, stagger_mm=8.0, stretch=STRETCH)
    lobe = _lobe(lung, places[0], asked.value, generator)
    look = Look(
        uniform(*DENSITY, generator),
        mottle(lung, generator, 0.30, streaky=0.35),
        filling=2.5,
        hidden=0.8,
        lumen=Airways(lung, generator).lumen(),
        contrast=uniform(*BRONCHOGRAM, generator),
    )
    soft = uniform(24.0, 40.0, generator)

    def draw(size: float) -> np.ndarray:
        return added(lung, smoothstep((size - distance) / soft) * lobe, look)

    return opacity(canvas, cover(lung, draw, asked.value, LARGEST_MM, edit), lung.space, asked, fine=0.5)


def _lobe(lung: Lung, place: tuple[int, int], share: float, generator: torch.Generator) -> np.ndarray:
    """(h, w) in [0, 1], what of the lung may be filled: up to the minor fissure, or everything.

    Only the right lung has a fissure that a frontal film sees edge on.
    """
    height, lean = uniform(*FISSURE_HEIGHT, generator), uniform(-0.10, 0.04, generator)
    ends_there = uniform(0, 1, generator) < LOBAR
    if lung.side != "right" or not ends_there:
        return np.ones(lung.field.shape)
    _, dx = lung.from_hilum
    top, bottom, _, _ = lung.box
    bow = 2.0 * lung.mm * smooth_noise((1, lung.field.shape[1]), 20 * lung.mm, generator)
    line = top + height * (bottom - top) - lean * np.abs(dx) + bow
    rows = np.arange(lung.field.shape[0], dtype=np.float32)[:, None]
    above = smoothstep(0.5 + (line - rows) / (2 * FISSURE_MM * lung.mm))
    lobe = above if place[0] < line[place] else 1.0 - above
    room = (lobe > 0.5) & lung.free & (lung.room > AIR)
    return lobe if room.sum() * LOBE_FILL > share * lung.free.sum() else np.ones(lung.field.shape)
