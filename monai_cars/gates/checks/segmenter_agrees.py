"""A plugged-in segmenter must draw what the edit asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from monai.metrics import compute_dice

from monai_cars.gates.answers import DRAWN, opacity_maps
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable
from monai_cars.gates.intended import check_of, drawn_lesion
from monai_cars.teachers import Localiser


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
