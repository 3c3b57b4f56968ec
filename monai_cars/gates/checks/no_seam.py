"""An edit must not leave an edge where its support ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi
from torch.nn import functional

from monai_cars.gates.contract import CheckResult, Context, judged, unavailable

OUTLINE_MM = 3.0
FEWEST = 30  # pixels of the border that must be left to judge it without those beside an outline
SAMPLE = 1_000_000  # torch.quantile takes no more than 16 million; a border never needs them


@dataclass(frozen=True)
class NoSeam:
    """Steepening of the film along the support's border, in units of the film's own texture there.

    ``value = P95 (|grad after| - |grad before|)+ / median |grad before|`` over the pixels beside the border, gradients
    by neighbour differences. A hard paste of a visible opacity scores above 3, a feathered edit below 1; where an edit
    ends at an edge that the film had anyway (fluid at the chest wall), nothing steepens; beside the outline of a
    structure it is not judged.

    Args:
        threshold: largest allowed steepening.

    Example:
        >>> NoSeam().threshold
        1.0
    """

    threshold: float = 1.0
    name: str = "no_seam"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        if not bool(context.support.any()):
            return unavailable(self.name, "the support is empty", self.threshold)
        around = context.box.grown(2, before.shape[1:])
        was, now = _steepness(before[0][around.slices]), _steepness(after[0][around.slices])
        support = torch.zeros(was.shape, dtype=torch.bool)
        support[context.box.shifted(*(-start for start in around.start)).slices] = context.support.cpu()
        border = _beside_border(support)
        inner = border & ~_beside_anatomy(context.anatomy[(slice(None), *around.slices)], context.millimetre)
        border = inner if int(inner.sum()) >= FEWEST else border
        if not bool(border.any()):
            return unavailable(self.name, "the support is the whole film: it has no border", self.threshold)
        # A film with flat areas has no texture of its own: a hundredth of the contrast unit is never seen.
        texture = max(float(was[border].median()), 0.01 * abs(context.unit.value))
        value = float(torch.quantile((now - was)[border].clamp_min(0)[:SAMPLE], 0.95)) / texture
        return judged(self.name, value, self.threshold, at_most=True, reason="the change ends in a visible step")


def _steepness(film: torch.Tensor) -> torch.Tensor:
    """Largest of the differences to the next neighbour along every axis, of the film's shape."""
    film = film.float().cpu()
    steps = []
    for axis in range(film.ndim):
        behind = [0, 0] * (film.ndim - 1 - axis) + [0, 1]  # padding is told from the last axis on
        steps.append(functional.pad(film.diff(dim=axis).abs(), behind))
    return torch.stack(steps).amax(0)


def _beside_anatomy(anatomy: torch.Tensor, millimetre: float) -> torch.Tensor:
    """Bool pixels within some millimetres of a structure's outline.

    The film has an edge of its own there, which a deletion lays bare and which fluid hides.
    """
    step = max(1, round(millimetre))  # on a grid of a millimetre: a large pool at native size costs a second
    size = 2 * max(1, round(OUTLINE_MM * millimetre / step)) + 1
    thin = (slice(None), *(slice(None, None, step) for _ in anatomy.shape[1:]))
    # The structures' bits make one number of a pixel, which changes wherever any of them ends.
    masks = np.packbits(anatomy[thin].cpu().numpy() > 0, axis=0)
    beside = np.asarray(_varies(masks, size).any(0))
    for axis in range(beside.ndim):
        beside = beside.repeat(step, axis)
    return torch.from_numpy(beside[tuple(slice(0, size) for size in anatomy.shape[1:])])


def _beside_border(support: torch.Tensor) -> torch.Tensor:
    """Bool pixels that touch the support's border, on either side."""
    return torch.from_numpy(_varies(support.numpy()[None].view(np.uint8), 3)[0])


def _varies(codes: np.ndarray, size: int) -> np.ndarray:
    """(n, ...) bool where a square or cube of ``size`` elements holds more than one value."""
    square = (1, *(size for _ in codes.shape[1:]))
    return ndi.maximum_filter(codes, square, mode="nearest") != ndi.minimum_filter(codes, square, mode="nearest")
