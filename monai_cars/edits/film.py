"""The film's one home: its values, anatomy, scale and unit, what is known of it, and what was worked out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from monai_cars.edits.edit import Earlier
from monai_cars.files.header import Header


class Unit(Protocol):
    """The contrast unit of a film: amplitudes of edits are told in it, so that they mean the same on every film."""

    @property
    def value(self) -> float:
        """One unit in the image's own values."""
        ...

    @property
    def zero(self) -> float:
        """The image's value at zero units."""
        ...

    @property
    def share(self) -> float:
        """One unit over the film's P1-P99 range."""
        ...

    def __hash__(self) -> int:
        """What was worked out of a film is remembered by its unit."""
        ...


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
    unit: Unit
    spacing: tuple[float, float] | None
    earlier: tuple[Earlier, ...] = ()
