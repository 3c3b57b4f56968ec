"""Draw tubes, wires and metal at native resolution, as what their material adds along the ray."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi
from scipy.spatial import cKDTree

SAMPLES = 5  # across a pixel, against stairs
UNSHARP_MM, UNSHARP_PIXELS = 0.25, 0.6  # focal spot and detector; what resampling leaves sharp
SHADED = 0.5  # share of a device's contrast that is lost over dense tissue: scatter, and the film's flat shoulder
SHADED_FROM, SHADED_TO = 0.3, 1.1  # contrast units; on real bedside films cables fall to a third from lung to spine


@dataclass(frozen=True)
class Tube:
    """The cross-section of a tube or wire.

    Args:
        outer: outer diameter in millimetres.
        inner: diameter of the lumen, 0 for a solid wire.
        wall: contrast units that the longest way through the wall adds.
        stripe: contrast units of the radio-opaque stripe, 0 for none.
        stripe_at: its place from the middle, in outer radii.
    """

    outer: float
    inner: float
    wall: float
    stripe: float = 0.0
    stripe_at: float = 0.35

    def attenuation(self, offset: np.ndarray) -> np.ndarray:
        """Contrast units at a signed distance from the middle (mm): the chord through the wall, and the stripe.

        Example:
            >>> Tube(2.0, 0.0, 0.4).attenuation(np.array([0.0, 1.0])).tolist()
            [0.4, 0.0]
        """
        big, small = self.outer / 2, self.inner / 2
        chord = np.sqrt(np.clip(big**2 - offset**2, 0, None)) - np.sqrt(np.clip(small**2 - offset**2, 0, None))
        longest = np.sqrt(big**2 - small**2)
        width = 0.09 * self.outer + 0.15
        stripe = self.stripe * np.exp(-0.5 * ((offset - self.stripe_at * big) / width) ** 2)
        return self.wall * chord / longest + stripe * (np.abs(offset) < big)


@dataclass(frozen=True)
class Can:
    """A pacemaker's generator: width and height in millimetres, tilt in radians."""

    width: float
    height: float
    angle: float


def draw_tube(film: np.ndarray, path: np.ndarray, tube: Tube, mm: float) -> None:
    """Add a tube along a path to ``film``.

    Args:
        film: (H, W) contrast units, changed in place.
        path: (n, 2) rows and columns in pixels of ``film``.
        tube: its cross-section.
        mm: pixels per millimetre.
    """
    reach = tube.outer / 2 * mm + 1.5
    height, width = film.shape
    rows, columns = _near(path, reach, (height, width))
    if not len(rows):
        return
    distance, nearest = cKDTree(path).query(np.stack([rows, columns], 1), distance_upper_bound=reach)
    found = np.isfinite(distance)
    rows, columns, nearest = rows[found], columns[found], nearest[found]
    tangent = np.gradient(path, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-6)[:, None]
    move = np.stack([rows, columns], 1) - path[nearest]
    offset = move[:, 0] * tangent[nearest, 1] - move[:, 1] * tangent[nearest, 0]
    # Beyond the ends the nearest sample is the last one: the distance is then not across the tube.
    ends = (nearest == 0) | (nearest == len(path) - 1)
    offset = np.where(ends, np.sign(offset + 1e-9) * distance[found], offset)
    shifts = (np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5
    film[rows, columns] += np.mean([tube.attenuation((offset + shift) / mm) for shift in shifts], 0)


def draw_electrode(film: np.ndarray, centre: np.ndarray, mm: float) -> None:
    """Add an adhesive electrode: a faint disc of gel and its metal snap."""
    y, x, window = _window(film, centre, 8.0 * mm)
    distance = np.hypot(y - centre[0], x - centre[1]) / mm
    film[window] += 0.07 * _disc(distance, 5.5, mm) + 0.55 * _disc(distance, 2.0, mm) + 0.15 * _ring(distance, 4.0, mm)


def draw_generator(film: np.ndarray, centre: np.ndarray, mm: float, can_: Can) -> None:
    """Add a pacemaker's generator: a rounded metal can with a battery and a less dense header."""
    width, height, angle = can_.width, can_.height, can_.angle
    y, x, window = _window(film, centre, max(width, height) * mm)
    across = ((x - centre[1]) * np.cos(angle) + (y - centre[0]) * np.sin(angle)) / mm
    down = ((y - centre[0]) * np.cos(angle) - (x - centre[1]) * np.sin(angle)) / mm
    can = _disc(_superellipse(across, down, width / 2, height / 2), 1.0, mm * height / 2)
    battery = _disc(_superellipse(across, down - 0.15 * height, 0.40 * width, 0.27 * height), 1.0, mm * height / 4)
    header = _disc(_superellipse(across + 0.1 * width, down + 0.52 * height, 0.30 * width, 0.16 * height), 1.0, 3 * mm)
    film[window] += 0.7 * can + 0.6 * battery + 0.35 * header * (1 - can)


def finish(film: np.ndarray, u: np.ndarray, mm: float) -> np.ndarray:
    """The drawn attenuation as the film shows it: unsharp, and with less contrast over dense tissue.

    Args:
        film: (H, W) drawn contrast units.
        u: (H, W) the patient's film in contrast units, without its detail.
        mm: pixels per millimetre.
    """
    dense = np.clip((u - SHADED_FROM) / (SHADED_TO - SHADED_FROM), 0.0, 1.0)
    return ndi.gaussian_filter(film, max(UNSHARP_MM * mm, UNSHARP_PIXELS), truncate=3.0) * (1.0 - SHADED * dense)


def _near(path: np.ndarray, reach: float, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Pixels within ``reach`` of a path, roughly."""
    inside = (path > -reach).all(1) & (path[:, 0] < shape[0] + reach) & (path[:, 1] < shape[1] + reach)
    grid = max(int(reach), 1)
    cells = np.unique(np.rint(path[inside] / grid).astype(int), axis=0)
    around = np.moveaxis(np.mgrid[-1:2, -1:2], 0, -1).reshape(-1, 2)
    cells = np.unique((cells[:, None] + around).reshape(-1, 2), axis=0)
    pixels = np.moveaxis(np.mgrid[:grid, :grid], 0, -1).reshape(-1, 2) - grid // 2
    all_ = (cells[:, None] * grid + pixels).reshape(-1, 2)
    kept = (all_ >= 0).all(1) & (all_[:, 0] < shape[0]) & (all_[:, 1] < shape[1])
    return all_[kept, 0], all_[kept, 1]


def _window(film: np.ndarray, centre: np.ndarray, reach: float):
    y0, x0 = (max(int(c - reach), 0) for c in centre)
    y1, x1 = (max(int(c + reach) + 1, 0) for c in centre)
    window = (slice(y0, y1), slice(x0, x1))
    y, x = np.mgrid[: film.shape[0], : film.shape[1]][:, y0:y1, x0:x1] if film[window].size else (np.zeros((0, 0)),) * 2
    return y, x, window


def _disc(distance: np.ndarray, radius: float, mm: float) -> np.ndarray:
    """1 inside the radius, 0 outside, over one pixel."""
    return np.clip((radius - distance) * mm + 0.5, 0.0, 1.0)


def _ring(distance: np.ndarray, radius: float, mm: float) -> np.ndarray:
    return np.clip(1.0 - np.abs(distance - radius) * mm / max(0.4 * mm, 1.0), 0.0, 1.0)


def _superellipse(x: np.ndarray, y: np.ndarray, a: float, b: float) -> np.ndarray:
    return ((np.abs(x) / a) ** 3 + (np.abs(y) / b) ** 3) ** (1 / 3)
