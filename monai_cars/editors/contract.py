"""What every editor receives and returns, whether it draws by rule, by diffusion or by Stable Diffusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from monai_cars.anatomy import ContrastUnit
from monai_cars.edit import Earlier, Edit, Proposal
from monai_cars.radiograph import Header


@dataclass(frozen=True)
class Film:
    """A film as an editor receives it: upright, with everything that was measured before the edit.

    Args:
        image: (1, H, W) float32, bright = dense, patient's right on the image's left, head up.
        header: what is known of the film besides its pixels.
        unit: contrast unit, frozen for this edit.
        spacing: mm per pixel (row, column), from the header or estimated from the anatomy; None when unknown.
        earlier: accepted edits that the image already carries.
    """

    image: torch.Tensor
    header: Header
    unit: ContrastUnit
    spacing: tuple[float, float] | None
    earlier: tuple[Earlier, ...] = ()


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
            anatomy: (S, H, W) uint8 masks in the order of ``monai_cars.anatomy.STRUCTURES``.
            edit: what is asked for.
            generator: the only source of randomness.

        Raises:
            CannotEdit: the edit is not possible on this film; the reason goes into the record.
        """
        ...
