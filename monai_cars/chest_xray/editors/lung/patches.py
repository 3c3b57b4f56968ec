"""Where air-space disease lies in a lung: patches that grow and run together, irregular at every scale."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import smooth_noise, smoothstep, uniform
from monai_cars.chest_xray.editors.canvas.site import region_of
from monai_cars.chest_xray.editors.lung.lung_texture import strands
from monai_cars.chest_xray.editors.lung.parenchyma import Lung

APEX = 0.15  # share of the field's height in which few patches begin
AIR = 0.35  # contrast units of room from which lung counts as aerated
ZONE_COST = 3.0  # millimetres that a millimetre outside the asked zone counts
GRID_MM = 1.5  # on which centres are drawn
APART_MM = 28.0  # between patches
SEGMENT_MM, LOBULE_MM = 15.0, 5.0  # sigmas of the irregular outline


def centres(
    lung: Lung,
    zone: str | None,
    generator: torch.Generator,
    *,
    count: int,
    low: float,
    central: float,
    spread_mm: float = np.inf,
) -> list[tuple[int, int]]:
    """Rows and columns of ``count`` places in aerated lung, apart from each other.

    Args:
        lung: the lung.
        zone: the asked zone or None.
        generator: randomness.
        count: how many.
        low: how much likelier the base is than the apex (0 is as likely).
        central: how much likelier the hilum is than the periphery; negative for the reverse.
        spread_mm: how far from the first the others may lie.

    Returns:
        Fewer than ``count``, maybe none, where there is little aerated lung.
    """
    step = max(1, int(GRID_MM * lung.mm))
    allowed = (lung.free & (lung.room > AIR) & region_of(lung.canvas, lung.side, zone))[::step, ::step]
    depth = ndi.distance_transform_edt(allowed)
    # A patch's centre lies inside the lung, well off the pleura where there is room.
    weight = allowed * np.clip(depth / max(0.6 * depth.max(), 1.0), 0.0, 1.0) ** 2
    if zone is None:
        far = np.hypot(*lung.from_hilum)[::step, ::step] / max(np.ptp(lung.box[:2]), 1)
        height = lung.height[::step]
        weight = weight * np.exp(low * height - 2.0 * central * far) * smoothstep((height - APEX) / APEX)
    rows, columns = (n * step / lung.mm for n in np.ogrid[: weight.shape[0], : weight.shape[1]])
    found: list[tuple[int, int]] = []
    while len(found) < count and weight.sum() > 1e-6:
        y, x = _pick(weight, generator)
        distance = np.hypot(rows - y * step / lung.mm, columns - x * step / lung.mm)
        weight = weight * (distance > min(APART_MM, 0.5 * spread_mm))
        if not found:
            weight = weight * (distance < spread_mm)
        found.append((y * step, x * step))
    return found


def _pick(weight: np.ndarray, generator: torch.Generator) -> tuple[int, int]:
    total = np.cumsum(weight.ravel())
    pick = int(np.searchsorted(total, uniform(0, 1, generator) * total[-1]))
    y, x = divmod(min(pick, weight.size - 1), weight.shape[1])
    return y, x


def patch_distance(
    lung: Lung,
    places: list[tuple[int, int]],
    zone: str | None,
    generator: torch.Generator,
    *,
    rough: float = 1.0,
    stagger_mm: float = 0.0,
    stretch: tuple[float, float] = (1.0, 1.6),
) -> np.ndarray:
    """(h, w) millimetres from the patches' centres, in a metric stretched along the bronchi and roughened.

    Args:
        lung: the lung.
        places: centres (row, column).
        zone: the asked zone; outside it distances grow faster.
        generator: randomness.
        rough: factor on the irregularity of the outline.
        stagger_mm: patches start up to so much later than the first: their sizes differ.
        stretch: how much longer than wide a patch is, along the bronchi.
    """
    shape, mm = lung.field.shape, lung.mm
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    nearest = np.full(shape, np.inf)
    for number, (row, column) in enumerate(places):
        angle = np.arctan2(row - lung.hilum[0], column - lung.hilum[1]) + uniform(-0.5, 0.5, generator)
        longer = uniform(*stretch, generator)
        dy, dx = y - row, x - column
        along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        late = uniform(0, stagger_mm, generator) if number else 0.0
        nearest = np.minimum(nearest, np.hypot(along / longer, across * longer**0.5) / mm + late)
    coarse = smooth_noise(shape, SEGMENT_MM * mm, generator)
    fine = smooth_noise(shape, LOBULE_MM * mm, generator)
    outline = 7.0 * coarse + 3.5 * fine + 2.5 * strands(lung, generator, 1.6)
    distance = nearest + rough * outline + ZONE_COST * lung.beyond_zone(zone)
    return (distance - distance[lung.field].min()).astype(np.float32)
