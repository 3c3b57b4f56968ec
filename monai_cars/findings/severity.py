"""The scale of severity of every finding that is known, by its name: a view of the registry."""

from __future__ import annotations

from monai_cars.findings.registry import ALIASES, SEVERITY, canonical
from monai_cars.findings.scale import OPACIFIED, Quantity, Severity

__all__ = ["ALIASES", "OPACIFIED", "SEVERITY", "Quantity", "Severity", "canonical"]
