"""Controls: changes that are not the finding, offered to a gate as if they were.

A pass rate means little beside nothing. Each control claims the finding, its severity and a lesion, and runs through
the same loop with the same number of attempts as a real edit: what a gate lets through of them it lets through wrongly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy import ndimage as ndi
from torch.nn import functional

from monai_cars.chest_xray.anatomy import STRUCTURES
from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.editors.canvas.canvas import smoothstep, uniform
from monai_cars.chest_xray.misplaced import THIRDS, Claim, abdomen, heart, shoulder, wrong_side, wrong_zone
from monai_cars.editors import Editor
from monai_cars.edits.edit import Box, CannotEdit, Edit, Proposal
from monai_cars.edits.film import Film
from monai_cars.findings.registry import finding_of

BLUR_MM, FEATHER_MM = 3.0, 2.0  # of the blur, and of soft borders
PASTED = 0.3  # contrast units: a plain consolidation
OFFERED: dict[str, str] = {
    "sham": "healthy lung redrawn",
    "blur": "the film blurred in the finding's own mask",
    "hard paste": "a constant density with a hard edge in the finding's own mask",
    "wrong side": "the finding, in the other lung than asked",
    "wrong zone": "the finding, in another third of the lung than asked",
    "shoulder": "the finding, moved beside the lung's top",
    "heart": "the finding, moved onto the heart and mediastinum",
    "abdomen": "the finding, moved below the diaphragm",
    "density in the heart": "more density inside an unchanged heart outline, as cardiomegaly",
}
MISPLACED = ("wrong side", "wrong zone", "shoulder", "heart", "abdomen")


@dataclass(frozen=True)
class ControlEditor:
    """An editor that offers a control as if it were the finding that it is asked for.

    Args:
        control: one of OFFERED.
        editor: makes the real proposals that controls are made of.

    Raises:
        ValueError: an unknown control; in use, one that does not suit the edit.

    Example:
        >>> ControlEditor("blur").name
        'control: blur'
    """

    control: str
    editor: Editor = field(default_factory=AttenuationEditor)

    def __post_init__(self) -> None:
        if self.control not in OFFERED:
            raise ValueError(f"control must be one of {', '.join(OFFERED)} (got {self.control!r})")

    @property
    def name(self) -> str:
        """For the record."""
        return f"control: {self.control}"

    @property
    def weights(self) -> str | None:
        """Of the editor that it uses."""
        return self.editor.weights

    def propose(self, film: Film, anatomy: torch.Tensor, edit: Edit, generator: torch.Generator) -> Proposal:
        """See :class:`monai_cars.editors.Editor`."""
        if not suits(self.control, edit):
            raise ValueError(
                f"the control {self.control!r} cannot be offered as {edit.operation} {edit.finding}: all but the blur "
                "need an insertion, the wrong side a side, the wrong zone a third of the lung, the density in the "
                "heart an enlarged heart"
            )
        claim = Claim(film, anatomy, edit, generator, self.editor)
        made = MAKERS[self.control](claim)
        asked = made.asked or (claim.asked if edit.operation == "insert" else None)
        return replace(made, asked=asked, note=OFFERED[self.control])


def suits(control: str, edit: Edit) -> bool:
    """Whether a control can be offered as an edit.

    Example:
        >>> suits("wrong side", Edit("insert", "nodule")), suits("wrong side", Edit("insert", "nodule", side="left"))
        (False, True)
    """
    if edit.operation != "insert":
        return control == "blur" and edit.operation == "delete"
    of_heart = finding_of(edit.finding).place.within == "heart"
    if control == "density in the heart" or of_heart:
        return control in ("density in the heart", "sham", "blur", "hard paste") and of_heart
    if control == "wrong zone":
        return edit.zone in THIRDS
    return control != "wrong side" or edit.side is not None


def _sham(claim: Claim) -> Proposal:
    made = claim.real(Edit("sham", claim.edit.finding, side=claim.edit.side, zone=claim.edit.zone))
    return replace(made, lesion=made.support)


def _blur(claim: Claim) -> Proposal:
    real = claim.real()
    size = BLUR_MM * claim.millimetre
    pad = int(3 * size) + 1
    tile, inner = _around(claim.units, real.box, pad)
    soft = torch.from_numpy(ndi.gaussian_filter(tile.cpu().numpy(), size))[inner].to(tile.device)
    ramp = torch.from_numpy(_ramp(real.support.cpu().numpy(), FEATHER_MM * claim.millimetre))
    residual = (soft - tile[inner]) * ramp.to(tile.device)
    return replace(real, residual=residual)


def _hard_paste(claim: Claim) -> Proposal:
    real = claim.real()
    inside = real.lesion if bool(real.lesion.any()) else real.support
    density = max(float(real.residual[inside.to(real.residual.device)].abs().median()), PASTED)
    return replace(real, residual=inside.to(real.residual) * density, support=inside, lesion=inside)


def _density_in_the_heart(claim: Claim) -> Proposal:
    outline = claim.anatomy[STRUCTURES.index("heart")] > 0
    if not bool(outline.any()):
        raise CannotEdit("no heart was found on this film")
    ramp = torch.from_numpy(_ramp(outline.cpu().numpy(), FEATHER_MM * claim.millimetre))
    strength = PASTED * uniform(0.7, 1.3, claim.generator)
    inside = ramp > 0
    return Proposal(Box(0, 0, *outline.shape), ramp * strength, inside, inside)


MAKERS: dict[str, Callable[[Claim], Proposal]] = {
    "sham": _sham,
    "blur": _blur,
    "hard paste": _hard_paste,
    "wrong side": wrong_side,
    "wrong zone": wrong_zone,
    "shoulder": shoulder,
    "heart": heart,
    "abdomen": abdomen,
    "density in the heart": _density_in_the_heart,
}


def _around(image: torch.Tensor, box: Box, pad: int) -> tuple[torch.Tensor, tuple[slice, slice]]:
    """A crop with `pad` pixels around it, the film's border repeated, and the box within it."""
    wide = functional.pad(image[None, None], (pad,) * 4, mode="replicate")[0, 0]
    tile = wide[box.y0 : box.y1 + 2 * pad, box.x0 : box.x1 + 2 * pad]
    return tile, (slice(pad, pad + box.y1 - box.y0), slice(pad, pad + box.x1 - box.x0))


def _ramp(mask: np.ndarray, width: float) -> np.ndarray:
    """(h, w) float32 from 0 on the outermost pixels of a mask to 1 from ``width`` pixels inward."""
    depth = ndi.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return smoothstep((depth - 1.0) / max(width, 1e-3)).astype(np.float32)
