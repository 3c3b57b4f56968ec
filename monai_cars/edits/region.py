"""Where a finding lies that is to be deleted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from monai_cars.echo import echo
from monai_cars.edits.axes import to_standard


@dataclass(frozen=True)
class Region:
    """Where a finding that is to be deleted lies, in native pixels of the array as the editor receives it.

    Args:
        mask: bool with the image's spatial shape, ``(H, W)`` or ``(D, H, W)``.
        box: where it starts along every axis, then where it stops, half open: ``(y0, x0, y1, x1)`` of a film.
        point: a place on the finding, one number an axis: ``(y, x)``.

    Raises:
        ValueError: not exactly one of the three, or a box whose stop is not beyond its start.

    Example:
        >>> Region(box=(10, 20, 30, 40)).box
        (10, 20, 30, 40)
    """

    mask: torch.Tensor | None = None
    box: tuple[float, ...] | None = None
    point: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("mask", "box", "point") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"region: exactly one of mask, box, point must be given, got {given or 'none of them'}")
        if self.box is not None:
            half = len(self.box) // 2
            if not half or len(self.box) % 2 or any(a >= b for a, b in zip(self.box, self.box[half:], strict=False)):
                raise ValueError(
                    f"region: a box (y0, x0, y1, x1) needs y0 < y1 and x0 < x1, got {echo(tuple(self.box))}"
                )


def check_region(region: Region | None, image: torch.Tensor) -> None:
    """Refuse a region that does not fit an image ``(1, ...)``.

    Raises:
        ValueError: a mask of another shape, or a box or point of another number of axes.
    """
    if region is None:
        return
    shape, axes = tuple(image.shape[1:]), image.ndim - 1
    if region.mask is not None and (region.mask.numel() != image.numel() or region.mask.shape[-axes:] != shape):
        raise ValueError(
            f"region: a mask must have the film's shape {shape}, got {tuple(region.mask.shape)}; "
            "resize it together with the film (nearest neighbour)"
        )
    given = 0 if region.box is None else len(region.box) // 2
    given = given if region.point is None else len(region.point)
    if given and given != axes:
        raise ValueError(
            f"region: a box or point must name {axes} axes of an image of shape {shape}, "
            f"got {echo(region.box or region.point)}"
        )


def turned(region: Region, axes: str, like: torch.Tensor) -> Region:
    """The region in upright axes: a box or point is drawn, turned with the film and read off again.

    Args:
        region: in the axes of `like`.
        axes: how the image lies, see `monai_cars.edits.axes.Axes`.
        like: (1, ...) the image.

    Example:
        >>> turned(Region(box=(0, 1, 2, 4)), "WH", torch.zeros(1, 5, 6)).box
        (1.0, 0.0, 4.0, 2.0)
    """
    if axes == "HW":
        return region
    if region.mask is not None:
        return Region(mask=to_standard(region.mask.reshape(like.shape), axes)[0])
    point = region.point or ()
    box = region.box or (*point, *(place + 1 for place in point))
    half = len(box) // 2
    drawn = torch.zeros(like.shape, dtype=torch.bool)
    edges = zip(box[:half], box[half:], strict=True)
    drawn[0][tuple(slice(max(int(a), 0), max(math.ceil(b), 0)) for a, b in edges)] = True
    places = torch.nonzero(to_standard(drawn, axes)[0])
    if not len(places):
        return Region(point=(-1.0,) * half)  # outside the film in any axes: the editor says so
    corner = tuple(float(edge) for edge in places.amin(0))
    if region.point is not None:
        return Region(point=corner)
    return Region(box=(*corner, *(float(edge) + 1 for edge in places.amax(0))))
