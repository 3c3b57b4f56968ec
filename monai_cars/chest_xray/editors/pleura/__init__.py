"""Fluid and air in the pleural space."""
