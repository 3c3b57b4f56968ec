"""An independent localiser's peak must lie at the intended place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from monai_cars.gates.contract import CheckResult, Context, judged
from monai_cars.gates.intended import LEAST, AsksLocaliser, Intended, check_of
from monai_cars.teachers import Localiser


@dataclass(frozen=True)
class PeakInside(AsksLocaliser):
    """Whether a localiser's peak lies within the intended lesion: the highest value there over the highest of the film.

    1 when it does. Of an insertion the peak of what is new is meant (with ``of="after"`` that of the edited film), of a
    deletion the peak of what went. A peak below `least` is none: it is then held against `least`.

    Args:
        localiser: an independent one.
        threshold: 1 asks that no place outside is higher.
        of: an insertion: "change", or "after".
        margin_mm: around the lesion's boxes, for a localiser's coarse grid.
        least: height from which on a peak counts in full.

    Raises:
        ValueError: another `of`.

    Example:
        >>> from monai_cars.teachers import SegmenterLocaliser
        >>> PeakInside(SegmenterLocaliser("bright", lambda film: film[0])).threshold
        1.0
    """

    localiser: Localiser
    threshold: float = 1.0
    of: Literal["change", "after"] = "change"
    margin_mm: float = 10.0
    least: float = LEAST
    name: str = "peak_inside"

    def __post_init__(self) -> None:
        check_of(self.of)

    def judge(self, asked: Intended, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.intended.AsksLocaliser`."""
        deleted = context.edit.operation == "delete"
        came = asked.was - asked.now if deleted else asked.now - asked.was
        seen = asked.now if self.of == "after" and not deleted else np.maximum(came, 0)
        value = float(seen[asked.region].max()) / max(float(seen.max()), self.least)
        reason = f"{self.localiser.name} sees most outside the lesion, or hardly anything"
        return judged(self.name, value, self.threshold, at_most=False, reason=reason)
