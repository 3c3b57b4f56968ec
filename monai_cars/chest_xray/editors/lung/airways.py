"""A bronchial tree that fits a lung field, for air bronchograms and thickened bronchial walls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import uniform
from monai_cars.chest_xray.editors.lung.parenchyma import Lung

LOBAR_MM = 2.0  # radius of a lobar bronchus (inner diameter of segmental bronchi 4 to 6 mm; Weibel 1963)
THINNEST_MM = 0.65  # below this radius no film shows an airway
NARROWING = (0.74, 0.88)  # of the radius at each fork
LENGTH_MM = (13.0, 22.0)  # between two forks of a segmental bronchus
FORK = (0.22, 0.55)  # radians off the parent's direction
ROOT_MM = 10.0  # half of the height over which bronchi leave the hilum, a radian off the horizontal
UNSEEN = 0.25  # share of the branches that run towards the beam or hold no air
FAN = (-1.15, 1.25)  # radians off the horizontal towards the wall: from the apical to the basal bronchi
EDGE_MM = 0.45  # sigma of the blur of a tube's edge


class Airways:
    """Centre lines and radii of a bronchial tree on the working grid.

    Args:
        lung: where it grows.
        generator: randomness.
        branches: number of bronchi that leave the hilum.
    """

    def __init__(self, lung: Lung, generator: torch.Generator, branches: int = 5) -> None:
        self.mm = lung.mm
        height, width = lung.field.shape
        radius = np.zeros((height, width), np.float32)
        for y, x, r in _points(lung, generator, branches):
            if 0 <= y < height and 0 <= x < width:
                radius[int(y), int(x)] = max(radius[int(y), int(x)], r)
        found: Any = ndi.distance_transform_edt(radius == 0, return_indices=True)
        nearest = found[1]
        self.distance = np.asarray(found[0]) / self.mm  # millimetres to the nearest centre line
        self.radius = radius[nearest[0], nearest[1]]

    def lumen(self) -> np.ndarray:
        """(h, w) chord through the nearest airway over the chord through a lobar one."""
        chord = np.sqrt(np.clip(self.radius**2 - self.distance**2, 0.0, None)) / LOBAR_MM
        return ndi.gaussian_filter(chord, EDGE_MM * self.mm)

    def walls(self, thickness: float) -> np.ndarray:
        """(h, w) in [0, 1] tram lines: the walls of the airways, in millimetres of thickness."""
        return np.exp(-0.5 * ((self.distance - self.radius - thickness / 2) / (thickness / 2)) ** 2)


def _points(lung: Lung, generator: torch.Generator, branches: int) -> Iterator[tuple[float, float, float]]:
    """Rows, columns and radii (mm) along the centre lines, a pixel apart."""
    todo = []
    for angle in np.linspace(*FAN, branches):
        heading = angle + uniform(-0.12, 0.12, generator)
        y = lung.hilum[0] + ROOT_MM * angle * lung.mm
        todo.append((y, lung.hilum[1], heading, LOBAR_MM * uniform(0.75, 1.0, generator)))
    while todo:
        y, x, heading, radius = todo.pop()
        length, bend = uniform(*LENGTH_MM, generator) * (0.5 + 0.5 * radius / LOBAR_MM), uniform(-0.02, 0.02, generator)
        for _ in range(int(length * lung.mm)):
            y, x, heading = y + np.sin(heading), x + lung.outward * np.cos(heading), heading + bend / lung.mm
            yield y, x, radius
        inside = 0 <= int(y) < lung.field.shape[0] and 0 <= int(x) < lung.field.shape[1] and lung.field[int(y), int(x)]
        for turn in (-1, 1) if inside else ():
            if uniform(0, 1, generator) < UNSEEN:
                continue
            thinner = radius * uniform(*NARROWING, generator)
            if thinner > THINNEST_MM:
                todo.append((y, x, heading + turn * uniform(*FORK, generator), thinner))
