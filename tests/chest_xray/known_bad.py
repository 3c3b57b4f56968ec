"""What known-bad edits are made of: real edits of closed-form phantoms, spoiled in one property.

What is asked for is what is measured on the film, except where a severity lies, so that each edit is bad in one way.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from phantom_film import Phantom, drawn_film, phantom, propose, written
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import Segmenter
from monai_cars.chest_xray.gate import GateModels
from monai_cars.chest_xray.measurement import measure_change
from monai_cars.edits.change import Change
from monai_cars.edits.edit import Box, Edit, Proposal, Quantity, Region
from monai_cars.gates import Context, Gate, Verdict, default_gate

FILM = phantom(size=(384, 400))
NODULE = Edit("insert", "nodule", side="right", zone="middle", severity=0.6)
CONSOLIDATION = Edit("insert", "consolidation", side="right", severity=0.5)
EFFUSION = Edit("insert", "effusion", side="right", severity=0.5)
SHAM = Edit("sham", "nodule", side="right")


@dataclass(frozen=True)
class Seen:
    """What a gate is called with."""

    before: torch.Tensor
    after: torch.Tensor
    context: Context

    def judged_by(self, gate: Gate) -> Verdict:
        # A context remembers what networks answered about its film: every gate gets a fresh one.
        return gate(self.before, self.after, replace(self.context, _made={}))


@dataclass(frozen=True)
class KnownBad:
    """One check's pair of edits."""

    check: str
    edit: Edit
    good: Seen
    bad: Seen
    profile: str = "cheap"
    models: GateModels | None = None
    others: tuple[str, ...] = ()  # checks that the bad edit cannot help failing too

    @property
    def gate(self) -> Gate:
        return default_gate(self.edit.finding, self.edit.operation, self.profile, models=self.models)


def seen(
    edit: Edit,
    proposal: Proposal,
    *,
    film: Phantom = FILM,
    after: torch.Tensor | None = None,
    asked: Quantity | None = None,
    segmenter: Segmenter | None = None,
) -> Seen:
    """A proposal written into a film and measured there, as the loop does."""
    drawn = drawn_film(film)
    made = written(film, proposal).image if after is None else after
    measured = None
    if edit.operation != "sham":
        measured = measure_change(Change(drawn, made, edit.operation, edit.finding))
    context = Context(
        edit=edit,
        film=drawn,
        box=proposal.box,
        lesion=proposal.lesion,
        support=proposal.support,
        asked=asked or measured,
        measured=measured,
        segmenter=segmenter,
    )
    return Seen(film.image, made, context)


def made(edit: Edit, **film: Phantom) -> Proposal:
    """The first draw of an edit that the cheap gate accepts: some nodules are drawn where ribs hide them."""
    gate = default_gate(edit.finding, edit.operation)
    for draw in range(20):
        proposal = propose(film.get("film", FILM), edit, draw=draw)
        if seen(edit, proposal, **film).judged_by(gate).accepted:
            return proposal
    raise AssertionError(f"no draw of {edit} is accepted")


def faded(proposal: Proposal, share: float) -> Proposal:
    return replace(proposal, residual=share * proposal.residual)


def moved(proposal: Proposal, rows: int, columns: int) -> Proposal:
    y0, x0, y1, x1 = proposal.box
    return replace(proposal, box=Box(y0 + rows, x0 + columns, y1 + rows, x1 + columns))


def feathered(mask: torch.Tensor, pixels: float = 4.0) -> torch.Tensor:
    """(h, w) from 0 on the outermost pixels of a mask to 1 some pixels inward, without a step in its slope."""
    depth = ndi.distance_transform_edt(np.pad(mask.numpy(), 1))[1:-1, 1:-1]
    share = np.clip((depth - 1) / pixels, 0, 1).astype(np.float32)
    return torch.from_numpy(share * share * (3 - 2 * share))


def sick_film() -> tuple[Phantom, Edit]:
    """A film with a consolidation and the edit that deletes it."""
    proposal = propose(FILM, CONSOLIDATION)
    mask = torch.zeros(FILM.image.shape[1:], dtype=torch.bool)
    mask[proposal.box.slices] = proposal.lesion
    film = replace(FILM, image=written(FILM, proposal).image)
    return film, Edit("delete", "consolidation", region=Region(mask=mask))
