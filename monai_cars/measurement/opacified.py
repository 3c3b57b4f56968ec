"""Opacified share of the lung fields."""

from __future__ import annotations

from scipy import ndimage as ndi

from monai_cars.anatomy import STRUCTURES
from monai_cars.measurement.change import Change
from monai_cars.severity import OPACIFIED, Quantity

WORKING_SIZE = 512


def opacified_share(change: Change) -> Quantity:
    """Share of the lung field outside the heart that gained more than OPACIFIED contrast units; the larger side's."""
    return Quantity(max(_shares(change)), "fraction")


def opacified_share_of_both(change: Change) -> Quantity:
    """The same share of both lung fields, mean of the sides."""
    return Quantity(sum(_shares(change)) / 2, "fraction")


def _shares(change: Change) -> list[float]:
    gain = change.gain
    step = max(1, min(gain.shape) // WORKING_SIZE)
    masks = change.anatomy[:, ::step, ::step].cpu().numpy().astype(bool)
    gained = ndi.uniform_filter(gain, max(3, 2 * step + 1))[::step, ::step] > OPACIFIED
    shares = []
    for side in ("right_lung", "left_lung"):
        free = masks[STRUCTURES.index(side)] & ~masks[STRUCTURES.index("heart")]
        shares.append(float((gained & free).sum() / max(free.sum(), 1)))
    return shares
