"""What disease in the air spaces adds to a film: haze that vessels are seen through, or filling that hides them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smoothstep
from monai_cars.chest_xray.editors.canvas.smooth_proposal import smooth_proposal
from monai_cars.chest_xray.editors.lung.parenchyma import Lung, opacified
from monai_cars.edits.edit import Proposal, Quantity

BRONCHOGRAM_IN = (0.28, 0.45)  # contrast units of filling between which a bronchus in it becomes visible
MARGIN_MM = 2.5  # width of the margin of a support in which nothing changes
FAINTEST = 0.004  # contrast units; less is no change


class Look(NamedTuple):
    """How air-space disease looks.

    Args:
        amount: contrast units that haze adds at its core, or the share of soft-tissue density that filling reaches;
            a number or (h, w).
        texture: (h, w) factor of mean 1.
        filling: optical depth at the core of filled air spaces: the higher, the evener the core and the sharper the
            rim; None for haze.
        hidden: share of the vessels' contrast that goes at the core.
        lumen: (h, w) air bronchograms in [0, 1], or None.
        contrast: contrast units by which a bronchogram is darker.
    """

    amount: float | np.ndarray
    texture: np.ndarray
    filling: float | None = None
    hidden: float = 0.2
    lumen: np.ndarray | None = None
    contrast: float = 0.0


def added(lung: Lung, profile: np.ndarray, look: Look) -> np.ndarray:
    """(h, w) residual in contrast units of disease whose extent is ``profile`` in [0, 1]."""
    if look.filling is not None:
        depth = 1.0 - np.exp(-look.filling * profile * look.texture)
        gain = look.amount * lung.room * depth
    else:
        depth, wanted = profile, look.amount * profile * look.texture
        # It rises more slowly the nearer it comes to soft tissue, and never passes it.
        gain = lung.open * wanted / np.sqrt(1.0 + (wanted / np.maximum(lung.depth, 1e-3)) ** 2)
    if look.lumen is not None:
        low, high = BRONCHOGRAM_IN
        gain = gain - look.contrast * look.lumen * smoothstep((gain - low) / (high - low))
    return gain - look.hidden * depth * lung.open * lung.vessels


def opacity(
    canvas: Canvas,
    residual: np.ndarray,
    within: np.ndarray,
    asked: Quantity,
    *,
    lesion: np.ndarray | None = None,
    note: str = "",
    fine: float = 0.0,
) -> Proposal:
    """The proposal of a residual on the working grid.

    Args:
        canvas: the film.
        residual: (h, w) contrast units.
        within: (h, w) bool, the lung field or fields: nothing changes beyond.
        asked: amount aimed at.
        lesion: (h, w) bool, the finding; what the residual opacifies when None.
        note: for the record.
        fine: share of the detail above the working grid that the finding hides where it adds half of soft tissue.
    """
    changed = within & (np.abs(residual) > FAINTEST)
    # A margin in which nothing changes yet: a fissure is sharp, the support's border must not lie on it.
    support = within & (ndi.distance_transform_edt(~changed) <= max(3.0, MARGIN_MM * canvas.feature))
    hidden = -fine * np.clip(residual / 0.5, 0.0, 1.0)
    return smooth_proposal(
        canvas,
        np.where(changed, residual, 0.0),
        support,
        (opacified(residual) if lesion is None else lesion) & support,
        asked=asked,
        note=note,
        fine=hidden,
        low=canvas.u,
    )


def advance(generator: torch.Generator) -> None:
    """Pass over the number of the stream from which these findings once drew their severity.

    The same seed goes on giving the same film.
    """
    torch.rand((), generator=generator)
