"""Ribs and diaphragm."""
