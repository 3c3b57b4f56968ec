"""Length of the tubes and wires that an edit added or took away."""

from __future__ import annotations

from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy.line_length import line_length
from monai_cars.chest_xray.measurement.change import Change
from monai_cars.findings.severity import Quantity

WORKING_SIZE = 512


def device_length(change: Change) -> Quantity | None:
    """Length (mm) of the middle lines of everything thin and bright that came or went; None without a scale."""
    if change.spacing is None:
        return None
    step = max(1, min(change.gain.shape) // WORKING_SIZE)
    mm = 2.0 / (change.spacing[0] + change.spacing[1]) / step
    gain = ndi.uniform_filter(change.gain, step)[step // 2 :: step, step // 2 :: step] if step > 1 else change.gain
    return Quantity(line_length(gain, mm), "mm")
