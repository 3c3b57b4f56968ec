"""Insert irregular parenchyma: a network of fine lines with small nodules, most of it basal and peripheral."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi
from scipy.spatial import cKDTree

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smooth_noise, smoothstep, uniform
from monai_cars.chest_xray.editors.canvas.site import region_of
from monai_cars.chest_xray.editors.lung.air_space import advance, opacity
from monai_cars.chest_xray.editors.lung.parenchyma import Lung, reach
from monai_cars.chest_xray.measurement.reticulation import texture, visible
from monai_cars.edits.edit import CannotEdit, Edit, Proposal

MESHES_MM = (4.5, 6.5, 10.0)  # distance between lines; a film projects several layers of the network onto each other
LINE_MM = (0.32, 0.50)  # half of a line's thickness
NODULES_MM, NODULES = (0.8, 1.3), 0.006  # sigma, and nodules per square millimetre
STRENGTH = (4.4, 5.8)  # a line's contrast over the spread of the film's own texture: a sharpened film sharpens both
FAINTEST, STRONGEST = 0.08, 0.30  # contrast units of a line
HAZE = 0.25  # of a line's contrast: the network's unresolved part
PERIPHERY_MM = 45.0  # depth below the pleura over which the pattern fades
SOFT = 0.28  # of the extent: softness of its border
ZONE_COST = 0.02  # extent per millimetre outside the asked zone
HEART_MM = 2.0  # over which the pattern ends at the heart
AIR = 0.25  # contrast units of room


def insert_reticulation(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a reticular and finely nodular pattern whose texture covers the asked share of a lung field.

    Raises:
        CannotEdit: the film's own texture there hides such lines, or the lung is not aerated enough.
    """
    advance(generator)
    asked, lung = edit.amount, Lung(canvas, str(edit.side))
    place = " ".join(part for part in (lung.side, edit.zone) if part)
    if not (lung.free & (lung.room > AIR) & region_of(canvas, lung.side, edit.zone)).any():
        raise CannotEdit(f"no aerated {place} lung to put irregular parenchyma into")
    order = _order(lung, edit.zone, generator)
    # Lines are not seen through the heart.
    before_heart = 1.0 - canvas.blur(canvas.heart.astype(np.float32), HEART_MM)
    pattern = _pattern(lung, generator) * np.clip(2.0 * lung.open, 0.0, 1.0) * before_heart**2
    spacing = 1.0 / lung.mm
    usual = texture(canvas.u, spacing)

    def draw(size: float) -> np.ndarray:
        return smoothstep((size - order) / SOFT) * pattern

    def seen(residual: np.ndarray) -> np.ndarray:
        return visible(texture(_written(residual, canvas.factor), spacing), usual, lung.free) & lung.free

    what = f"lines over {asked.value:.0%} of the {place} lung would not stand out from its own texture"
    need, high = asked.value * lung.free.sum(), float(order[lung.field].max()) + SOFT
    residual = reach(draw, lambda drawn: float(seen(drawn).sum()), need, high, what=what)
    return opacity(canvas, residual, lung.space, asked, lesion=seen(residual))


def _written(residual: np.ndarray, factor: int) -> np.ndarray:
    """What block means of the native film see of a residual that was enlarged to it: bilinear, so a little smoother."""
    if factor == 1:
        return residual
    offsets = (np.arange(factor) + 0.5) / factor - 0.5
    side = np.clip(offsets, 0.0, None).mean()
    for axis in (0, 1):
        residual = ndi.convolve1d(residual, [side, 1.0 - 2.0 * side, side], axis=axis, mode="nearest")
    return residual


def _order(lung: Lung, zone: str | None, generator: torch.Generator) -> np.ndarray:
    """(h, w) from 0 on, the order in which the pattern takes the lung: bases and periphery first, irregularly."""
    central = np.clip(_from_wall(lung) / PERIPHERY_MM, 0.0, 1.0)
    noise = smooth_noise(lung.field.shape, 16 * lung.mm, generator)
    order = 1.4 * (1.0 - lung.height) + 0.5 * central + 0.14 * noise + ZONE_COST * lung.beyond_zone(zone)
    return order - order[lung.field].min()


def _from_wall(lung: Lung) -> np.ndarray:
    """(h, w) millimetres to the chest wall of the same row."""
    columns = np.arange(lung.field.shape[1])[None]
    inside = lung.field.any(axis=1, keepdims=True)
    if lung.outward > 0:
        wall = lung.field.shape[1] - 1 - lung.field[:, ::-1].argmax(1)[:, None]
        return np.where(inside, np.clip(wall - columns, 0, None), 0) / lung.mm
    return np.where(inside, np.clip(columns - lung.field.argmax(1)[:, None], 0, None), 0) / lung.mm


def _pattern(lung: Lung, generator: torch.Generator) -> np.ndarray:
    """(h, w) contrast units of the whole network with its nodules and the haze of what is too fine to be seen."""
    shape, mm = lung.field.shape, lung.mm
    lines = np.zeros(shape)
    for mesh in MESHES_MM:
        # Septa lie at all angles to the beam: each stretch of a line is seen more or less edge on.
        edge_on = smoothstep(0.5 + 0.5 * smooth_noise(shape, 0.6 * mesh * mm, generator))
        lines += edge_on * _net(lung, mesh, generator)
    own = float(np.median(texture(lung.canvas.u, 1.0 / mm)[lung.free]))
    strength = float(np.clip(uniform(*STRENGTH, generator) * own, FAINTEST, STRONGEST))
    pattern = np.tanh(0.8 * lines) + 0.5 * _nodules(lung, generator)
    coarse = smooth_noise(shape, 8 * mm, generator)
    return strength * (pattern * np.clip(1.0 + 0.2 * coarse, 0.4, 1.6) + HAZE)


def _net(lung: Lung, mesh_mm: float, generator: torch.Generator) -> np.ndarray:
    """(h, w) in [0, 1] the borders between irregular cells of a mesh size."""
    shape, step = lung.field.shape, mesh_mm * lung.mm
    rows, columns = np.meshgrid(
        np.arange(-step, shape[0] + step, step), np.arange(-step, shape[1] + step, step), indexing="ij"
    )
    seeds = np.stack([rows.ravel(), columns.ravel()], 1)
    seeds = seeds + 0.45 * step * torch.randn(seeds.shape, generator=generator).numpy()
    warp = [0.25 * step * smooth_noise(shape, 0.5 * step, generator) for _ in range(2)]
    inside = lung.space
    places = np.argwhere(inside) + np.stack([w[inside] for w in warp], 1)
    distances, _ = cKDTree(seeds).query(places, k=2)
    gap = (distances[:, 1] - distances[:, 0]) / 2 / lung.mm
    width = uniform(*LINE_MM, generator)
    net = np.zeros(shape)
    net[inside] = np.exp(-0.5 * (gap / width) ** 2)
    return net


def _nodules(lung: Lung, generator: torch.Generator) -> np.ndarray:
    """(h, w) in about [0, 1] scattered small nodules."""
    shape = lung.field.shape
    scatter = np.asarray(torch.rand(shape, generator=generator)) < NODULES / lung.mm**2
    dots = np.zeros(shape)
    for sigma in NODULES_MM:
        part = scatter & (torch.rand(shape, generator=generator).numpy() < 0.5)
        size = sigma * lung.mm
        dots += ndi.gaussian_filter(part.astype(float), size) * 2 * np.pi * size**2
    return np.minimum(dots, 1.2)
