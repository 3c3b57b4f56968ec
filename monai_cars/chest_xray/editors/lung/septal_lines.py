"""Septal (Kerley B) lines: short, thin, horizontal, at the pleura of the lower lateral lung."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import uniform
from monai_cars.chest_xray.editors.lung.parenchyma import Lung

LENGTH_MM = (9.0, 20.0)  # Fleischner glossary: 1.5 to 2 cm long at most,
THICKNESS_MM = 1.0  # 1 mm thick,
APART_MM = (5.0, 9.0)  # and less than 1 cm apart
HEIGHTS = (0.62, 0.95)  # share of the field's height in which they are seen
STRENGTH = (0.08, 0.15)  # contrast units
TILT = 0.14  # slope: they lie at right angles to the pleura


def septal_lines(lung: Lung, generator: torch.Generator) -> np.ndarray:
    """(h, w) contrast units of the lines of one lung."""
    top, bottom, _, _ = lung.box
    lines = np.zeros(lung.field.shape)
    row = top + HEIGHTS[0] * (bottom - top)
    while row < top + HEIGHTS[1] * (bottom - top):
        row += uniform(*APART_MM, generator) * lung.mm
        _draw(lines, lung, int(row), generator)
    sigma = THICKNESS_MM / 2 * lung.mm
    # A blurred pixel line keeps its integral: back to a peak of its own strength.
    return ndi.gaussian_filter(lines, sigma) * sigma * np.sqrt(2 * np.pi)


def _draw(lines: np.ndarray, lung: Lung, row: int, generator: torch.Generator) -> None:
    """One line from the pleura inward, fading at its inner end."""
    length, tilt = uniform(*LENGTH_MM, generator) * lung.mm, uniform(-TILT, TILT, generator) - TILT / 2
    strength, bow = uniform(*STRENGTH, generator), uniform(-1.0, 1.0, generator) * lung.mm
    columns = np.flatnonzero(lung.field[row]) if row < lines.shape[0] else np.array([])
    if len(columns) < length:
        return
    wall = columns[-1] if lung.outward > 0 else columns[0]
    for step in range(int(length)):
        share = step / length
        y = round(row + tilt * step + 4 * bow * share * (1 - share))
        x = wall - lung.outward * (step + 1)
        if 0 <= y < lines.shape[0] and 0 <= x < lines.shape[1]:
            lines[y, x] = max(lines[y, x], strength * (1 - share**3))
