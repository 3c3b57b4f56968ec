"""STUB: owner replaces."""

from __future__ import annotations

from monai_cars.measurement.change import Change
from monai_cars.severity import Quantity


def cardiothoracic(change: Change) -> Quantity | None:
    """STUB."""
    return None


def mediastinal_widening(change: Change) -> Quantity | None:
    """STUB."""
    return None
