"""Where a finding lies: masks, boxes and points of a sample as a `Region` in the image as it stands in the chain."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from monai.data import MetaTensor
from monai.data.box_utils import BoxMode, convert_box_to_standard_mode
from monai.utils import convert_to_tensor

from monai_cars.echo import echo
from monai_cars.edits.edit import Region
from monai_cars.loop.state import plain_tensor

BoxModeLike = str | BoxMode | type[BoxMode] | None
BoxAxes = Literal["tensor", "xy"]
"""Which axis a box names first: the tensor's first (the row of a film of `LoadRadiographd`), as MONAI's boxes do; or x,
the column, then y, as detectors and their tables do."""


def mask_region(mask: Any, image: torch.Tensor) -> Region | None:
    """The region of a mask (1, H, W) or (H, W), non-zero inside, in the image's own pixels; None when it is empty.

    Raises:
        ValueError: another shape than the image's.
    """
    plain = plain_tensor(convert_to_tensor(mask, track_meta=False)).cpu()
    plain = plain[0] if plain.ndim == image.ndim and plain.shape[0] == 1 else plain
    if plain.shape != image.shape[1:]:
        raise ValueError(
            f"the mask of a deletion must have the image's shape {(1, *image.shape[1:])} (got {tuple(plain.shape)}); "
            "give spatial transforms its key too."
        )
    return Region(mask=plain > 0) if bool((plain > 0).any()) else None


def check_box_axes(axes: str) -> None:
    """Refuse what is none of `BoxAxes`.

    Raises:
        ValueError: naming both.
    """
    if axes not in ("tensor", "xy"):
        raise ValueError(f"box_axes must be 'tensor' (the row first) or 'xy' (the column first) (got {axes!r}).")


def standard_boxes(boxes: Any, mode: BoxModeLike = None, axes: str = "tensor") -> np.ndarray:
    """Boxes of any MONAI BoxMode as (N, 4) corners: start along both axes, then stop along both ("xyxy").

    The letters of a BoxMode are not x and y of a picture: its x is the tensor's first axis, the row of a film of
    `LoadRadiographd`. Boxes of volumes have six numbers, "xyzxyz".

    Args:
        boxes: (4,) or (N, 4) numbers, or six each.
        mode: MONAI BoxMode; None is "xyxy".
        axes: which axis they name first, see `BoxAxes`; "xy" of volumes is (x, y, z), the last axis first.

    Returns:
        (N, 4) or (N, 6), always in the tensor's axes.

    Raises:
        ValueError: not (4,) or (N, 4) finite numbers (or six), or a box whose stop is not beyond its start.

    Example:
        >>> standard_boxes([10, 20, 5, 6], "xywh")
        array([[10., 20., 15., 26.]])
        >>> standard_boxes([20, 10, 6, 5], "xywh", "xy")
        array([[10., 20., 15., 26.]])
    """
    check_box_axes(axes)
    array = np.asarray(plain_tensor(boxes) if isinstance(boxes, torch.Tensor) else boxes, dtype=float)
    array = array.reshape(0, 4) if array.size == 0 else np.atleast_2d(array)
    if array.ndim != 2 or array.shape[1] not in (4, 6) or not np.isfinite(array).all():
        raise ValueError(
            f"boxes must be four finite numbers each, (4,) or (N, 4) (got {np.shape(boxes)}: {echo(boxes)})."
        )
    corners = np.asarray(convert_box_to_standard_mode(array, mode))
    rank = array.shape[1] // 2
    if (corners[:, rank:] <= corners[:, :rank]).any():
        read = mode or {2: "xyxy", 3: "xyzxyz"}[rank]
        raise ValueError(
            f"a box must stop beyond its start (got {echo(array.tolist())} read as {echo(read)}); name its MONAI "
            "BoxMode with box_mode=, such as 'xywh'. MONAI's first axis is the tensor's, the row; boxes that name the "
            "column first, as detectors and their tables do, need box_axes='xy'."
        )
    return np.concatenate([corners[:, :rank][:, ::-1], corners[:, rank:][:, ::-1]], 1) if axes == "xy" else corners


def box_region(corners: Sequence[float], image: torch.Tensor) -> Region | None:
    """The region of one box, given in native pixels; None when it lies outside the image.

    Args:
        corners: (start 0, start 1, stop 0, stop 1) along the axes of the film as it was loaded, half open; of a volume
            three starts, then three stops.
        image: (C, H, W) or (C, D, H, W); its affine tells what resampling, flips and crops did since.

    Raises:
        ValueError: a box of another number of axes than the image's.
    """
    if len(corners) != 2 * (image.ndim - 1):
        raise ValueError(
            f"a box must name the {image.ndim - 1} axes of the image, of shape {tuple(image.shape)}: "
            f"{2 * (image.ndim - 1)} numbers (got {echo(list(corners))})."
        )
    edges = np.reshape(np.asarray(corners, dtype=float), (2, -1)) - 0.5  # edges of pixels
    moved = np.sort(to_current(edges, image) + 0.5, axis=0)
    start, stop = np.clip(moved, 0, np.array(image.shape[1:], dtype=float))
    if (stop - start < 1).any():
        return None
    return Region(box=tuple(float(edge) for edge in (*start, *stop)))


def known_regions(
    sample: Mapping[Hashable, Any],
    image: torch.Tensor,
    box_keys: Mapping[str, Hashable],
    mask_keys: Mapping[str, Hashable],
    mode: BoxModeLike = None,
    axes: str = "tensor",
) -> dict[str, Region]:
    """Finding -> its region, where its key holds a box (the first one counts) or a mask that is not empty."""
    found: dict[str, Region | None] = {}
    boxes: Any
    for finding, key in box_keys.items():
        boxes = standard_boxes(sample[key], mode, axes) if sample.get(key) is not None else []
        found[finding] = box_region(boxes[0], image) if len(boxes) else None
    for finding, key in mask_keys.items():
        found[finding] = mask_region(sample[key], image) if sample.get(key) is not None else None
    return {finding: region for finding, region in found.items() if region is not None}


def point_region(point: Sequence[float], image: torch.Tensor) -> Region | None:
    """The region grown from a point, given in native pixels; None when it lies outside the image.

    Raises:
        ValueError: a point of another number of axes than the image's.
    """
    if len(point) != image.ndim - 1:
        raise ValueError(
            f"a point must name the {image.ndim - 1} axes of the image, of shape {tuple(image.shape)} "
            f"(got {echo(list(point))})."
        )
    place = to_current(np.array([point], dtype=float), image)[0]
    inside = all(-0.5 <= at <= size - 0.5 for at, size in zip(place, image.shape[1:], strict=True))
    return Region(point=tuple(float(at) for at in place)) if inside else None


def to_current(points: np.ndarray, image: torch.Tensor) -> np.ndarray:
    """Positions (N, axes) in the image as it was loaded, in the image as it stands; the affine has followed it."""
    if not isinstance(image, MetaTensor) or "original_affine" not in image.meta:
        return points
    original = np.asarray(image.meta["original_affine"], dtype=float)
    matrix = np.linalg.solve(np.asarray(image.affine, dtype=float), original)
    axes = points.shape[1]
    homogeneous = np.column_stack([points, np.zeros((len(points), 3 - axes)), np.ones(len(points))])
    return (homogeneous @ matrix.T)[:, :axes]
