"""Find the posterior ribs that a film shows well: bright bands of a rib's height, followed along their axis."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage as ndi
from scipy.signal import fftconvolve

from monai_cars.chest_xray.editors.canvas.canvas import Canvas

LENGTH_MM, HEIGHT_MM = 12.0, 3.6  # of the bar filter: along a rib, and sigma across it (ribs are 8-15 mm high)
SLOPES = np.arange(-12.0, 49.0, 12.0)  # degrees; a posterior rib falls from its arch towards the lateral wall
FAINTEST = 0.022  # contrast units of the bar filter; vessels and anterior ribs answer with less
RIM_MM = 5.0  # from the outline of the field: there ribs run along the wall and overlap
SHORTEST_MM = 45.0
LEAST_HALF_MM, LARGEST_HALF_MM = 3.0, 8.0  # half a rib's height
EDGE_MM = (2.5, 8.5)  # where a cortical edge may lie, from the axis
FLANK_MM = 2.0  # beyond an edge: the lung that the rib is compared with
WOBBLE_MM, WOBBLE_OVER_MM = 0.8, 16.0  # of a cortical edge: the border of a vessel or of noise jumps more
LEAST_CONTRAST, SEEN = 0.035, 0.3  # contrast units over both flanks, and share of the path that must have it
APEX = 0.15  # share of the field's height above which the clavicle and the first ribs cross


@dataclass(frozen=True)
class Rib:
    """One rib as the film shows it.

    Args:
        path: (n, 2) axis (row, column) in working pixels, about one pixel apart, from the spine to the lateral wall.
        half: (n,) half its height in working pixels.
        contrast: (n,) contrast units over the brighter of the flanks beside it; 0 where its edges are lost.
        clarity: (n,) the contrast over the spread of the film there.
    """

    path: np.ndarray
    half: np.ndarray
    contrast: np.ndarray
    clarity: np.ndarray


def find_ribs(canvas: Canvas, side: str) -> list[Rib]:
    """Posterior ribs over a lung field; none where none can be followed with confidence.

    Args:
        canvas: the film around that lung.
        side: the patient's side.
    """
    flip = canvas.wall_is_left(side)  # lateral is towards larger columns from here on
    u = canvas.u[:, ::-1] if flip else canvas.u
    field = canvas.lung(side) & ~ndi.binary_dilation(canvas.heart, iterations=max(1, int(4 * canvas.feature)))
    field = ndi.binary_erosion(field[:, ::-1] if flip else field, iterations=max(1, int(RIM_MM * canvas.feature)))
    rows = np.flatnonzero(field.any(1))
    if not len(rows):
        return []
    field[: int(rows[0] + APEX * np.ptp(rows))] = False
    answer = bar_response(u, canvas.feature) * field
    ribs = [_measured(u, path, canvas.feature) for path in _paths(answer, canvas.feature)]
    return [_flipped(rib, u.shape[1]) if flip else rib for rib in ribs if rib is not None]


def bar_response(u: np.ndarray, mm: float) -> np.ndarray:
    """(h, w) best answer of bars of a rib's height over SLOPES, in contrast units of an ideal bar's density.

    A second derivative across, a Gaussian along, and no answer to a constant or a slope.

    Args:
        u: (h, w) contrast units, lateral towards larger columns.
        mm: one millimetre in pixels.
    """
    reach = int(2.2 * LENGTH_MM * mm)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    padded = np.pad(u, reach, mode="edge")
    return np.max([fftconvolve(padded, _bar(y, x, slope, mm), mode="valid") for slope in SLOPES], axis=0)


def _bar(y: np.ndarray, x: np.ndarray, slope: float, mm: float) -> np.ndarray:
    turn = np.deg2rad(slope)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    a, c = (along / (LENGTH_MM * mm)) ** 2 / 2, (across / (HEIGHT_MM * mm)) ** 2
    bar, wide = np.exp(-a - c / 2) * (1 - c), np.exp(-a - c / 8)
    bar -= bar.sum() / wide.sum() * wide
    return (bar / np.abs(bar).sum())[::-1, ::-1]


def _paths(answer: np.ndarray, mm: float) -> list[np.ndarray]:
    """Ridges of the answer, strongest first, each followed to both ends; a ridge that joins a stronger one is left."""
    columns = np.flatnonzero(answer.any(0))
    if not len(columns):
        return []
    crest = (answer == ndi.maximum_filter1d(answer, 2 * int(4 * mm) + 1, axis=0)) & (answer > FAINTEST)
    starts = [
        (answer[row, column], row, int(column))
        for column in columns[0] + (np.array([0.3, 0.45, 0.6, 0.75]) * np.ptp(columns)).astype(int)
        for row in np.flatnonzero(crest[:, column])
    ]
    paths: list[np.ndarray] = []
    taken = np.zeros(answer.shape, bool)
    for _, row, column in sorted(starts, reverse=True):
        if taken[row, column]:
            continue
        path = np.concatenate([_walk(answer, int(row), column, -1)[:0:-1], _walk(answer, int(row), column, 1)])
        near = np.clip(path[:, 0][:, None] + np.arange(-int(5 * mm), int(5 * mm) + 1), 0, len(answer) - 1)
        joins = taken[near, path[:, 1][:, None]].any(1).mean() > 0.25
        taken[near, path[:, 1][:, None]] = True
        if len(path) >= SHORTEST_MM * mm and not joins:
            paths.append(np.stack([ndi.gaussian_filter1d(path[:, 0].astype(float), 5 * mm), path[:, 1]], 1))
    return [path for path in paths if _falls(path)]


def _falls(path: np.ndarray) -> bool:
    """Whether a path falls over its lateral half, as a posterior rib does and a clavicle does not."""
    half = path[len(path) // 2 :, 0]
    return bool(half[-1] - half[0] > 0.1 * len(half))


def _walk(answer: np.ndarray, row: int, column: int, step: int) -> np.ndarray:
    """(n, 2) pixels along the crest from a start, column by column, until it fades."""
    path, slope = [(row, column)], 0.0
    while 0 < column + step < answer.shape[1] - 1:
        column += step
        guess = row + slope
        rows = np.clip(np.arange(round(guess) - 1, round(guess) + 2), 0, len(answer) - 1)
        row = int(rows[np.argmax(answer[rows, column])])
        if answer[row, column] < FAINTEST:
            break
        path.append((row, column))
        back = path[max(len(path) - 9, 0)]
        slope = (row - back[0]) / max(len(path[-9:]) - 1, 1)
    return np.array(path)


def straightened(image: np.ndarray, path: np.ndarray, across: np.ndarray) -> np.ndarray:
    """(n, m) film in the coordinates of a rib: along its path, and ``across`` it (positive = below; (m,) or (n, m))."""
    points = path[:, None] + np.atleast_2d(across)[..., None] * normals(path)[:, None]
    return ndi.map_coordinates(image, points.transpose(2, 0, 1), order=1, mode="nearest")


def normals(path: np.ndarray) -> np.ndarray:
    """(n, 2) unit normals (row, column) of a path, pointing down the film."""
    tangent = np.gradient(path, axis=0)
    normal = np.stack([np.abs(tangent[:, 1]), -tangent[:, 0] * np.sign(tangent[:, 1])], 1)
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)


def _measured(u: np.ndarray, path: np.ndarray, mm: float) -> Rib | None:
    """The rib on a path with its axis put between its edges; None where its edges are not seen."""
    across = np.arange(-14 * mm, 14 * mm, 0.5)
    bands = ndi.gaussian_filter(straightened(u, path, across), (4 * mm, 0.6 * mm / 0.5))
    slope = np.gradient(bands, axis=1)
    upper, lower = _edge(slope, across, mm, -1), _edge(-slope, across, mm, 1)
    wobble = np.maximum(*(_wobble(edge, mm) for edge in (upper, lower)))
    upper, lower = (_course(edge, mm) for edge in (upper, lower))
    path = path + ((lower + upper) / 2)[:, None] * normals(path)
    half = (lower - upper) / 2
    if not LEAST_HALF_MM * mm <= float(np.median(half)) <= LARGEST_HALF_MM * mm:
        return None
    contrast = np.where(wobble > WOBBLE_MM * mm, 0.0, _contrast(u, path, half, mm))
    if (contrast > LEAST_CONTRAST).mean() < SEEN:
        return None
    return Rib(path, half, contrast, contrast / np.maximum(_texture(u, path, half, mm), 1e-6))


def _course(edge: np.ndarray, mm: float) -> np.ndarray:
    """(n,) smooth course of a cortical edge."""
    size = int(WOBBLE_OVER_MM * mm)
    return ndi.gaussian_filter1d(ndi.median_filter(edge, size | 1, mode="nearest"), size / 4)


def _wobble(edge: np.ndarray, mm: float) -> np.ndarray:
    """(n,) spread of an edge's place around its course, over WOBBLE_OVER_MM of it."""
    off = edge - _course(edge, mm)
    return np.sqrt(np.clip(ndi.uniform_filter1d(off**2, int(WOBBLE_OVER_MM * mm)), 0.0, None))


def _contrast(u: np.ndarray, path: np.ndarray, half: np.ndarray, mm: float) -> np.ndarray:
    """(n,) density of the band over the brighter of its flanks."""
    across = np.arange(-14 * mm, 14 * mm, 0.5)
    bands = ndi.gaussian_filter1d(straightened(u, path, across), 3 * mm, axis=0)
    height, flank = half[:, None], (half + FLANK_MM * mm)[:, None]
    inside = _mean(bands, np.abs(across) < 0.8 * height)
    return inside - np.maximum(*(_mean(bands, np.abs(across - place) < mm) for place in (-flank, flank)))


def _mean(bands: np.ndarray, where: np.ndarray) -> np.ndarray:
    return (bands * where).sum(1) / np.maximum(where.sum(1), 1)


def _texture(u: np.ndarray, path: np.ndarray, half: np.ndarray, mm: float) -> np.ndarray:
    """(n,) spread of the film along a rib's band: vessels, lung and noise, which hide its edges."""
    reach = float(np.median(half)) + 4 * mm
    bands = straightened(u, path, np.arange(-reach, reach, 0.5))
    detail = ndi.gaussian_filter(bands, (0.5 * mm, mm)) - ndi.gaussian_filter1d(bands, 5 * mm, axis=0)
    return np.sqrt(ndi.uniform_filter1d((detail**2).mean(1), int(WOBBLE_OVER_MM * mm)))


def _edge(slope: np.ndarray, across: np.ndarray, mm: float, sign: int) -> np.ndarray:
    """(n,) place of the steepest rise towards the axis on one side of it."""
    reach = (sign * across > EDGE_MM[0] * mm) & (sign * across < EDGE_MM[1] * mm)
    return across[reach][slope[:, reach].argmax(1)]


def _flipped(rib: Rib, width: int) -> Rib:
    path = rib.path.copy()
    path[:, 1] = width - 1 - path[:, 1]
    return replace(rib, path=path)
