"""What every editor receives and returns, whether it draws by rule, by diffusion or by Stable Diffusion."""

from __future__ import annotations

from typing import Protocol

import torch

from monai_cars.edits.edit import Edit, Proposal
from monai_cars.edits.film import Film


class Editor(Protocol):
    """Proposes an edit as a residual in contrast units on a support; it never writes a pixel."""

    @property
    def name(self) -> str:
        """For the record."""
        ...

    @property
    def weights(self) -> str | None:
        """Name and hash of the weights it used, None when it has none."""
        ...

    def propose(self, film: Film, anatomy: torch.Tensor, edit: Edit, generator: torch.Generator) -> Proposal:
        """Propose one edit.

        Args:
            film: the film.
            anatomy: (S, H, W) uint8 masks in the order of the organ's structures.
            edit: what is asked for.
            generator: the only source of randomness.

        Raises:
            CannotEdit: the edit is not possible on this film; the reason goes into the record.
        """
        ...
