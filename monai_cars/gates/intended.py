"""Where an edit was meant to change what a localiser sees, and the localiser's maps on the same grid."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.gates.answers import opacity_maps
from monai_cars.gates.contract import CheckResult, Context, unavailable
from monai_cars.teachers import Localiser

GRID = 256  # pixels on the shorter side: a localiser trained on boxes draws nothing finer
CRUMB = 0.05  # share of the largest part of a lesion below which a part draws no box of its own
# A mean over the lesion that counts as "something is seen there": what a map gives that is sure of a tenth of it. Less
# is noise, and noise has a share inside the lesion too.
LEAST = 0.10


@dataclass(frozen=True)
class Intended:
    """A localiser's maps and the intended region on a common grid.

    Args:
        was: (h, w) map before.
        now: (h, w) map after.
        region: (h, w) bool, where the finding should come or go.
        lesion: pixels of the lesion.
    """

    was: np.ndarray
    now: np.ndarray
    region: np.ndarray
    lesion: int

    @classmethod
    def asked(
        cls, localiser: Localiser, before: torch.Tensor, after: torch.Tensor, context: Context, margin_mm: float
    ) -> Intended | str:
        """All of it, or why a localiser cannot be asked."""
        if context.edit.operation == "sham":
            return "a sham asks for no finding"
        step = max(1, min(before.shape[1:]) // GRID)
        lesion = drawn_lesion(before, context)[::step, ::step].numpy()
        if not lesion.any():
            return "no lesion was drawn"
        region = lesion_boxes(lesion, round(margin_mm * context.millimetre / step))
        was, now = (found.numpy() for found in opacity_maps(localiser, before, after, context, step))
        return cls(was, now, region, int(lesion.sum()))


class AsksLocaliser(ABC):
    """A check that judges an edit by what a localiser sees of it; a dataclass that says how in `judge`."""

    localiser: Localiser
    threshold: float
    margin_mm: float
    name: str

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        asked = Intended.asked(self.localiser, before, after, context, self.margin_mm)
        if isinstance(asked, Intended):
            return self.judge(asked, context)
        result = unavailable(self.name, asked, self.threshold)
        return replace(result, code="nothing_asked") if context.edit.operation == "sham" else result

    @abstractmethod
    def judge(self, asked: Intended, context: Context) -> CheckResult:
        """The result, from the maps at the intended place."""


def drawn_lesion(film: torch.Tensor, context: Context) -> torch.Tensor:
    """(H, W) bool, the lesion on the whole film."""
    full = torch.zeros(film.shape[1:], dtype=torch.bool)
    full[context.box.slices] = context.lesion.cpu()
    return full


def lesion_boxes(lesion: np.ndarray, margin: int = 0) -> np.ndarray:
    """The bounding boxes of a lesion's parts, each with a margin; crumbs draw none.

    Args:
        lesion: (H, W) bool.
        margin: pixels on every side.

    Returns:
        (H, W) bool.

    Example:
        >>> lesion_boxes(np.eye(3, dtype=bool)).sum()
        np.int64(9)
    """
    labels, count = ndi.label(lesion, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    boxes = np.zeros_like(lesion)
    for size, (rows, columns) in zip(sizes, ndi.find_objects(labels), strict=True):
        if size >= CRUMB * sizes.max():
            y0, x0 = max(rows.start - margin, 0), max(columns.start - margin, 0)
            boxes[y0 : rows.stop + margin, x0 : columns.stop + margin] = True
    return boxes


def check_of(of: str) -> None:
    """Refuse what is neither the change nor the film after the edit."""
    if of not in ("change", "after"):
        raise ValueError(f"of must be 'change' or 'after', got {of!r}")
