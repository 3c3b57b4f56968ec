"""Step between the fragments of a broken rib."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from monai_cars.edits.change import Change
from monai_cars.findings.severity import Quantity

VISIBLE = 0.015  # contrast units of change, after a light blur
WINDOW_MM = 7.0  # of rib beside the fracture over which both films are averaged
BESIDE_MM = 2.5  # of that window from the line itself, which runs obliquely
REACH_MM = 70.0  # along the axis from the strongest change within which the line is looked for
LARGEST_MM = 14.0
ACROSS_MM = 32.0  # either way from the fragment
STEP_MM = 0.1
EXTENT = 0.12  # share of the largest change at which a band of change ends
WIDTHS_MM = (5.5, 15.5)  # height of a rib


def fracture_displacement(change: Change) -> Quantity | None:
    """Displacement (mm) of a rib across its axis; None without a scale.

    Where most changed, both films are averaged along the axis of the change. A band of the film before that moved by d
    leaves a change ``rib(v - d) - rib(v)``; d is the shift for which the film before explains the change best.
    """
    if change.spacing is None:
        return None
    spacing = float(np.sqrt(np.prod(change.spacing)))
    before, gain = _around_change(change, int(ACROSS_MM / spacing) + 1)
    smooth = ndi.gaussian_filter(gain, 0.6 / spacing)
    if not (np.abs(smooth) > VISIBLE).any():
        return Quantity(0.0, "mm")
    centre, further = _beside_line(smooth, _place(smooth, spacing), spacing)
    angle = _axis(smooth, further, spacing)
    across = np.arange(-ACROSS_MM, ACROSS_MM + STEP_MM, STEP_MM)
    along = np.arange(-WINDOW_MM / 2, WINDOW_MM / 2 + 0.1, 0.5)
    rib, moved = (_sampled(film, centre, angle, along, across, spacing).mean(0) for film in (before, gain))
    return Quantity(float(abs(_best_shift(rib, moved))), "mm")


def _around_change(change: Change, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """The film before and what it gained, both cropped to the change and a margin (pixels)."""
    gain = change.gain
    rows, columns = np.flatnonzero(gain.any(1)), np.flatnonzero(gain.any(0))
    if not len(rows):
        return np.zeros((1, 1)), np.zeros((1, 1))
    crop = (
        slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin + 1),
        slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1),
    )
    return change.films[0][crop], gain[crop]


def _place(gain: np.ndarray, spacing: float) -> tuple[float, float]:
    """Centre (row, column) of the window with most change."""
    energy = ndi.gaussian_filter(gain**2, WINDOW_MM / 2 / spacing)
    row, column = np.unravel_index(int(energy.argmax()), energy.shape)
    return float(row), float(column)


def _beside_line(gain: np.ndarray, centre: tuple[float, float], spacing: float) -> list[tuple[float, float]]:
    """Centre (row, column) of the window that begins at the fracture line, where the change ends most abruptly.

    The second place lies further along the change: the line itself, oblique, does not turn the axis there.
    """
    angle = _axis(gain, centre, spacing)
    along, across = np.arange(-REACH_MM, REACH_MM, 0.5), np.arange(-ACROSS_MM, ACROSS_MM, 0.5)
    energy = _sampled(gain, centre, angle, along, across, spacing) ** 2
    steep = ndi.gaussian_filter1d(energy.sum(1), 1.0 / 0.5, order=1, mode="constant")
    line = int(np.abs(steep).argmax())
    places = []
    for distance in (BESIDE_MM, BESIDE_MM + WINDOW_MM):
        s = along[line] + np.sign(steep[line]) * (WINDOW_MM / 2 + distance)
        there = energy[np.abs(along - s) <= WINDOW_MM / 2].sum(0)
        v = float(there @ across / max(there.sum(), 1e-12))
        row = centre[0] + (s * np.sin(angle) + v * np.cos(angle)) / spacing
        places.append((float(row), float(centre[1] + (s * np.cos(angle) - v * np.sin(angle)) / spacing)))
    return places


def _sampled(
    film: np.ndarray,
    centre: tuple[float, float],
    angle: float,
    along: np.ndarray,
    across: np.ndarray,
    spacing: float,
) -> np.ndarray:
    """(n, m) film at distances (mm) along an axis through a point and across it."""
    v, s = np.meshgrid(across / spacing, along / spacing)
    rows = centre[0] + s * np.sin(angle) + v * np.cos(angle)
    columns = centre[1] + s * np.cos(angle) - v * np.sin(angle)
    return ndi.map_coordinates(film, [rows, columns], order=1, mode="nearest")


def _axis(gain: np.ndarray, centre: tuple[float, float], spacing: float) -> float:
    """Angle (radians, from the columns' axis) along which the change varies least, by the structure tensor."""
    reach = int(2.5 * WINDOW_MM / spacing) + 2
    y, x = (int(c) for c in centre)
    y0, x0 = max(y - reach, 0), max(x - reach, 0)
    tile = gain[y0 : y + reach + 1, x0 : x + reach + 1]
    rows, columns = np.mgrid[: tile.shape[0], : tile.shape[1]]
    near = np.exp(-((rows + y0 - y) ** 2 + (columns + x0 - x) ** 2) / (2 * (WINDOW_MM / spacing) ** 2))
    down, right = np.gradient(tile)
    yy, xx, xy = ((near * product).sum() for product in (down * down, right * right, down * right))
    return float(0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2)


def _best_shift(before: np.ndarray, gain: np.ndarray) -> float:
    """Shift (mm) that explains the change best; the rib's height follows from it and from the reach of the change."""
    seen = np.flatnonzero(np.abs(gain) > EXTENT * np.abs(gain).max())
    first, last = int(seen[0]), int(seen[-1])
    shortest, longest = (round(width / STEP_MM) for width in WIDTHS_MM)
    # A rib is denser than the lung that it leaves: the centre of gravity moves with it.
    sign = 1 if float(gain @ np.arange(len(gain))) > 0 else -1
    tried = []
    for shift in (sign * size for size in range(1, round(LARGEST_MM / STEP_MM) + 1)):
        top, bottom = (first, last - shift) if shift > 0 else (first - shift, last)
        if shortest <= bottom - top <= longest:
            tried.append((_misfit(before, gain, top, bottom, shift) + _left_over(gain, shift), shift))
    return min(tried)[1] * STEP_MM if tried else 0.0


def _left_over(gain: np.ndarray, shift: int) -> float:
    """Share of the change left when it is summed in steps of a shift: nothing, if something moved by just that."""
    padded = np.pad(gain, (0, -len(gain) % abs(shift)))
    return float((padded.reshape(-1, abs(shift)).sum(0) ** 2).sum() / max(float((gain**2).sum()), 1e-12))


def _misfit(before: np.ndarray, gain: np.ndarray, top: int, bottom: int, shift: int) -> float:
    """Share of the change that a rib between two edges, moved, leaves unexplained."""
    rib = np.zeros_like(before)
    rib[top : bottom + 1] = before[top : bottom + 1] - np.linspace(before[top], before[bottom], bottom - top + 1)
    expected = np.roll(rib, shift) - rib
    size = float((expected**2).sum())
    amount = max(float((expected * gain).sum()), 0.0) / max(size, 1e-12)
    return float(((gain - amount * expected) ** 2).sum() / max(float((gain**2).sum()), 1e-12))
