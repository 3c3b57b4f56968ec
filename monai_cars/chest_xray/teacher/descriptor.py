"""A fixed descriptor of a chest film or of a region of it: no weights, no training data, no download."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi
from torch.nn import functional

from monai_cars.chest_xray.anatomy import contrast_unit, thoracic_width
from monai_cars.edits.edit import Box
from monai_cars.teachers.independence import LEARNED_NOTHING

THORAX_MM = 280.0  # inner width of an adult's; a child's film is described on an adult's scale
CASSETTE_MM = 400.0  # longer side of a film on which no thorax was found
SCALES_MM = (0.8, 1.6, 3.2, 6.4)  # sigmas, an octave apart: grain and edges, vessels, ribs, opacities
SMALLEST = 0.1  # share of the film's longer side; a narrower thorax is a fault of its masks
REACH_MM = 3.0 * SCALES_MM[-1]  # of the film around a box that its widest filter sees
REGION, FILM = 3, 32  # sides of the thumbnails
FILM_BLUR = 4.0  # thumbnail pixels: coarser than this all chests look alike
TAIL = 98.0  # percentile of the steepness; a pasted border fills a few percent of a box
LEAST = 1e-4  # contrast units; steepness below it is a flat area
CLIP = (-1.5, 3.0)  # contrast units; markers and metal beyond them would outweigh the patient


@dataclass(frozen=True)
class FixedDescriptor:
    """Texture statistics of a region, or a locally normalised thumbnail of a film.

    Films are read in contrast units on a grid of ``grid_mm`` (the inner thorax is 280 mm wide), so that any affine map
    of the values and any pixel size describe alike. Of a box, for each of four scales (Gaussian derivatives, which are
    steerable: Freeman and Adelson, IEEE TPAMI 1991): log energy over that of the film around it, log ratio of the 98th
    percentile of the steepness to its mean, and the two components of its dominant direction; then median and spread
    of the density and its 3 x 3 thumbnail. Without a box, the lungs' bounding box as 32 x 32 pixels, high-passed,
    locally normalised, of norm 1. The two have different lengths: keep them in different banks.

    It is a hint: it sees gross faults, a plain pasted border, a region much sharper, flatter or denser than its film
    makes such regions, and in a small bank it misses most blurred and many pasted ones
    (tests/benchmarks/descriptor_hint.py). It knows no anatomy and no disease: an opacity of a texture that lungs have
    passes wherever it lies, and two patients are told apart by the layout of large structures only. Leave checks that
    use it advisory. A trained network sees more; it plugs in by the same call.

    Args:
        grid_mm: millimetres per pixel of the working grid.

    Raises:
        ValueError: a grid that is not positive; in use, a box without pixels.

    Example:
        >>> film, anatomy = torch.rand(1, 64, 64), torch.ones(3, 64, 64)
        >>> FixedDescriptor()(film, anatomy, Box(8, 8, 40, 40)).shape, FixedDescriptor()(film, anatomy).shape
        (torch.Size([27]), torch.Size([1024]))
    """

    grid_mm: float = 1.0
    name: str = "fixed_descriptor"
    data: frozenset[str] = LEARNED_NOTHING

    def __post_init__(self) -> None:
        if not self.grid_mm > 0:
            raise ValueError(f"grid_mm must be positive (got {self.grid_mm}); 1.0 suits films of 512 pixels and more")

    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor, box: Box | None = None) -> torch.Tensor:
        """See :class:`monai_cars.teachers.Embedder`."""
        if box is not None and not (box.y1 > box.y0 and box.x1 > box.x0):
            raise ValueError(f"box must hold pixels (got {tuple(box)})")
        plain = film.as_tensor() if hasattr(film, "as_tensor") else film
        masks = anatomy.as_tensor() if hasattr(anatomy, "as_tensor") else anatomy
        density = _density(plain, masks)
        vector = film_vector(density, masks) if box is None else self._region(density, masks, box)
        return torch.from_numpy(vector.astype(np.float32))

    def pixels_per_mm(self, anatomy: torch.Tensor) -> float:
        """See :class:`monai_cars.teachers.contract.ScaledEmbedder`."""
        return pixels_per_mm(anatomy)

    def _region(self, density: torch.Tensor, anatomy: torch.Tensor, box: Box) -> np.ndarray:
        per_mm = pixels_per_mm(anatomy)
        reach = int(np.ceil(REACH_MM * per_mm))
        y0, x0 = max(box.y0 - reach, 0), max(box.x0 - reach, 0)
        tile = density[y0 : box.y1 + reach, x0 : box.x1 + reach]
        scale = 1.0 / (per_mm * self.grid_mm)
        grid = _resized(tile, [max(2, round(side * scale)) for side in tile.shape]).numpy()
        rows, columns = (
            slice(int(low * scale), max(int(np.ceil(high * scale)), int(low * scale) + 2))
            for low, high in ((box.y0 - y0, box.y1 - y0), (box.x0 - x0, box.x1 - x0))
        )
        return region_vector(grid, (rows, columns), self.grid_mm)


def pixels_per_mm(anatomy: torch.Tensor) -> float:
    """Pixels per millimetre of a film whose inner thorax is 280 mm wide, or which is 400 mm long without a thorax.

    Example:
        >>> masks = torch.zeros(3, 4, 300)
        >>> masks[0, :, 10:140] = masks[1, :, 160:290] = 1
        >>> pixels_per_mm(masks)
        1.0
    """
    width, longer = thoracic_width(anatomy), max(anatomy.shape[-2:])
    return width / THORAX_MM if width > SMALLEST * longer else longer / CASSETTE_MM


def region_vector(grid: np.ndarray, inside: tuple[slice, slice], grid_mm: float) -> np.ndarray:
    """(27,) description of a window of a film.

    Args:
        grid: (h, w) film in contrast units, with what lies around the window.
        inside: rows and columns of the window.
        grid_mm: millimetres per pixel.
    """
    window = grid[inside]
    bands = np.concatenate([_band(grid, inside, sigma / grid_mm) for sigma in SCALES_MM])
    small = _resized(torch.from_numpy(np.ascontiguousarray(window)), [REGION, REGION]).numpy()
    level = float(np.median(window))
    return np.concatenate([bands, [level, float(window.std())], (small - level).ravel()])


def _band(grid: np.ndarray, inside: tuple[slice, slice], sigma: float) -> np.ndarray:
    """Log energy against the surroundings', log tail and doubled direction (cos, sin) of the gradients at one scale."""
    gy, gx = (sigma * ndi.gaussian_filter(grid, sigma, order, mode="nearest") for order in ((1, 0), (0, 1)))
    power = gy**2 + gx**2
    around = np.ones(grid.shape, bool)
    around[inside] = False
    gy, gx = gy[inside], gx[inside]
    steep = np.hypot(gy, gx)
    energy, mean = float((steep**2).mean()) + LEAST**2, float(steep.mean()) + LEAST
    # Films differ in sharpness and grain: a region is compared with its own film.
    usual = float(power[around].mean()) + LEAST**2 if around.any() else energy
    tail = (float(np.percentile(steep, TAIL)) + LEAST) / mean
    along = [float((gx * gx - gy * gy).mean()) / energy, float((2 * gx * gy).mean()) / energy]
    return np.array([0.5 * np.log(energy / usual), np.log(tail), *along])


def film_vector(density: torch.Tensor, anatomy: torch.Tensor) -> np.ndarray:
    """(1024,) locally normalised thumbnail of the lungs' bounding box, of the whole film without lungs; norm 1."""
    lungs = anatomy[:2].amax(0) > 0
    rows, columns = (torch.nonzero(lungs.any(axis)).flatten().tolist() for axis in (1, 0))
    if rows:
        density = density[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    small = _resized(density, [FILM, FILM]).numpy().astype(np.float64)
    detail = small - ndi.gaussian_filter(small, FILM_BLUR)
    spread = np.sqrt(ndi.gaussian_filter(detail**2, FILM_BLUR))
    vector = (detail / np.maximum(spread, 0.01)).ravel()
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def _density(film: torch.Tensor, anatomy: torch.Tensor) -> torch.Tensor:
    """(H, W) film in contrast units above aerated lung; in spreads about the median where no unit can be measured."""
    unit = contrast_unit(film, anatomy)
    image = film[0].detach().cpu().float()
    if unit.value != 0:
        return ((image - unit.zero) / unit.value).clamp(*CLIP)
    spread = float(image.std(correction=0)) * 4.0  # of a film with two humps, lung and the rest, about a quarter unit
    return ((image - image.median()) / (spread or 1.0)).clamp(*CLIP)


def _resized(tile: torch.Tensor, size: list[int]) -> torch.Tensor:
    """(h, w) of a size; area means where it shrinks."""
    return functional.interpolate(tile[None, None], size=size, mode="bilinear", antialias=True)[0, 0]
