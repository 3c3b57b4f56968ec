"""What the teacher network sees: the film cropped to the lungs' box, on no scale of intensity, with its masks."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from monai_cars.chest_xray.anatomy.network import normalise
from monai_cars.networks.bilinear import interpolated, sources
from monai_cars.teachers.contract import TeacherError

CROP_SIZE = 112  # pixels of the stored crop, a little finer than what is seen: views are turned and zoomed
INPUT_SIZE = 96  # pixels of about 3 mm: opacities are large, and a film has to be judged in a fraction of a second
MARGIN = 0.08  # of the lungs' box on each side: the costophrenic angles and the chest wall belong to the picture
LEAST_SIDE = 8  # pixels; a smaller box is no pair of lungs

LungBox = tuple[int, int, int, int]
"""(top, bottom, left, right) in pixels of the film, ends excluded."""


def lungs_box(anatomy: torch.Tensor, margin: float = MARGIN) -> LungBox:
    """Box of both lung fields with a margin, clipped to the film.

    Args:
        anatomy: (S, H, W) masks; the first two are the lungs.
        margin: share of the box's height and width added on each side.

    Raises:
        TeacherError: the masks have another shape, or hold no lungs.

    Example:
        >>> masks = torch.zeros(3, 100, 100)
        >>> masks[:2, 20:80, 30:70] = 1
        >>> lungs_box(masks, margin=0.1)
        (14, 86, 26, 74)
    """
    if anatomy.ndim != 3 or anatomy.shape[0] < 2:
        raise TeacherError(f"anatomy must be masks (S >= 2, H, W), right lung first, got {tuple(anatomy.shape)}")
    lungs = anatomy[:2].detach().cpu().numpy() > 0
    rows, columns = (np.flatnonzero(lungs.any(axis).any(0)) for axis in (2, 1))
    if len(rows) < LEAST_SIDE or len(columns) < LEAST_SIDE:
        raise TeacherError(
            f"a teacher reads the lungs' box, and the anatomy holds lungs on {len(rows)} rows and {len(columns)} "
            f"columns, {LEAST_SIDE} are needed; give the masks of this film"
        )
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    pad_y, pad_x = round(margin * (bottom - top)), round(margin * (right - left))
    height, width = lungs.shape[1:]
    return max(top - pad_y, 0), min(bottom + pad_y, height), max(left - pad_x, 0), min(right + pad_x, width)


def crop(image: torch.Tensor, box: LungBox, size: int = CROP_SIZE) -> torch.Tensor:
    """The box of channels (C, H, W), area-averaged to (C, size, size) float32; the aspect ratio is not kept."""
    return _averaged(_thinned(image, box, size), size)


def _thinned(image: torch.Tensor, box: LungBox, size: int) -> torch.Tensor:
    """The box at every so many pixels: exact area averaging of a large film is slow, and of three a side is as good."""
    top, bottom, left, right = box
    part = image[:, top:bottom, left:right]
    return part[:, :: max(part.shape[1] // (3 * size), 1), :: max(part.shape[2] // (3 * size), 1)]


def _averaged(part: torch.Tensor, size: int) -> torch.Tensor:
    fine = functional.interpolate(
        part[None].float(), size=(2 * size, 2 * size), mode="bilinear", antialias=True, align_corners=False
    )
    return functional.avg_pool2d(fine, 2)[0]


def stacked(image: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Network input (N, 4, S, S): normalised crop (N, 1, S, S) and masks (N, 3, S, S) of lungs and heart in [0, 1]."""
    return torch.cat([normalise(image), masks], 1)


def to_input(film: torch.Tensor, anatomy: torch.Tensor, size: int = INPUT_SIZE) -> torch.Tensor:
    """Network input (1, 4, size, size) of a film (1, H, W), any positive affine scale, and its anatomy (3+, H, W).

    Raises:
        TeacherError: the film has another shape than (1, H, W), or another size than its anatomy; no lungs.
    """
    if film.ndim != 3 or film.shape[0] != 1 or film.shape[1:] != anatomy.shape[1:]:
        raise TeacherError(
            f"a teacher takes a film (1, H, W) and its anatomy (S, H, W) on one grid, got {tuple(film.shape)} and "
            f"{tuple(anatomy.shape)}"
        )
    box = lungs_box(anatomy)
    # Training takes its views from stored crops of this size; going through it gives the same sharpness.
    masks = _thinned(anatomy[:3], box, CROP_SIZE) > 0
    both = torch.cat([crop(film, box), _averaged(masks, CROP_SIZE)])[None]
    small = functional.interpolate(both, size=(size, size), mode="bilinear", align_corners=False)
    return stacked(small[:, :1], small[:, 1:])


def to_film(values: torch.Tensor, box: LungBox, shape: tuple[int, int]) -> torch.Tensor:
    """Values (h, w) over the lungs' box, interpolated back onto the film's grid (H, W); zero outside the box."""
    top, bottom, left, right = box
    found = torch.zeros(shape, dtype=torch.float32, device=values.device)
    found[top:bottom, left:right] = functional.interpolate(
        values[None, None].float(), size=(bottom - top, right - left), mode="bilinear", align_corners=False
    )[0, 0]
    return found


def to_grid(values: torch.Tensor, box: LungBox, shape: tuple[int, int], step: int) -> torch.Tensor:
    """``to_film(...)[::step, ::step]`` on the CPU, without the pixels between."""
    grid = values.detach().float().cpu().numpy()
    kept = [np.arange(0, side, step) for side in shape]
    found = np.zeros([len(along) for along in kept], np.float32)
    inside, seen = [], []
    for along, coarse, first, last in zip(kept, grid.shape, box[::2], box[1::2], strict=True):
        inside.append((along >= first) & (along < last))
        seen.append(sources(coarse, last - first).at(along[inside[-1]] - first))
    found[np.ix_(*inside)] = interpolated(grid, *seen)
    return torch.from_numpy(found)
