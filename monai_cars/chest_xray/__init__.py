"""The frontal chest radiograph: anatomy, editors, measurements, checks and teacher."""

BUNDLE = "cars_chest_xray"
"""The bundle that ships its weights, thresholds and configurations."""
