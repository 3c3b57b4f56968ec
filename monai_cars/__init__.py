"""Counterfactual radiographs as MONAI transforms and MONAI Bundles."""

__version__ = "0.1.0"
