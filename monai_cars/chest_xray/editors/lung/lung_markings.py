"""Tell lung markings (vessels) from ribs, so that the ones can be taken away or moved and the others stay."""

from __future__ import annotations

import numpy as np
import torch
from scipy import fft
from scipy import ndimage as ndi
from skimage.filters import rank
from skimage.morphology import disk

from monai_cars.chest_xray.editors.canvas.canvas import Canvas

VESSEL_MM = 3.2  # radius of the median: what is narrower than this, vessels, falls out of it; ribs (8 mm on) stay
TRUNK_MM = 6.5  # the same for the larger vessels around the hilum
LONG_MM = 10.0  # sigma of the mean along a rib: a vessel that crosses a rib's direction averages out over it
CORTEX = 1.4  # gain on that mean, which a bent rib lowers
SHARP_MM = 0.35  # sigma; finer than this is grain, which no finding removes
RIB_MM, AROUND_MM = 2.5, 9.0  # scale of the gradients that ribs cause, and of the neighbourhood that they agree in
ANGLES = 10  # directions tried
LEVELS = 511  # of the median's quantisation, 6 thousandths of a contrast unit
DARKEST, BRIGHTEST = -1.0, 2.0  # contrast units
MOST_GRAIN = 0.7  # share of the lung's texture that counts as grain at most
BELOW_MM = 30.0  # how far below a field soft tissue shows the film's grain
GRAIN_PIXELS = 0.6  # sigma; of what differs from one working pixel to the next


def lung_markings(canvas: Canvas) -> np.ndarray:
    """(h, w) contrast units that vessels add to the film, or take away between them.

    What a median of vessel size removes is vessels, the thin bright cortex of ribs, and grain. The cortex is long and
    runs along the rib: its mean along the ribs' own direction is given back.

    Example:
        >>> flat = np.zeros((64, 64), np.float32)
        >>> film = Canvas(flat, np.ones((3, 64, 64), bool), 1, torch.zeros(64, 64), 1.0, None)
        >>> bool(np.abs(lung_markings(film)).max() < 0.002)
        True
    """
    direction, agreement = _rib_direction(canvas)
    smooth = canvas.blur(canvas.u, SHARP_MM)
    thin = smooth - _median(smooth, VESSEL_MM * canvas.feature)
    fine = thin - CORTEX * _along(direction, thin, LONG_MM * canvas.feature)
    # Trunks are as wide as ribs; only their direction tells them apart. Half the grid holds what is that wide.
    rest = (smooth - fine)[::2, ::2]
    wide = rest - _median(rest, TRUNK_MM * canvas.feature / 2)
    trunks = wide - _along(direction[::2, ::2], wide, LONG_MM * canvas.feature / 2)
    # Where the film has one clear direction, the edge of a rib or of the diaphragm gives it, and it stays sharp.
    return fine + _double(trunks, fine.shape) * (1.0 - agreement**2)


def _double(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Twice as large by linear interpolation; pixel (i, j) goes to (2i, 2j)."""
    padded = np.pad(array, ((0, 1), (0, 1)), mode="edge")
    rows = np.repeat(padded, 2, 0)[: shape[0]]
    rows[1::2] = (padded[:-1][: len(rows[1::2])] + padded[1:][: len(rows[1::2])]) / 2
    out = np.repeat(rows, 2, 1)[:, : shape[1]]
    count = out[:, 1::2].shape[1]
    out[:, 1::2] = (rows[:, :-1][:, :count] + rows[:, 1:][:, :count]) / 2
    return out


def grain_like(canvas: Canvas, markings: np.ndarray, field: np.ndarray, generator: torch.Generator) -> np.ndarray:
    """(h, w) noise in contrast units, at the scale of vessels, that goes with the grain of the lung field.

    Without it a place whose markings were taken away is smoother than any film. Its strength is what soft tissue below
    the field shows, or what the field shows from one pixel to the next, where vessels hardly do.
    """
    white = torch.randn(field.shape, generator=generator).numpy()
    sharp, wide = SHARP_MM * canvas.feature, VESSEL_MM * canvas.feature / 2
    grain = ndi.gaussian_filter(white, sharp) - ndi.gaussian_filter(white, wide)
    step = spread(_step(canvas.u)[field]) / spread(_step(white)[field])
    rows, columns = np.flatnonzero(field.any(1)), np.flatnonzero(field.any(0))
    below = markings[rows[-1] : rows[-1] + int(BELOW_MM * canvas.feature) + 1, columns[0] : columns[-1] + 1]
    soft = min(spread(below), MOST_GRAIN * spread(markings[field])) / spread(grain[field])
    return max(step, soft) * grain


def _step(image: np.ndarray) -> np.ndarray:
    return image - ndi.gaussian_filter(image, GRAIN_PIXELS)


def spread(values: np.ndarray) -> float:
    """Standard deviation by the median absolute value, which a few edges do not move."""
    return 1.4826 * float(np.median(np.abs(values))) if values.size else 0.0


def _median(u: np.ndarray, radius: float) -> np.ndarray:
    scaled = (np.clip(u, DARKEST, BRIGHTEST) - DARKEST) / (BRIGHTEST - DARKEST)
    median = rank.median(np.round(scaled * LEVELS).astype(np.uint16), disk(max(1, round(radius))))
    return ndi.gaussian_filter(median / LEVELS * (BRIGHTEST - DARKEST) + DARKEST, 0.7).astype(np.float32)


def _along(direction: np.ndarray, detail: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian-weighted mean of the detail along a direction (radians) given at each pixel."""
    shape = [fft.next_fast_len(n + int(2 * sigma), real=True) for n in detail.shape]
    margins = [((m - n) // 2, m - n - (m - n) // 2) for m, n in zip(shape, detail.shape, strict=True)]
    spectrum = fft.rfft2(np.pad(detail, margins, mode="edge").astype(np.float32))
    ky, kx = 2 * np.pi * fft.fftfreq(shape[0])[:, None], 2 * np.pi * fft.rfftfreq(shape[1])[None]
    inner = tuple(slice(m[0], m[0] + n) for m, n in zip(margins, detail.shape, strict=True))
    index = direction / np.pi * ANGLES
    out = np.zeros_like(detail)
    for k in range(ANGLES):
        weight = np.clip(1.0 - np.abs((index - k + ANGLES / 2) % ANGLES - ANGLES / 2), 0.0, None)
        if weight.any():
            frequency = kx * np.cos(k * np.pi / ANGLES) + ky * np.sin(k * np.pi / ANGLES)
            mean = fft.irfft2(spectrum * np.exp(-0.5 * (sigma * frequency) ** 2).astype(np.float32), s=shape)
            out += weight * mean[inner]
    return out


def _rib_direction(canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """Where the film changes least at the ribs' scale, and how far the neighbourhood agrees on it.

    Returns:
        (h, w) angle in [0, pi) from the image's horizontal, and (h, w) agreement in [0, 1].
    """
    smooth = canvas.blur(canvas.u, RIB_MM) - canvas.blur(canvas.u, 4 * RIB_MM)
    gy, gx = np.gradient(smooth)
    real, imag, total = (canvas.blur(a, AROUND_MM) for a in (gx * gx - gy * gy, 2 * gx * gy, gx * gx + gy * gy))
    agreement = np.hypot(real, imag) / np.maximum(total, 1e-9)
    return (0.5 * np.arctan2(imag, real) + np.pi / 2) % np.pi, np.clip(agreement, 0.0, 1.0)
