"""The outline of an opacity from a mask, a box or a point."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.edits.edit import CannotEdit, Region

ANGLES = 96
SMALLEST_MM, LARGEST_MM = 3.0, 45.0  # radii tried around a point


def outline_of(canvas: Canvas, region: Region, *, snap: bool = True) -> np.ndarray:
    """(h, w) bool outline of the opacity on the working grid.

    A mask is taken as it is. A box or a point is refined: the closed path of steepest fall from the opacity to the
    lung around it, found by dynamic programming in polar coordinates. Without ``snap`` a box is taken as its
    superellipse.

    Raises:
        CannotEdit: the region lies outside the film or nothing there has an edge.
    """
    if region.mask is not None:
        mask = region.mask.reshape(region.mask.shape[-2:])
        outline = mask[:: canvas.factor, :: canvas.factor].cpu().numpy() > 0
        if not outline.any():
            raise CannotEdit("the mask of the opacity is empty on this film")
        return outline
    if region.box is not None:
        y0, x0, y1, x1 = (c / canvas.factor for c in region.box)
        half = np.array([y1 - y0, x1 - x0]) / 2
        if not snap:
            y, x = np.mgrid[: canvas.u.shape[0], : canvas.u.shape[1]]
            return ((y - y0 - half[0]) / half[0]) ** 4 + ((x - x0 - half[1]) / half[1]) ** 4 <= 1
        return _refine(canvas, np.array([y0, x0]) + half, half, (0.72, 1.18))
    centre = np.array(region.point, float) / canvas.factor
    radius = LARGEST_MM * canvas.feature
    return _refine(canvas, centre, np.array([radius, radius]), (SMALLEST_MM / LARGEST_MM, 1.0))


def _refine(canvas: Canvas, centre: np.ndarray, half: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    if not all(0 <= c < n for c, n in zip(centre, canvas.u.shape, strict=True)) or min(half) < 1:
        raise CannotEdit(f"the region around ({centre[0]:.0f}, {centre[1]:.0f}) lies outside the film or is empty")
    angles = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    radii = np.linspace(*span, max(8, int((span[1] - span[0]) * max(half))))
    rows = centre[0] + np.outer(np.sin(angles), radii) * half[0]
    columns = centre[1] + np.outer(np.cos(angles), radii) * half[1]
    smooth = canvas.blur(canvas.u, 1.5)
    polar = ndi.map_coordinates(smooth, [rows, columns], order=1, mode="nearest")
    fall = -np.gradient(polar, axis=1) * len(radii)
    path = closed_path(-np.clip(fall, 0, np.percentile(fall, 97)) / max(np.percentile(fall, 97), 1e-6))
    path = ndi.gaussian_filter1d(radii[path], 1.5, mode="wrap")
    return _inside(canvas.u.shape, centre, half, angles, path)


def closed_path(cost: np.ndarray, stiffness: float = 0.06) -> np.ndarray:
    """Cheapest closed path through a polar cost image: one radius index for every angle.

    Args:
        cost: (angles, radii).
        stiffness: cost of moving by k radii between neighbouring angles is ``stiffness * k**2``.

    Example:
        >>> cost = np.ones((12, 9)); cost[:, 4] = 0
        >>> closed_path(cost).tolist() == [4] * 12
        True
    """
    index = np.arange(cost.shape[1])
    move = stiffness * (index[:, None] - index[None]) ** 2

    def trace(fixed: int | None) -> tuple[np.ndarray, float]:
        total = cost[0].copy()
        if fixed is not None:
            total[index != fixed] = np.inf
        back = []
        for row in cost[1:]:
            step = total[None] + move
            back.append(step.argmin(1))
            total = step.min(1) + row
        if fixed is not None:
            total = total + move[fixed]
        path = [int(total.argmin())]
        for b in back[::-1]:
            path.append(int(b[path[-1]]))
        return np.array(path[::-1]), float(total.min())

    # A closed path starts where it ends: the ends of the open path and its median are the starts worth trying.
    open_path, _ = trace(None)
    candidates = {int(open_path[0]), int(open_path[-1]), int(np.median(open_path))}
    return min((trace(c) for c in candidates), key=lambda found: found[1])[0]


def _inside(shape, centre, half, angles, path) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    dy, dx = (y - centre[0]) / half[0], (x - centre[1]) / half[1]
    angle = np.arctan2(dy, dx) % (2 * np.pi)
    border = np.interp(angle, np.append(angles, 2 * np.pi), np.append(path, path[0]))
    return np.hypot(dy, dx) <= border
