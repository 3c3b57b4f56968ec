"""Diffusion models that repaint a part of a chest film: where, with which words, by which model."""
