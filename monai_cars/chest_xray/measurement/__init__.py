"""Measure what an edit changed, from the film before and after; the proposal is never seen."""

from monai_cars.chest_xray.measurement.change import Change
from monai_cars.chest_xray.measurement.measure import MEASURES, measure

__all__ = ["MEASURES", "Change", "measure"]
