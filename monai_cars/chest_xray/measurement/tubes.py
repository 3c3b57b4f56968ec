"""Length of the tubes and wires that an edit added or took away."""

from __future__ import annotations

from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy.line_length import line_length
from monai_cars.chest_xray.scale import working_step
from monai_cars.edits.change import Change
from monai_cars.findings.severity import Quantity


def device_length(change: Change) -> Quantity | None:
    """Length (mm) of the middle lines of everything thin and bright that came or went; None without a scale."""
    if change.spacing is None:
        return None
    step = working_step(change.gain.shape)
    mm = 2.0 / (change.spacing[0] + change.spacing[1]) / step
    gain = ndi.uniform_filter(change.gain, step)[step // 2 :: step, step // 2 :: step] if step > 1 else change.gain
    return Quantity(line_length(gain, mm), "mm")
