"""What the frontal chest radiograph brings to the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from monai_cars.chest_xray.anatomy import STRUCTURES, ContrastUnit, contrast_unit, load_segmenter
from monai_cars.chest_xray.editors.canvas.lesion import clean_lesion
from monai_cars.chest_xray.editors.canvas.protected import devices_of, protect, without_devices
from monai_cars.chest_xray.editors.choose import make_editor
from monai_cars.chest_xray.gate import default_gate
from monai_cars.chest_xray.measurement import measure_change
from monai_cars.chest_xray.orientation import held_against, recognise_axes
from monai_cars.chest_xray.scale import film_scale
from monai_cars.chest_xray.screening import require_frontal, require_whole, screened
from monai_cars.editors.contract import Editor
from monai_cars.edits.axes import ORDERS, Axes
from monai_cars.edits.change import Change
from monai_cars.edits.claim import UNHEARD, Claim
from monai_cars.edits.edit import Edit, Proposal, Quantity
from monai_cars.edits.film import Film, Scale, Unit
from monai_cars.files.header import Header
from monai_cars.findings.registry import finding_of
from monai_cars.gates.contract import Gate
from monai_cars.modality import Protection, Segmenter

COLOURS = {"right_lung": (76, 201, 220), "left_lung": (76, 201, 220), "heart": (255, 159, 67)}


@dataclass(frozen=True)
class ChestXray:
    """See `monai_cars.modality.Modality`.

    Example:
        >>> ChestXray().structures
        ('right_lung', 'left_lung', 'heart')
    """

    name: str = "chest_xray"
    structures: tuple[str, ...] = STRUCTURES
    colours: Mapping[str, tuple[int, int, int]] = field(default_factory=lambda: dict(COLOURS), hash=False)
    unit_means: str = "mediastinum minus aerated lung"
    dimensions: tuple[int, ...] = (2,)
    least_contrast: float = 0.08  # below it lung and mediastinum cannot be told apart
    weights: str | None = "cars_anatomy"

    def unit(self, image: torch.Tensor, anatomy: torch.Tensor) -> Unit:
        """Mediastinum minus aerated lung; not-a-number on a film that holds some."""
        if not bool(torch.isfinite(image.sum())):
            return ContrastUnit(*[float("nan")] * 4)
        return contrast_unit(image, anatomy)

    def scale(self, header: Header, anatomy: torch.Tensor) -> Scale:
        """The header's, else that of an adult's thorax."""
        return film_scale(header, anatomy)

    def lies(self, anatomy: torch.Tensor, otherwise: str) -> str:
        """Where lungs and heart lie."""
        return order_of_masks(anatomy, otherwise=otherwise)

    def orient(self, image: torch.Tensor, claim: Claim = UNHEARD, source: str = "the image") -> Axes:
        """By the orientation network, which sees the film once."""
        if not claim.orders:
            return recognise_axes(image)
        return held_against(screened(image, source=source), claim, source=source)

    def screen(self, image: torch.Tensor, source: str) -> None:
        """By the orientation network."""
        require_frontal(image, source=source)

    def screen_masks(self, anatomy: torch.Tensor, source: str) -> None:
        """By size and place of the lungs."""
        require_whole(anatomy, source=source)

    def segmenter(self, weights: Any, device: torch.device) -> Segmenter:
        """Both lung fields and the heart."""
        return load_segmenter(weights, device)

    def editor(self, name: str | None = None, weights: Any = None) -> Editor:
        """Findings drawn in attenuation, or by a diffusion model."""
        return make_editor(name, weights)

    def protect(self, film: Film, edit: Edit) -> Protection:
        """Tubes, wires, metal and burnt-in marks are kept; lesions get the border that a reader would draw."""
        devices = devices_of(film)
        own = not finding_of(edit.finding).judged.keeps_devices  # an edit of the devices themselves

        def settled(proposal: Proposal) -> Proposal:
            spared = protect(proposal, devices)
            # Tubes and wires are as thin as crumbs, and drawn exactly.
            return spared if own else clean_lesion(spared, devices.mm * devices.factor)

        return Protection(film if own else without_devices(film), settled)

    def measure(self, change: Change) -> Quantity | None:
        """As a reader would: diameters, shares of the lung field, the cardiothoracic ratio."""
        return measure_change(change)

    def gate(self, operation: str, finding: str, profile: str) -> Gate:
        """The finding's checks."""
        return default_gate(finding, operation, profile)


CHEST_XRAY = ChestXray()


def order_of_masks(anatomy: torch.Tensor, *, otherwise: str = "HW") -> str:
    """How a film lies in its array, read from where its lungs and heart lie; `otherwise` where a lung is missing.

    Example:
        >>> masks = torch.zeros(3, 9, 9)
        >>> masks[0, 2:6, 1:4] = masks[1, 2:6, 5:8] = masks[2, 5:8, 3:6] = 1
        >>> order_of_masks(masks), order_of_masks(masks.flip(-1)), order_of_masks(masks.mT)
        ('HW', 'HW-flip', 'WH')
    """
    right, left, heart = (_centre(anatomy[STRUCTURES.index(name)]) for name in ("right_lung", "left_lung", "heart"))
    if right is None or left is None:
        return otherwise
    across = left - right
    transposed = int(abs(across[0]) > abs(across[1]))
    flipped = int(across[1 - transposed] < 0)
    below = heart - (left + right) / 2 if heart is not None else np.ones(2)
    return ORDERS[flipped + 2 * int(below[transposed] < 0) + 4 * transposed]


def _centre(mask: torch.Tensor) -> np.ndarray | None:
    step = max(1, max(mask.shape) // 128)
    found = torch.as_tensor(mask)[::step, ::step].cpu().nonzero()
    return found.double().mean(0).numpy() if len(found) else None
