"""Devices over the edited place must stand out as before, burnt-in marks must not change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi
from torch.nn import functional

from monai_cars.chest_xray.anatomy.devices import Devices
from monai_cars.chest_xray.editors.canvas.protected import devices_of
from monai_cars.gates.contract import CheckResult, Context, judged

LEAST_MM2 = 15.0  # of a line that must lie in the support to be judged
VISIBLE = 0.06  # contrast units over both sides; a fainter line cannot be judged against the grain
BESIDE = 7  # pixels; window around a line's pixels that holds what lies beside it


@dataclass(frozen=True)
class DevicesPreserved:
    """Least share of its contrast that a device within the support keeps; a film without devices passes.

    ``value = min over lines (on - beside after) / (on - beside before)``, 0 where a fixed mark (text, metal) changed.

    Args:
        threshold: least share.

    Example:
        >>> DevicesPreserved().name
        'devices_preserved'
    """

    threshold: float = 0.7
    name: str = "devices_preserved"

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        devices = devices_of(context.film)
        if _marks_changed(before[0], after[0], devices):
            return judged(self.name, 0.0, self.threshold, at_most=False, reason="a burnt-in mark or metal changed")
        kept = _least_kept(before[0], after[0], context, devices)
        reason = f"a tube or wire keeps {kept:.0%} of its contrast"
        return judged(self.name, kept, self.threshold, at_most=False, reason=reason)


def _marks_changed(before: torch.Tensor, after: torch.Tensor, devices: Devices) -> bool:
    if not devices.fixed.any():
        return False
    changed = before != after
    fixed = torch.from_numpy(devices.fixed).to(changed.device)
    fixed = fixed.repeat_interleave(devices.factor, 0).repeat_interleave(devices.factor, 1)
    return bool((changed & fixed[: changed.shape[0], : changed.shape[1]]).any())


def _least_kept(before: torch.Tensor, after: torch.Tensor, context: Context, devices: Devices) -> float:
    """Smallest ratio of contrasts over the lines in the support, at most 1; 1 where there is none."""
    if not devices.lines.any():
        return 1.0
    support = torch.zeros(before.shape, device=before.device)
    support[context.box.slices] = context.support.to(support)
    inside = _pooled(support, devices.factor) > 0.5
    rows, columns = np.nonzero(inside & (devices.lines > 0))
    if not len(rows):
        return 1.0
    window = tuple(slice(max(int(p.min()) - BESIDE, 0), int(p.max()) + BESIDE + 1) for p in (rows, columns))
    inside, lines = inside[window], devices.lines[window]
    ring = np.where(lines == 0, ndi.grey_dilation(lines, size=BESIDE), 0)
    numbers = np.unique(lines[inside & (lines > 0)])
    films = [_pooled(film.float(), devices.factor)[window] / context.unit.value for film in (before, after)]
    area = ndi.sum_labels(inside, lines, numbers) / devices.mm**2
    was, now = (_contrast(film, lines * inside, ring * inside, numbers) for film in films)
    judge = (area >= LEAST_MM2) & (was > VISIBLE) & np.isfinite(now)
    return float(np.clip((now[judge] / was[judge]).min(initial=1.0), 0.0, 1.0))


def _contrast(film: np.ndarray, lines: np.ndarray, ring: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Mean on each line minus mean beside it; not a number where nothing lies beside."""
    on, pixels = (ndi.sum_labels(values, lines, numbers) for values in (film, np.ones_like(film)))
    by, beside = (ndi.sum_labels(values, ring, numbers) for values in (film, np.ones_like(film)))
    known = (pixels > 0) & (beside > 0)
    return np.where(known, on / np.maximum(pixels, 1) - by / np.maximum(beside, 1), np.nan)


def _pooled(array: torch.Tensor, factor: int) -> np.ndarray:
    if factor == 1:
        return array.cpu().numpy()
    pooled = functional.avg_pool2d(array[None, None], factor, ceil_mode=True, count_include_pad=False)
    return pooled[0, 0].cpu().numpy()
