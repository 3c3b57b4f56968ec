"""Segmentation teachers must draw after an edit what they drew before, where it was not edited (C3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from monai.metrics import compute_iou

from monai_cars.gates.answers import DRAWN, opacity_maps
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable
from monai_cars.gates.intended import drawn_lesion
from monai_cars.teachers import Localiser


@dataclass(frozen=True)
class MasksKept:
    """IoU of segmentation teachers' consensus before and after (C3's gate for segmentation tasks).

    A pixel is in the consensus when more than half of the teachers draw it. A structure that the edit leaves alone must
    keep its mask. With `of_finding` the teachers segment the edited finding itself: the mask before, with the lesion
    added (or taken out), is what is expected after.

    Args:
        segmenters: at least one; each gives the probability of the structure at each pixel.
        threshold: C3's tau; a first setting, to be calibrated on repeat films.
        of_finding: the teachers segment what is edited.

    Raises:
        ValueError: no segmenter.

    Example:
        >>> from monai_cars.teachers import SegmenterLocaliser
        >>> MasksKept([SegmenterLocaliser("bright", lambda film: film[0])]).name
        'masks_kept'
    """

    segmenters: Sequence[Localiser]
    threshold: float = 0.80
    of_finding: bool = False
    name: str = "masks_kept"

    def __post_init__(self) -> None:
        if not self.segmenters:
            raise ValueError("segmenters must hold at least one segmenter, got none")

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        maps = [opacity_maps(segmenter, before, after, context) for segmenter in self.segmenters]
        expected, now = (_consensus([pair[when] for pair in maps]) for when in (0, 1))
        if self.of_finding and context.edit.operation != "sham":
            lesion = drawn_lesion(before, context)
            expected = expected & ~lesion if context.edit.operation == "delete" else expected | lesion
        if not expected.any() and not now.any():
            return unavailable(self.name, "no segmenter drew anything before or after", self.threshold)
        value = float(compute_iou(now[None, None], expected[None, None], ignore_empty=False))
        names = ", ".join(segmenter.name for segmenter in self.segmenters)
        return judged(self.name, value, self.threshold, at_most=False, reason=f"{names}: IoU {value:.2f}")


def _consensus(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack([found >= DRAWN for found in maps]).float().mean(0) > 0.5
