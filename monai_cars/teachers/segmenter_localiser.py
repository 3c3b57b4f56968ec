"""Segmenters as localisers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import interpolate

from monai_cars.teachers.contract import TeacherError


@dataclass(frozen=True)
class SegmenterLocaliser:
    """A localiser made of a segmenter: any callable that gives one mask, or one of several, at its own size.

    Args:
        name: for the record.
        function: film (1, H, W) -> (h, w) or (C, h, w) probabilities, resized to the film where they differ.
        data: what it was trained on, as "set" or "set:part".
        channel: which of several masks.
        sha256: of its file of weights, when it has one.

    Raises:
        TeacherError: in use, an answer that is no such mask, or no probability.

    Example:
        >>> half = SegmenterLocaliser("half", lambda film: torch.full((2, 2), 0.5))
        >>> half(torch.zeros(1, 4, 6), torch.zeros(3, 4, 6)).shape
        torch.Size([4, 6])
    """

    name: str
    function: Callable[[torch.Tensor], Any]
    data: frozenset[str] = frozenset()
    channel: int = 0
    sha256: str = ""

    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor) -> torch.Tensor:
        """See :class:`monai_cars.teachers.Localiser`."""
        with torch.no_grad():
            found = torch.as_tensor(self.function(film)).float()
        if found.ndim not in (2, 3) or (found.ndim == 3 and self.channel >= len(found)):
            raise TeacherError(
                f"{self.name!r} must give (h, w), or (C, h, w) with a channel {self.channel}, got {tuple(found.shape)}"
            )
        mask = found[self.channel] if found.ndim == 3 else found
        if not bool(((mask >= 0) & (mask <= 1)).all()):
            raise TeacherError(f"{self.name!r} must give probabilities in [0, 1]; apply a sigmoid or softmax")
        if mask.shape == film.shape[1:]:
            return mask
        return interpolate(mask[None, None], size=film.shape[1:], mode="bilinear", align_corners=False)[0, 0]
