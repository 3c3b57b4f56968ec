"""STUB: owner replaces."""

from __future__ import annotations

from monai_cars.measurement.change import Change
from monai_cars.severity import Quantity


def share_beyond_line(change: Change) -> Quantity | None:
    """STUB."""
    return None


def share_without_markings(change: Change) -> Quantity | None:
    """STUB."""
    return None
