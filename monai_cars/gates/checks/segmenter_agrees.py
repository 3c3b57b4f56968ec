"""A plugged-in segmenter must draw what the edit asked for, and segmentation teachers must keep what it did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from monai.metrics import compute_dice, compute_iou

from monai_cars.gates.answers import opacity_maps
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable
from monai_cars.gates.intended import check_of, drawn_lesion
from monai_cars.teachers import Localiser

DRAWN = 0.5  # probability from which on a pixel belongs to a mask


@dataclass(frozen=True)
class SegmenterAgrees:
    """Dice of a segmenter's mask of the finding with the intended lesion (LGESynthNet, arXiv 2603.18356).

    Args:
        segmenter: gives the probability of the finding at each pixel, as a :class:`monai_cars.teachers.Localiser` does.
        threshold: LGESynthNet keeps an image from 0.6 on.
        of: an insertion: "change" compares what the segmenter newly draws, so that lesions that the film had elsewhere
            cost nothing; "after" compares its whole mask. Of a deletion what it no longer draws is compared.

    Raises:
        ValueError: another `of`.

    Example:
        >>> from monai_cars.teachers import SegmenterLocaliser
        >>> SegmenterAgrees(SegmenterLocaliser("bright", lambda film: film[0])).threshold
        0.6
    """

    segmenter: Localiser
    threshold: float = 0.6
    of: Literal["change", "after"] = "change"
    name: str = "segmenter_agrees"

    def __post_init__(self) -> None:
        check_of(self.of)

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        if context.edit.operation == "sham":
            return replace(unavailable(self.name, "a sham asks for no finding", self.threshold), code="nothing_asked")
        lesion = drawn_lesion(before, context)
        if not lesion.any():
            return unavailable(self.name, "no lesion was drawn", self.threshold)
        was, now = (found >= DRAWN for found in opacity_maps(self.segmenter, before, after, context))
        if context.edit.operation == "delete":
            drawn = was & ~now
        else:
            drawn = now if self.of == "after" else now & ~was
        value = float(compute_dice(drawn[None, None], lesion[None, None], ignore_empty=False))
        reason = f"{self.segmenter.name} drew another lesion: Dice {value:.2f}"
        return judged(self.name, value, self.threshold, at_most=False, reason=reason)


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
