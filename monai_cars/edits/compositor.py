"""The only writer of pixels."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from monai_cars.echo import echo
from monai_cars.edits.box import Box
from monai_cars.edits.edit import CannotEdit, Proposal
from monai_cars.files.header import Header

KNEE = 0.7  # share of the headroom up to which a residual is added as it is


@dataclass(frozen=True)
class Composite:
    """A film with a proposal written into it.

    Args:
        image: (1, H, W) or (1, D, H, W) float32.
        clipped_share: share of the support in which the residual was compressed by more than a tenth.
    """

    image: torch.Tensor
    clipped_share: float


def check_proposal(proposal: Proposal, image: torch.Tensor, editor: str) -> None:
    """Refuse a proposal that cannot be written.

    Args:
        proposal: of an editor, which may be anybody's.
        image: (1, H, W) or (1, D, H, W) the film.
        editor: its name, for the message.

    Raises:
        ValueError: a box outside the film, arrays of another shape than the box, or masks that are not bool.
        CannotEdit: the residual is not finite within the support.
    """
    box, shape = Box(*proposal.box), tuple(image.shape[1:])
    if len(box.stop) != len(shape) or any(
        not 0 <= start < stop <= size for start, stop, size in zip(box.start, box.stop, shape, strict=True)
    ):
        raise ValueError(f"the editor {editor!r}: its box must lie within the film of shape {shape}, got {echo(box)}")
    for name, part in (("residual", proposal.residual), ("support", proposal.support), ("lesion", proposal.lesion)):
        if tuple(part.shape) != box.shape:
            raise ValueError(
                f"the editor {editor!r}: its {name} must have the box's shape {box.shape}, got {part.shape}"
            )
        if name != "residual" and part.dtype != torch.bool:
            raise ValueError(f"the editor {editor!r}: its {name} must be bool, got {part.dtype}")
    if not bool(torch.isfinite(proposal.residual[proposal.support]).all()):
        raise CannotEdit(f"the editor {editor!r} proposed values that are not finite")


def compose(image: torch.Tensor, proposal: Proposal, unit: float, *, header: Header) -> Composite:
    """Write a proposal into a film: ``after = before + residual * unit`` inside the support, a copy outside.

    Near the ends of the film's range the residual is compressed: above ``k = 0.7`` of the headroom ``h`` it becomes
    ``k h + (1 - k) h (1 - exp(-(r - k h) / ((1 - k) h)))``; integers stay integers.

    Args:
        image: (1, H, W) or (1, D, H, W) float32.
        proposal: the residual in contrast units with its support.
        unit: the contrast unit in the image's values.
        header: the film's range and whether its values are integers.

    Returns:
        The new film; the input is not changed.
    """
    before = image[0][proposal.box.slices]
    support = proposal.support.to(image.device)
    residual = proposal.residual.to(image.device) * unit
    low, high = _range(image, header)
    headroom = torch.where(residual > 0, high - before, before - low).clamp_min(0)
    written = torch.sign(residual) * _compressed(residual.abs(), headroom)
    after = before + written
    if header.integer:
        after = after.round().clamp(low, high)
    result = image.clone()
    result[0][proposal.box.slices] = torch.where(support, after, before)
    squeezed = support & (residual.abs() - written.abs() > 0.1 * residual.abs())
    return Composite(result, float(squeezed.sum() / support.sum().clamp_min(1)))


def _range(image: torch.Tensor, header: Header) -> tuple[float, float]:
    if header.integer:
        return header.low, header.high
    return float(image.min()), float(image.max())


def _compressed(size: torch.Tensor, headroom: torch.Tensor) -> torch.Tensor:
    knee = KNEE * headroom
    rest = (headroom - knee).clamp_min(1e-12)
    return torch.where(size <= knee, size, knee + rest * (1 - torch.exp(-(size - knee) / rest)))
