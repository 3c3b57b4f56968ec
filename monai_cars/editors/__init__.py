"""Editors propose; only :func:`monai_cars.counterfactual.compose` writes pixels."""

from monai_cars.editors.attenuation import AttenuationEditor
from monai_cars.editors.choose import EDITORS, make_editor
from monai_cars.editors.contract import Editor, Film

__all__ = ["EDITORS", "AttenuationEditor", "Editor", "Film", "make_editor"]
