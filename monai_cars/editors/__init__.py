"""Editors propose; only :func:`monai_cars.edits.compositor.compose` writes pixels."""

from monai_cars._moved import moved_name
from monai_cars.editors.contract import Editor

__all__ = ["Editor"]


def __getattr__(name: str) -> object:
    """What lay here before organs had rooms of their own."""
    return moved_name(__name__, name)
