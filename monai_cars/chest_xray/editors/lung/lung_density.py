"""The smooth density of the lungs: without ribs, vessels and devices, and without what lies beside the lungs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, thin_and_dense

LOW_MM = 7.0  # low-pass of the lung: wider than a rib is high, so that ribs hardly show in it
RIM_MM, WIDE_RIM_MM = 2.5, 4.0  # beside the chest wall, the heart and the diaphragm the film is a mixture of both
DENSE = 0.3  # contrast units above the surroundings from which a compact thing is an electrode, not lung
DENSE_MM = 9.0
AROUND_MM = 1.5  # a device's blurred border
MEDIAN_GRID_MM = 2.3
EDGE_KEEPING_MM = 10.0  # radius of the median that follows an opacity's border and not a rib
LEAST = 1e-4


@dataclass(frozen=True)
class LungDensity:
    """Smooth density of the lungs of a film.

    Args:
        low: (h, w) low-pass from trusted pixels only, continued beyond them.
        weight: (h, w) share of trusted pixels around each pixel.
        trusted: (h, w) bool lung outside the heart without its rim and without devices.
        devices: (h, w) bool tubes, electrodes, ports.
    """

    low: np.ndarray
    weight: np.ndarray
    trusted: np.ndarray
    devices: np.ndarray


def lung_density(canvas: Canvas) -> LungDensity:
    """Measure it."""
    devices = _devices(canvas)
    trusted = _inner(canvas, RIM_MM) & ~devices
    return LungDensity(*masked_blur(canvas, canvas.u, trusted, LOW_MM), trusted, devices)


def _inner(canvas: Canvas, rim_mm: float) -> np.ndarray:
    free = canvas.anatomy[:2].any(0) & ~canvas.heart
    return ndi.binary_erosion(free, iterations=max(1, round(rim_mm * canvas.feature)))


def masked_blur(canvas: Canvas, film: np.ndarray, mask: np.ndarray, sigma_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Low-pass of a film from the pixels of a mask only, and the share of such pixels around each pixel."""
    inside, sigma = mask.astype(np.float32), sigma_mm * canvas.feature
    total = ndi.gaussian_filter(inside, sigma, truncate=2.5)
    return ndi.gaussian_filter(film * inside, sigma, truncate=2.5) / np.maximum(total, LEAST), total


def edge_keeping(canvas: Canvas, density: LungDensity, where: np.ndarray) -> np.ndarray:
    """(h, w) low-pass within the bounding box of ``where`` that keeps the borders of opacities: a median of the lung.

    A median as wide as two ribs follows the step at a fissure, which a Gaussian smears into a halo, and passes ribs by.
    """
    trusted = _inner(canvas, WIDE_RIM_MM) & ~density.devices
    lung = np.where(trusted, canvas.u, masked_blur(canvas, canvas.u, trusted, LOW_MM)[0])
    step = max(1, round(MEDIAN_GRID_MM * canvas.feature))
    radius = round(EDGE_KEEPING_MM * canvas.feature / step)
    window = _window(where, (radius + 1) * step)
    part = ndi.median_filter(lung[window][::step, ::step], 2 * radius + 1, mode="nearest")
    out = density.low.copy()
    out[window] = _enlarged(part, step, lung[window].shape)
    return canvas.blur(out, 2.0)


def _window(mask: np.ndarray, pad: int) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return slice(max(rows[0] - pad, 0), rows[-1] + pad + 1), slice(max(columns[0] - pad, 0), columns[-1] + pad + 1)


def _enlarged(part: np.ndarray, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """Bilinear; the sample k of ``part`` is the pixel ``k * step`` of the film."""
    rows, columns = (np.arange(n, dtype=np.float32) / step for n in shape)
    return ndi.map_coordinates(part, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest")


def _devices(canvas: Canvas) -> np.ndarray:
    step = max(1, round(MEDIAN_GRID_MM * canvas.feature))
    size = 2 * round(DENSE_MM * canvas.feature / step) + 1
    around = _enlarged(ndi.median_filter(canvas.u[::step, ::step], size), step, canvas.u.shape)
    compact = (canvas.u - around > DENSE) & canvas.anatomy[:2].any(0) & ~canvas.heart
    dense = compact | (thin_and_dense(canvas) > 0)
    return ndi.binary_dilation(dense, iterations=max(1, round(AROUND_MM * canvas.feature)))
