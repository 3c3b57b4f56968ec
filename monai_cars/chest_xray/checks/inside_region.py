"""A finding that lies outside the lungs must lie where such findings lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import STRUCTURES
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable

GRID = 256  # pixels on the shorter side: a region's border needs no more
# A hilum lies a third of the field from the spine, about 35 mm from the gap; its shadow is up to 50 mm wide.
REACH_MM = {"hilum": 65.0, "mediastinum": 50.0, "heart": 50.0, "diaphragm": 40.0, "thorax": 30.0}


@dataclass(frozen=True)
class InsideRegion:
    """Share of the change (by attenuation) that lies within a region of the thorax.

    Regions are drawn from the masks alone: ``"hilum"`` and ``"mediastinum"`` reach from the gap between the lung fields
    into them, ``"heart"`` from the cardiac silhouette, ``"diaphragm"`` up and down from the lower borders of the
    fields, ``"thorax"`` is the hull of both fields and a margin.

    Args:
        region: one of REACH_MM.
        threshold: least share.

    Raises:
        ValueError: an unknown region.

    Example:
        >>> InsideRegion("heart").name
        'inside_region'
    """

    region: str
    threshold: float = 0.90
    name: str = "inside_region"

    def __post_init__(self) -> None:
        if self.region not in REACH_MM:
            raise ValueError(f"region must be one of {', '.join(REACH_MM)} (got {self.region!r})")

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        step = max(1, min(before.shape[1:]) // GRID)
        change = (after[0] - before[0]).abs().cpu().numpy()
        if not change.any():
            return unavailable(self.name, "nothing changed", self.threshold)
        region = _region(context.anatomy[:, ::step, ::step].cpu().numpy() > 0, self.region, context.millimetre / step)
        total = change[::step, ::step]
        value = float(total[region].sum() / max(total.sum(), 1e-9)) if total.any() else 1.0
        reason = f"{1 - value:.0%} of the change is not at the {self.region}"
        return judged(self.name, value, self.threshold, at_most=False, reason=reason)


def _region(masks: np.ndarray, region: str, mm: float) -> np.ndarray:
    lungs, heart = masks[0] | masks[1], masks[STRUCTURES.index("heart")]
    reach = REACH_MM[region] * mm
    if region == "heart":
        core = heart
    elif region == "thorax":
        core = _between(lungs)
    elif region == "diaphragm":
        core = _lower_border(masks[0]) | _lower_border(masks[1])
    else:
        core = _between(lungs) & ~lungs
    return ndi.distance_transform_edt(~core) <= reach if core.any() else np.zeros_like(lungs)


def _between(lungs: np.ndarray) -> np.ndarray:
    """Every row filled from the first to the last pixel of the lung fields."""
    first = np.maximum.accumulate(lungs, axis=1)
    return first & np.maximum.accumulate(lungs[:, ::-1], axis=1)[:, ::-1]


def _lower_border(field: np.ndarray) -> np.ndarray:
    return field & ~np.roll(field, -1, axis=0)
