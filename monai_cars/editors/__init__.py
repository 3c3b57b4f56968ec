"""Editors propose; only :func:`monai_cars.counterfactual.compose` writes pixels."""

from monai_cars.editors.attenuation import AttenuationEditor
from monai_cars.editors.contract import Editor, Film

__all__ = ["AttenuationEditor", "Editor", "Film"]
