"""An edit must not leave an edge where its support ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.gates.contract import CheckResult, Context, judged, unavailable


@dataclass(frozen=True)
class NoSeam:
    """Step that the change makes at the support's border, in units of the film's own texture there.

    ``value = P90 |change| on the support's outermost pixels / median |neighbour difference| of the film there``.
    A hard paste of a visible opacity scores above 5; the feather of an editor scores near 0.

    Args:
        threshold: largest allowed step.

    Example:
        >>> NoSeam().threshold
        1.0
    """

    threshold: float = 1.0
    name: str = "no_seam"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        rows, columns = context.box.slices
        support = context.support.cpu().numpy()
        ring = support & ~ndi.binary_erosion(np.pad(support, 1))[1:-1, 1:-1]
        if not ring.any():
            return unavailable(self.name, "the support is empty", self.threshold)
        film = before[0, rows, columns].cpu().numpy()
        step = np.abs(after[0, rows, columns].cpu().numpy() - film)[ring]
        texture = np.maximum(
            np.abs(np.diff(film, axis=1, append=film[:, -1:])), np.abs(np.diff(film, axis=0, append=film[-1:]))
        )
        near = ndi.binary_dilation(ring, iterations=3)
        # A film with flat areas has no texture of its own: a hundredth of the contrast unit is never seen.
        scale = max(float(np.median(texture[near])), 0.01 * context.unit.value)
        value = float(np.percentile(step, 90)) / scale
        return judged(self.name, value, self.threshold, at_most=True, reason="the change ends in a visible step")
