"""Measure what an edit changed, from the film before and after; the proposal is never seen."""

from monai_cars.chest_xray.measurement.measure import MEASURES, measure, measure_change
from monai_cars.edits.change import Change

__all__ = ["MEASURES", "Change", "measure", "measure_change"]
