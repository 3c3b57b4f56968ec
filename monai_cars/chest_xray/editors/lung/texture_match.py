"""Bring the texture of a place, band by band, to the amplitude that it has in the rest of the lungs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.chest_xray.editors.lung.lung_density import LungDensity, masked_blur

BANDS_MM = (1.0, 2.0, 4.0)  # grain, small vessels, large vessels and patches; up to the low-pass, ribs
AROUND_MM = 9.0  # reach over which an amplitude is measured: longer than a rib is wide
LIMIT = 0.25  # contrast units at which a detail is cut for the measurement
WEAKEST, STRONGEST = 0.5, 1.8  # gains; more would show the noise of what was opaque
FEWEST = 200  # pixels of quiet lung that a reference needs


def match_texture(
    canvas: Canvas,
    density: LungDensity,
    low: np.ndarray,
    lung: np.ndarray,
    quiet: np.ndarray,
    where: np.ndarray,
    *,
    only_weaken: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Change of the detail that gives it the amplitude of quiet lung; every rib and vessel stays where it is.

    An opacity veils the lung's texture (scatter, and the film's characteristic curve) or brings a coarser one of its
    own. In each band the detail is scaled by ``amplitude in quiet lung / amplitude here``.

    Args:
        canvas: the film.
        density: its lungs' density.
        low: (h, w) low-pass that the opacity was estimated from.
        lung: (h, w) bool, from where detail may be taken.
        quiet: (h, w) bool lung without findings.
        where: (h, w) strength in [0, 1] of the change.
        only_weaken: leave detail that is weaker than in quiet lung.

    Returns:
        (h, w) change on the working grid, (h, w) gain on the detail that is finer than the grid and the low-pass that
        goes with it.
    """
    levels = [canvas.u, *(masked_blur(canvas, canvas.u, lung, sigma)[0] for sigma in BANDS_MM), low]
    change = np.zeros_like(canvas.u)
    gains = []
    for fine, coarse in pairwise(levels):
        detail = fine - coarse
        gain = where * (_ratio(canvas, density, detail, quiet) - 1.0)
        gain = np.minimum(gain, 0.0) if only_weaken else gain
        change += gain * np.clip(detail, -LIMIT, LIMIT)
        gains.append(gain)
    # The finest band is scaled on the native film, which holds more of it than the grid does.
    finest = gains[0] * ~density.devices
    return change - gains[0] * np.clip(levels[0] - levels[1], -LIMIT, LIMIT), finest, levels[1]


def _ratio(canvas: Canvas, density: LungDensity, detail: np.ndarray, quiet: np.ndarray) -> np.ndarray:
    power = masked_blur(canvas, np.clip(detail, -LIMIT, LIMIT) ** 2, density.trusted, AROUND_MM)[0]
    amplitude = np.sqrt(np.maximum(power, 1e-8))
    reference = quiet if quiet.sum() >= FEWEST else density.trusted
    return np.clip(np.median(amplitude[reference]) / amplitude, WEAKEST, STRONGEST)
