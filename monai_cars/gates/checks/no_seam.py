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
        y0, x0, y1, x1 = context.box
        crop = (0, slice(max(y0 - 2, 0), y1 + 2), slice(max(x0 - 2, 0), x1 + 2))
        was, now = _steepness(before[crop]), _steepness(after[crop])
        support = torch.zeros(was.shape, dtype=torch.bool)
        top, left = y0 - max(y0 - 2, 0), x0 - max(x0 - 2, 0)
        support[top : top + y1 - y0, left : left + x1 - x0] = context.support.cpu()
        border = _beside_border(support)
        inner = border & ~_beside_anatomy(context.anatomy[(slice(None), *crop[1:])], context.millimetre)
        border = inner if int(inner.sum()) >= FEWEST else border
        # A film with flat areas has no texture of its own: a hundredth of the contrast unit is never seen.
        texture = max(float(was[border].median()), 0.01 * abs(context.unit.value))
        value = float(torch.quantile((now - was)[border].clamp_min(0)[:SAMPLE], 0.95)) / texture
        return judged(self.name, value, self.threshold, at_most=True, reason="the change ends in a visible step")


def _steepness(film: torch.Tensor) -> torch.Tensor:
    """(h, w) larger of the differences to the right and lower neighbour."""
    film = film.float().cpu()
    down = functional.pad(film.diff(dim=0).abs(), (0, 0, 0, 1))
    right = functional.pad(film.diff(dim=1).abs(), (0, 1))
    return torch.maximum(down, right)


def _beside_anatomy(anatomy: torch.Tensor, millimetre: float) -> torch.Tensor:
    """(h, w) bool pixels within some millimetres of a structure's outline.

    The film has an edge of its own there, which a deletion lays bare and which fluid hides.
    """
    step = max(1, round(millimetre))  # on a grid of a millimetre: a large pool at native size costs a second
    size = 2 * max(1, round(OUTLINE_MM * millimetre / step)) + 1
    # The structures' bits make one number of a pixel, which changes wherever any of them ends.
    masks = np.packbits(anatomy[:, ::step, ::step].cpu().numpy() > 0, axis=0)
    beside = _varies(masks, size).any(0).repeat(step, 0).repeat(step, 1)
    return torch.from_numpy(beside[: anatomy.shape[1], : anatomy.shape[2]])


def _beside_border(support: torch.Tensor) -> torch.Tensor:
    """(h, w) bool pixels that touch the support's border, on either side."""
    return torch.from_numpy(_varies(support.numpy()[None].view(np.uint8), 3)[0])


def _varies(codes: np.ndarray, size: int) -> np.ndarray:
    """(n, h, w) bool where a square of ``size`` pixels holds more than one value."""
    square = (1, size, size)
    return ndi.maximum_filter(codes, square, mode="nearest") != ndi.minimum_filter(codes, square, mode="nearest")
