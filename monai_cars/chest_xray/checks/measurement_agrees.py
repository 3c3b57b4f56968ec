"""What heart and lungs measure after an edit must fit what was asked for, and nothing else may have changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import SIDES
from monai_cars.chest_xray.measurement.readings import AERATED, Lungs, sizes
from monai_cars.findings.chest_xray import HEART_HIDDEN
from monai_cars.findings.registry import finding_of
from monai_cars.findings.scale import OPACIFIED
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable

# What a finding may say that it is measured as.
HEART, FLUID, OPACITY, AIR = "heart size", "fluid height", "opacified area", "aerated lung"
# 75th percentiles between two films of one patient, rounded up (tests/benchmarks/repeat_measurements.py); higher ones
# hold years of disease.
CTR = 0.06
FIELD = 0.25  # log of a lung field's area
SLACK = 0.03  # of a field: what smoothing over 3 mm moves along the border of a lesion
HALF = 0.5  # of what was asked, by which a segmenter may underrate a heart that it has seldom seen as large
AREA = 0.3  # of the lesion's area
HEIGHT = 0.06  # of the field's rows, 1.5 cm


@dataclass(frozen=True)
class Expected:
    """A quantity that was found and the interval that it may lie in.

    Example:
        >>> Expected("height of right fluid", 0.75, 0.0, 1.0).excess
        0.5
    """

    quantity: str
    found: float
    low: float
    high: float

    @property
    def excess(self) -> float:
        """Distance from the interval's middle over half its length: 1 at its ends."""
        return abs(self.found - (self.low + self.high) / 2) / ((self.high - self.low) / 2)


@dataclass(frozen=True)
class MeasurementAgrees:
    """Worst quantity, as its distance from what is expected over what is tolerated (1 is just tolerated).

    Where :class:`monai_cars.gates.SeverityAgrees` compares the one amount that was asked for, this reads the film anew.
    From masks that the context's segmenter draws on the edited film: the cardiothoracic ratio has moved by half to one
    and a half of what was asked of a heart, and by no more than between two films of one patient under any other
    finding; the lung fields, which are whole fields, are as large as before. In closed form, on each side, in the
    masks and the unit of the film before: the aerated share falls by what an inserted effusion's lesion covers of
    aerated lung, falls by no more than the lesion under an opacity, does not fall under pleural air, does not fall
    when an opacity is deleted, and never changes by more than the lesion takes; inserted fluid rises as high as its
    lesion, and an inserted opacity lies where its lesion says. Under a sham all of it stays.

    Args:
        threshold: largest excess.
        resegment: draw the masks before the edit with the same segmenter too; needed where another one placed the edit.

    Example:
        >>> MeasurementAgrees().name
        'measurement_agrees'
    """

    threshold: float = 1.0
    resegment: bool = False
    name: str = "measurement_agrees"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        if context.unit.value == 0:
            return unavailable(self.name, "the film has no contrast unit", self.threshold)
        expected = self._by_masks(before, after, context) + in_closed_form(before, after, context)
        if not expected:
            return unavailable(self.name, "a heart is measured in new masks: give the gate a segmenter", self.threshold)
        worst = max(expected, key=lambda e: (e.excess != e.excess, e.excess))  # not-a-number is worst
        reason = f"{worst.quantity}: {worst.found:.3f}, expected {worst.low:.3f} to {worst.high:.3f}"
        return judged(self.name, worst.excess, self.threshold, at_most=True, reason=reason)

    def _by_masks(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> list[Expected]:
        masks, segmenter = context.anatomy_after(after), context.segmenter
        if masks is None or segmenter is None:
            return []
        anatomy = context.once("masks before", lambda: segmenter(before.clone())) if self.resegment else context.anatomy
        was, now = sizes(anatomy), sizes(masks)
        hidden = context.edit.operation != "sham" and HEART_HIDDEN in finding_of(context.edit.finding).changes
        seen = was.cardiothoracic == was.cardiothoracic and not hidden
        hearts = [heart(was.cardiothoracic, now.cardiothoracic, context)] if seen else []
        fields = [
            Expected(f"log change of the {side} lung field", float(np.log(max(new, 1.0) / old)), -FIELD, FIELD)
            for side, old, new in zip(SIDES, was.fields, now.fields, strict=True)
            if old > 0
        ]
        return hearts + fields


def heart(was: float, now: float, context: Context) -> Expected:
    """The cardiothoracic ratio that an edit leaves, from the one before and the one asked for."""
    asked = context.asked
    if _measured_as(context) != HEART or context.edit.operation == "sham" or asked is None:
        return Expected("cardiothoracic ratio", now, was - CTR, was + CTR)
    allowed = max(HALF * abs(asked.value - was), CTR / 2)
    return Expected("cardiothoracic ratio", now, asked.value - allowed, asked.value + allowed)


def in_closed_form(before: torch.Tensor, after: torch.Tensor, context: Context) -> list[Expected]:
    """What is read off both films in the masks and the contrast unit of the film before."""
    lungs = Lungs(context.anatomy, context.unit)
    was, now = lungs.density(before), lungs.density(after)
    lesion = lungs.on_grid(_full(context))
    inserted = context.edit.operation == "insert"
    kind = _measured_as(context)
    opacified = ndi.uniform_filter(now - was, 3) > OPACIFIED
    found: list[Expected] = []
    for number, side in enumerate(SIDES):
        change = lungs.aerated(now, number) - lungs.aerated(was, number)
        if kind != HEART:
            low, high = _aerated(lungs.share(lesion, number), lungs.share(lesion & (was < AERATED), number), context)
            found.append(Expected(f"change of the {side} lung's aerated share", change, low, high))
        if inserted and kind == FLUID and lungs.share(lesion, number) > 0:
            height = lungs.height(lesion, number)
            got = lungs.height(opacified, number)
            found.append(Expected(f"height of {side} fluid", got, height - HEIGHT, height + HEIGHT))
    if inserted and kind == OPACITY:
        free = lungs.free[0] | lungs.free[1]
        differing = float(((opacified ^ lesion) & free).sum()) / max(int((lesion & free).sum()), 1)
        found.append(Expected("opacified area beside the lesion's, over it", differing, -AREA, AREA))
    return found


def _aerated(lesion: float, covered: float, context: Context) -> tuple[float, float]:
    """Interval of the aerated share's change: the lesion's share of a field, and its aerated part's, both before."""
    kind, operation = _measured_as(context), context.edit.operation
    if operation == "sham":
        return -SLACK, SLACK
    if operation == "insert" and kind == FLUID:
        return -covered - SLACK, -HALF * covered + SLACK
    falls = (operation == "insert") == (kind in (FLUID, OPACITY))
    if kind in (FLUID, OPACITY, AIR):
        return (-lesion - SLACK, SLACK) if falls else (-SLACK, lesion + SLACK)
    return -lesion - SLACK, lesion + SLACK


def _measured_as(context: Context) -> str | None:
    return finding_of(context.edit.finding).judged.measured_as


def _full(context: Context) -> torch.Tensor:
    """(H, W) bool lesion on the film."""
    full = torch.zeros(context.anatomy.shape[1:], dtype=torch.bool)
    full[context.box.slices] = context.lesion.cpu() > 0
    return full
