"""The frontal chest radiograph: anatomy, editors, measurements, checks and teacher."""
