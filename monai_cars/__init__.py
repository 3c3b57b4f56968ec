"""Counterfactual radiographs as MONAI transforms and MONAI Bundles."""

from monai_cars import _moved

__version__ = "0.1.0"
_moved.install()
