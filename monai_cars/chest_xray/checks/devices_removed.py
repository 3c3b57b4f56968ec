"""After a deletion the path of a tube or wire must not be seen any more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi
from torch.nn import functional

from monai_cars.chest_xray.editors.canvas.protected import devices_of
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable

GRID = 512  # pixels on the shorter side
BESIDE = 4  # pixels from a device that count as beside it
PIECE = 4.0  # pixels; Gaussian over which on and beside are averaged, against grain
LEAST_WEIGHT = 0.02


@dataclass(frozen=True)
class DevicesRemoved:
    """Share of the devices' contrast that is left: ``mean |on - beside| after / mean |on - beside| before``.

    Both means are taken over short pieces, so a dark trace counts as a bright one does. Ribs and vessels differ from
    what lies beside them too: a path that no reader finds again scores 0.2 to 0.37.

    Args:
        threshold: largest share.

    Example:
        >>> DevicesRemoved().threshold
        0.45
    """

    threshold: float = 0.45
    name: str = "devices_removed"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        if not bool(context.lesion.any()):
            return unavailable(self.name, "no device was marked", self.threshold)
        step = max(1, min(before.shape[1:]) // GRID)
        lesion = torch.zeros(before.shape[1:])
        lesion[context.box.slices] = context.lesion.float().cpu()
        on = _pooled(lesion, step) > 0.5
        if not on.any():
            return unavailable(self.name, "the device is thinner than can be judged", self.threshold)
        beside = ndi.binary_dilation(on, iterations=BESIDE) & ~ndi.binary_dilation(on)
        lines = devices_of(context.film).lines
        if lines.shape == on.shape:
            beside &= lines == 0
        was, now = (_contrast(_pooled(film[0].float().cpu(), step), on, beside) for film in (before, after))
        value = now / max(was, 1e-9)
        return judged(self.name, value, self.threshold, at_most=True, reason=f"{value:.0%} of the device is still seen")


def _contrast(film: np.ndarray, on: np.ndarray, beside: np.ndarray) -> float:
    """Mean over the devices of the difference, up or down, between a short piece and what lies beside it."""
    near = _mean_around(film, on) - _mean_around(film, beside)
    known = on & (ndi.gaussian_filter(beside.astype(np.float32), PIECE) > LEAST_WEIGHT)
    return float(np.abs(near[known]).mean()) if known.any() else 0.0


def _mean_around(film: np.ndarray, mask: np.ndarray) -> np.ndarray:
    weight = ndi.gaussian_filter(mask.astype(np.float32), PIECE)
    return ndi.gaussian_filter(film * mask, PIECE) / np.maximum(weight, 1e-6)


def _pooled(array: torch.Tensor, step: int) -> np.ndarray:
    return functional.avg_pool2d(array[None, None], step, ceil_mode=True, count_include_pad=False)[0, 0].numpy()
