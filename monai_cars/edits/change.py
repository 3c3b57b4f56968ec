"""What a measurement may look at: the film before and after an edit, never the proposal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from monai_cars.edits.film import Film, OfFilm


@dataclass(frozen=True)
class Change(OfFilm):
    """A film before and after an edit.

    Args:
        film: before the edit, upright, with its anatomy, unit and scale.
        image: (1, H, W) or (1, D, H, W) after it.
        operation: ``"insert"`` or ``"delete"``.
        finding: key of SEVERITY.
    """

    film: Film
    image: torch.Tensor
    operation: str
    finding: str

    @property
    def before(self) -> torch.Tensor:
        """(H, W) or (D, H, W) film before the edit."""
        return self.film.image[0]

    @property
    def after(self) -> torch.Tensor:
        """(H, W) or (D, H, W) film after it."""
        return self.image[0]

    @cached_property
    def gain(self) -> np.ndarray:
        """Contrast units that the finding added: after - before, for a deletion before - after."""
        sign = -1.0 if self.operation == "delete" else 1.0
        return (sign / self.unit.value) * (self.after - self.before).float().cpu().numpy()

    @cached_property
    def films(self) -> tuple[np.ndarray, np.ndarray]:
        """The film without the finding and with it, in contrast units above zero."""
        pair = [((film.float() - self.unit.zero) / self.unit.value).cpu().numpy() for film in (self.before, self.after)]
        return (pair[1], pair[0]) if self.operation == "delete" else (pair[0], pair[1])

    @cached_property
    def masks(self) -> np.ndarray:
        """(S, ...) bool masks before the edit."""
        return self.anatomy.cpu().numpy().astype(bool)
