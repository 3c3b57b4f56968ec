"""Edits that a check of the cheap profile refuses, beside the same edits made well."""

from dataclasses import replace

import torch
from drawn_lines import with_wire
from known_bad import (
    EFFUSION,
    FILM,
    NODULE,
    SHAM,
    KnownBad,
    faded,
    feathered,
    made,
    moved,
    seen,
    sick_film,
)
from phantom_film import propose, written

from monai_cars.edits.edit import Edit, Quantity

WIRED, _ = with_wire(FILM)


def outside_unchanged() -> KnownBad:
    """One pixel in a corner of the film is one grey level off."""
    proposal = made(NODULE)
    after = written(FILM, proposal).image
    after[0, 0, 0] += 1
    return KnownBad("outside_unchanged", NODULE, seen(NODULE, proposal), seen(NODULE, proposal, after=after))


def inside_lung() -> KnownBad:
    """A sound nodule in the other lung than asked."""
    other = made(replace(NODULE, side="left"))
    return KnownBad("inside_lung", NODULE, seen(NODULE, made(NODULE)), seen(NODULE, other))


def inside_region() -> KnownBad:
    """A hilar shadow at the chest wall."""
    edit = Edit("insert", "irregular hilum", side="right", severity=0.3)
    proposal = made(edit)
    return KnownBad("inside_region", edit, seen(edit, proposal), seen(edit, moved(proposal, 0, -70)))


def no_seam() -> KnownBad:
    """The nodule's own lesion, as dense as its peak, with a hard edge."""
    proposal = made(NODULE)
    paste = replace(proposal, residual=proposal.lesion * proposal.residual.max(), support=proposal.lesion)
    return KnownBad("no_seam", NODULE, seen(NODULE, proposal), seen(NODULE, paste))


def severity_agrees() -> KnownBad:
    """A sound nodule of half the diameter that was asked for."""
    small = made(replace(NODULE, severity=0.1))
    return KnownBad(
        "severity_agrees",
        NODULE,
        seen(NODULE, made(NODULE), asked=NODULE.asked),
        seen(NODULE, small, asked=NODULE.asked),
    )


def visible() -> KnownBad:
    """A nodule of a tenth of its density."""
    proposal = made(NODULE)
    return KnownBad("visible", NODULE, seen(NODULE, proposal), seen(NODULE, faded(proposal, 0.1)))


def devices_preserved() -> KnownBad:
    """An effusion that wipes the wire away which crosses it."""
    edit = replace(EFFUSION, severity=1.0)
    proposal = propose(FILM, edit)
    over = seen(edit, proposal, film=WIRED)
    support = torch.zeros(FILM.image.shape[1:], dtype=torch.bool)
    support[proposal.box.slices] = proposal.support
    wiped = torch.where(support, written(FILM, proposal).image, WIRED.image)
    return KnownBad("devices_preserved", edit, over, seen(edit, proposal, film=WIRED, after=wiped))


def opacity_removed() -> KnownBad:
    """A deletion that takes half of the opacity away."""
    film, edit = sick_film()
    proposal = propose(film, edit)
    return KnownBad(
        "opacity_removed", edit, seen(edit, proposal, film=film), seen(edit, faded(proposal, 0.5), film=film)
    )


def no_hole() -> KnownBad:
    """A deletion that punches a dark hole into a part of the place."""
    film, edit = sick_film()
    proposal = propose(film, edit)
    core = feathered(proposal.support, 12.0) >= 1
    rows = torch.nonzero(core.any(1)).flatten()
    core[: int(rows.float().quantile(0.6))] = False
    punched = replace(proposal, residual=proposal.residual - 0.4 * feathered(core, 3.0))
    return KnownBad("no_hole", edit, seen(edit, proposal, film=film), seen(edit, punched, film=film))


def devices_removed() -> KnownBad:
    """A deletion that leaves most of the wire."""
    edit = Edit("delete", "support devices")
    proposal = propose(WIRED, edit)
    return KnownBad(
        "devices_removed", edit, seen(edit, proposal, film=WIRED), seen(edit, faded(proposal, 0.3), film=WIRED)
    )


def rewritten() -> KnownBad:
    """A sham that copies half of its support."""
    proposal = propose(FILM, SHAM)
    residual = proposal.residual.clone()
    residual[:, : residual.shape[1] // 2] = 0
    return KnownBad("rewritten", SHAM, seen(SHAM, proposal), seen(SHAM, replace(proposal, residual=residual)))


def density_preserved() -> KnownBad:
    """A sham that adds a tenth of a contrast unit."""
    proposal = propose(FILM, SHAM)
    denser = replace(proposal, residual=proposal.residual + 0.1 * feathered(proposal.support, 8.0))
    return KnownBad("density_preserved", SHAM, seen(SHAM, proposal), seen(SHAM, denser))


def inside_lung_of_fluid() -> KnownBad:
    """Fluid, whose place is judged loosely, that lies half below the diaphragm."""
    proposal = propose(FILM, EFFUSION)
    low = moved(proposal, 45, 0)
    return KnownBad("inside_lung", EFFUSION, seen(EFFUSION, proposal), seen(EFFUSION, low), others=("visible",))


def severity_agrees_of_a_heart() -> KnownBad:
    """A heart of a ratio of 0.57 where 0.60 was asked for: a ratio is held tightly."""
    edit = Edit("insert", "enlarged heart", severity=Quantity(0.60, "ratio"))
    small = propose(FILM, replace(edit, severity=Quantity(0.57, "ratio")))
    return KnownBad(
        "severity_agrees",
        edit,
        seen(edit, propose(FILM, edit), asked=edit.asked),
        seen(edit, small, asked=edit.asked),
    )


def severity_agrees_of_fluid() -> KnownBad:
    """Fluid over a third less of the lung than was asked for."""
    small = propose(FILM, replace(EFFUSION, severity=Quantity(0.67 * EFFUSION.asked.value, "fraction")))
    return KnownBad(
        "severity_agrees",
        EFFUSION,
        seen(EFFUSION, propose(FILM, EFFUSION), asked=EFFUSION.asked),
        seen(EFFUSION, small, asked=EFFUSION.asked),
    )


CHEAP = (
    outside_unchanged,
    inside_lung,
    inside_lung_of_fluid,
    inside_region,
    no_seam,
    severity_agrees,
    severity_agrees_of_a_heart,
    severity_agrees_of_fluid,
    visible,
    devices_preserved,
    opacity_removed,
    no_hole,
    devices_removed,
    rewritten,
    density_preserved,
)
