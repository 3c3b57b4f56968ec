"""STUB: owner replaces."""

from __future__ import annotations

import torch

from monai_cars.edit import CannotEdit, Edit, Proposal
from monai_cars.editors.canvas import Canvas


def insert_edema(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """STUB."""
    raise CannotEdit("not drawn yet")
