"""What a measurement may look at: the film before and after an edit, never the proposal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from monai_cars.chest_xray.anatomy import STRUCTURES
from monai_cars.edits.film import Unit


@dataclass(frozen=True)
class Change:
    """A film before and after an edit.

    Args:
        before: (H, W) film before the edit, bright = dense, upright.
        after: (H, W) film after it.
        anatomy: (S, H, W) uint8 masks before the edit.
        unit: contrast unit of the film before the edit.
        spacing: mm per pixel (row, column), None when unknown.
        operation: ``"insert"`` or ``"delete"``.
        finding: key of SEVERITY.
    """

    before: torch.Tensor
    after: torch.Tensor
    anatomy: torch.Tensor
    unit: Unit
    spacing: tuple[float, float] | None
    operation: str
    finding: str

    @cached_property
    def gain(self) -> np.ndarray:
        """(H, W) contrast units that the finding added: after - before, for a deletion before - after."""
        sign = -1.0 if self.operation == "delete" else 1.0
        return (sign / self.unit.value) * (self.after - self.before).float().cpu().numpy()

    @cached_property
    def films(self) -> tuple[np.ndarray, np.ndarray]:
        """The film (H, W) without the finding and with it, in contrast units above aerated lung."""
        pair = [((film.float() - self.unit.zero) / self.unit.value).cpu().numpy() for film in (self.before, self.after)]
        return (pair[1], pair[0]) if self.operation == "delete" else (pair[0], pair[1])

    @cached_property
    def masks(self) -> np.ndarray:
        """(S, H, W) bool masks before the edit."""
        return self.anatomy.cpu().numpy().astype(bool)

    def structure(self, name: str) -> np.ndarray:
        """(H, W) bool mask of one structure."""
        return self.masks[STRUCTURES.index(name)]
