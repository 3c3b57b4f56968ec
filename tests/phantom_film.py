"""The closed-form phantom as editors, checks and the loop receive it: with a header, a contrast unit and masks."""

from dataclasses import replace

import numpy as np
import torch
from phantom import Phantom, phantom

from monai_cars.chest_xray.anatomy import ContrastUnit, contrast_unit
from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.scale import usual_millimetre
from monai_cars.edits.edit import Box, CannotEdit, Edit, Proposal, Quantity
from monai_cars.edits.film import Film, Scale
from monai_cars.files.radiograph import Header
from monai_cars.gates import Context
from monai_cars.loop.counterfactual import Composite, compose

INSERTED = ("nodule", "mass", "consolidation", "effusion")
MILLIMETRES = Scale((1.0, 1.0), "datalist")
UNIT = ContrastUnit(value=100.0, mediastinum=100.0, aerated=0.0, share=0.5)


def drawn_header(film: Phantom, **changes) -> Header:
    """What is known of a phantom; its hash stays the same however the values are scaled, so that draws do too."""
    integer = bool((film.image == film.image.round()).all())
    low, high = float(film.image.min()), float(film.image.max())
    known = Header(
        "memory", "a" * 64, "tensor", integer=integer, low=low, high=high, spacing=film.spacing, position="erect"
    )
    return replace(known, **{"spacing_source": "datalist", **changes})


def drawn_film(film: Phantom, **changes) -> Film:
    header = drawn_header(film, **changes)
    usual = usual_millimetre(film.anatomy[:2].numpy() > 0)
    scale = Scale(header.spacing, header.spacing_source, usual)
    return Film(film.image, film.anatomy, header, contrast_unit(film.image, film.anatomy), scale)


def propose(film: Phantom, edit: Edit, *, draw: int = 0, **changes) -> Proposal:
    generator = torch.Generator().manual_seed(draw)
    return AttenuationEditor().propose(drawn_film(film, **changes), film.anatomy, edit, generator)


def written(film: Phantom, proposal: Proposal, **changes) -> Composite:
    seen = drawn_film(film, **changes)
    return compose(seen.image, proposal, seen.unit.value, header=seen.header)


def outside(proposal: Proposal, shape: torch.Size) -> torch.Tensor:
    """(H, W) bool, every pixel that a proposal must leave alone."""
    full = torch.ones(shape[-2:], dtype=torch.bool)
    full[proposal.box.slices] = ~proposal.support
    return full


def lesion_of(proposal: Proposal, film: Phantom) -> np.ndarray:
    """(H, W) bool, the lesion of a proposal where it lies on the film."""
    full = np.zeros(film.image.shape[-2:], bool)
    full[proposal.box.slices] = proposal.lesion.numpy()
    return full


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> torch.Tensor:
    """(H, W) bool disc."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return torch.from_numpy(np.hypot(y - centre[0], x - centre[1]) <= radius)


def context(
    edit: Edit,
    support: torch.Tensor,
    *,
    lesion: torch.Tensor | None = None,
    anatomy: torch.Tensor | None = None,
    asked: Quantity | None = None,
    measured: Quantity | None = None,
    unit: ContrastUnit = UNIT,
    segmenter=None,
    image: torch.Tensor | None = None,
    scale: Scale = MILLIMETRES,
    source: str = "",
) -> Context:
    """A context whose box is the whole film of ``support``."""
    masks = torch.ones(3, *support.shape, dtype=torch.uint8) if anatomy is None else anatomy
    values = torch.zeros(1, *support.shape) if image is None else image
    return Context(
        edit=edit,
        film=Film(values, masks, Header("memory", source, "tensor"), unit, scale),
        box=Box.whole(support.shape),
        lesion=support if lesion is None else lesion,
        support=support,
        asked=asked,
        measured=measured,
        segmenter=segmenter,
    )


class Scripted:
    """An editor that plays a list of outcomes: a proposal is returned, a reason is refused."""

    name, weights = "scripted", None

    def __init__(self, *outcomes: Proposal | str) -> None:
        self.outcomes, self.calls, self.seeds = outcomes, 0, []

    def propose(self, film: Film, anatomy: torch.Tensor, edit: Edit, generator: torch.Generator) -> Proposal:
        outcome = self.outcomes[min(self.calls, len(self.outcomes) - 1)]
        self.calls += 1
        self.seeds.append(generator.initial_seed())
        if isinstance(outcome, str):
            raise CannotEdit(outcome)
        return outcome


__all__ = [
    "INSERTED", "UNIT", "Scripted", "context", "disc", "drawn_film", "drawn_header", "lesion_of", "outside", "phantom",
    "propose", "written",
]  # fmt: skip
