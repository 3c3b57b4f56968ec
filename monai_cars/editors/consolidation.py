"""Insert a consolidation: air spaces filled up to soft-tissue density, air bronchograms, borders silhouetted."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.edit import OPACIFIED, CannotEdit, Edit, Proposal
from monai_cars.editors.canvas import Canvas, feather, smooth_noise, smoothstep, uniform
from monai_cars.editors.native import smooth_proposal
from monai_cars.editors.site import region_of

FEATHER_MM = 4.0
SOFT_TISSUE = 0.9  # contrast units: what a fully consolidated lobe reaches


def insert_consolidation(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose an opacity that covers the asked share of a lung field.

    The residual is ``fill * (soft tissue - lung)``: aerated lung gains most and an opaque part nothing, so that the
    border of an adjacent heart or diaphragm is lost as on a real film.

    Raises:
        CannotEdit: the lung there is not aerated enough to be opacified by the asked share.
    """
    asked = edit.asked or edit.scale.amount(uniform(0.0, 1.0, generator))
    low = canvas.blur(canvas.u, 6.0)
    room = np.clip(SOFT_TISSUE - low, 0.0, None)
    side = str(edit.side)
    field = canvas.lung(side)
    need = asked.value * (field & ~canvas.heart).sum()
    aerated = field & (room > 0.35) & ~canvas.heart
    seeds = aerated & region_of(canvas, side, edit.zone)
    if seeds.sum() < 50 or aerated.sum() < 1.1 * need:
        raise CannotEdit(f"too little aerated {side} lung for a consolidation of {asked.value:.0%} of its field")
    fill = _filling(canvas, side, seeds, room, need, generator)
    support = (fill > 0.004) & field
    lesion = (fill * room > OPACIFIED) & support
    return smooth_proposal(canvas, fill * room, support, lesion, asked=asked, fine=-0.3 * fill, low=low)


def _filling(
    canvas: Canvas, side: str, seeds: np.ndarray, room: np.ndarray, need: float, generator: torch.Generator
) -> np.ndarray:
    """(h, w) filling in [0, 1] that opacifies ``need`` pixels of the field outside the heart."""
    field = canvas.lung(side)
    distance = _segment_distance(canvas, field, _centre(seeds, generator), generator)
    density = uniform(0.65, 0.95, generator)
    patches = smooth_noise(field.shape, 9 * canvas.feature, generator)
    lobules = smooth_noise(field.shape, 3 * canvas.feature, generator)
    mottle = density * np.clip(0.85 + 0.13 * patches + 0.05 * lobules, 0.3, 1.1)
    mottle = mottle * feather(field, FEATHER_MM * canvas.feature)
    free = field & ~canvas.heart

    def fill(radius: float) -> np.ndarray:
        softness = max(1.1 * radius, 22 * canvas.feature)
        return smoothstep((radius - distance) / softness + 0.3) * mottle

    low, high = 0.0, float(max(field.shape))
    for _ in range(9):
        middle = (low + high) / 2
        enough = ((fill(middle) * room > OPACIFIED) & free).sum() >= need
        low, high = (low, middle) if enough else (middle, high)
    filled = fill(high)
    return filled * (1.0 - _air_bronchograms(canvas, filled, side, generator))


def _centre(seeds: np.ndarray, generator: torch.Generator) -> tuple[int, int]:
    depth = ndi.distance_transform_edt(seeds)
    draw = uniform(0.0, 0.6, generator)
    # Rather low in the lung, where most pneumonias are, and not at the rim.
    rows, columns = np.nonzero((depth >= 0.3 * depth.max()) & (np.arange(len(seeds))[:, None] >= _row_of(seeds, draw)))
    if not len(rows):  # a field with a thin tail: the thick part lies above the drawn row
        rows, columns = np.nonzero(depth >= 0.3 * depth.max())
    pick = int(torch.randint(len(rows), (), generator=generator))
    return int(rows[pick]), int(columns[pick])


def _row_of(mask: np.ndarray, share: float) -> int:
    rows = np.flatnonzero(mask.any(1))
    return int(rows[0] + share * (len(rows) - 1))


def _segment_distance(
    canvas: Canvas, field: np.ndarray, centre: tuple[int, int], generator: torch.Generator
) -> np.ndarray:
    """Distance from the centre in a stretched metric, roughened at the scale of lobules and of segments."""
    y, x = np.mgrid[: field.shape[0], : field.shape[1]].astype(np.float32)
    angle, stretch = uniform(0, np.pi, generator), uniform(1.0, 1.7, generator)
    dy, dx = y - centre[0], x - centre[1]
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    distance = np.sqrt((along / stretch) ** 2 + (across * stretch**0.5) ** 2)
    coarse = smooth_noise(field.shape, 18 * canvas.feature, generator)
    fine = smooth_noise(field.shape, 6 * canvas.feature, generator)
    return distance + (10.0 * coarse + 4.0 * fine) * canvas.feature


def _air_bronchograms(canvas: Canvas, fill: np.ndarray, side: str, generator: torch.Generator) -> np.ndarray:
    """(h, w) share of the filling that branching airways leave out, radiating from the hilum through the dense part."""
    rows, columns = np.nonzero(fill > 0.5)
    if len(rows) < 200:
        return np.zeros_like(fill)
    field_rows, field_columns = np.nonzero(canvas.lung(side))
    medial = np.percentile(field_columns, 85 if canvas.wall_is_left(side) else 15)
    hilum = np.array([np.percentile(field_rows, 45), medial])
    airways = np.zeros(fill.shape, np.float32)
    for _ in range(int(torch.randint(2, 5, (), generator=generator))):
        pick = int(torch.randint(len(rows), (), generator=generator))
        _trace(airways, hilum, np.array([rows[pick], columns[pick]], float), canvas.feature, generator)
    return 0.22 * airways * smoothstep((fill - 0.35) / 0.3)


def _trace(airways: np.ndarray, start: np.ndarray, end: np.ndarray, mm: float, generator: torch.Generator) -> None:
    """Draw one tapering, slightly bent tube into ``airways``."""
    normal = np.array([-(end - start)[1], (end - start)[0]]) * uniform(-0.12, 0.12, generator)
    width = uniform(1.0, 1.8, generator) * mm
    line = np.zeros((airways.shape[0], airways.shape[1]), bool)
    for t in np.linspace(0.0, 1.0, int(np.hypot(*(end - start))) * 2 + 2):
        y, x = (start + t * (end - start) + 4 * t * (1 - t) * normal).round().astype(int)
        if 0 <= y < line.shape[0] and 0 <= x < line.shape[1]:
            line[y, x] = True
    if line.any():
        distance = ndi.distance_transform_edt(~line)
        np.maximum(airways, np.exp(-0.5 * (distance / width) ** 2), out=airways)
