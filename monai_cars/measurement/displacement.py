"""STUB: owner replaces."""

from __future__ import annotations

from monai_cars.measurement.change import Change
from monai_cars.severity import Quantity


def fracture_displacement(change: Change) -> Quantity | None:
    """STUB."""
    return None
