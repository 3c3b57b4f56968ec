"""Edits that a check of the full profile refuses, or records as failed, beside the same edits made well."""

from dataclasses import replace

import numpy as np
import torch
from known_bad import CONSOLIDATION, EFFUSION, FILM, KnownBad, faded, feathered, seen, sick_film
from phantom_film import disc, drawn_film, propose, written
from scipy import ndimage as ndi

from monai_cars.chest_xray.gate import GateModels
from monai_cars.edits.edit import Box, Edit, Proposal, Region

NO_MODELS = GateModels()


def largest_clear(image: torch.Tensor) -> torch.Tensor:
    """A segmenter in closed form: of each lung field the largest clear piece, as networks draw one piece a lung."""
    unit = drawn_film(FILM).unit
    clear = ndi.gaussian_filter(((image[0] - unit.zero) / unit.value).numpy(), 2.0) < 0.5
    masks = FILM.anatomy.clone()
    for side in range(2):
        labels, _ = ndi.label(ndi.binary_opening(clear & (masks[side].numpy() > 0), iterations=9))
        masks[side] = torch.from_numpy(labels == np.bincount(labels.ravel())[1:].argmax() + 1)
    return masks


def anatomy_preserved() -> KnownBad:
    """A band of density that cuts a lung in two, so that a segmenter loses what lies above it."""
    film = replace(FILM, anatomy=largest_clear(FILM.image))
    y = torch.arange(384)[:, None]
    band = (film.anatomy[0] > 0) & (abs(y - 150) < 26)
    ramp = feathered(band, 14.0)
    cut = Proposal(Box(0, 0, 384, 400), 1.1 * ramp, band, ramp > 0.2)
    good, bad = (
        seen(CONSOLIDATION, proposal, film=film, segmenter=largest_clear)
        for proposal in (propose(film, CONSOLIDATION), cut)
    )
    return KnownBad("anatomy_preserved", CONSOLIDATION, good, bad, "full", NO_MODELS)


def measurement_agrees() -> KnownBad:
    """Fluid whose lesion mask is said to reach twice as high as it was drawn."""
    proposal = propose(FILM, EFFUSION)
    high = propose(FILM, replace(EFFUSION, severity=1.0))
    lesion = torch.zeros(FILM.image.shape[1:], dtype=torch.bool)
    lesion[high.box.slices] = high.lesion
    support = lesion.clone()
    support[proposal.box.slices] |= proposal.support
    whole = Box(0, 0, *FILM.image.shape[1:])
    good = seen(EFFUSION, proposal, segmenter=same_anatomy)
    said = replace(good.context, box=whole, lesion=lesion, support=support)
    return KnownBad("measurement_agrees", EFFUSION, good, replace(good, context=said), "full", NO_MODELS)


def same_anatomy(_: torch.Tensor) -> torch.Tensor:
    """A segmenter that finds the anatomy where it was."""
    return FILM.anatomy


def never_seen(check: str) -> KnownBad:
    """A consolidation drawn as a lucency: of the same form, in the same place, and dark."""
    edit = replace(CONSOLIDATION, severity=0.6)
    proposal = propose(FILM, edit)
    good, bad = (seen(edit, part, segmenter=same_anatomy) for part in (proposal, faded(proposal, -1.0)))
    others = () if check == "change_seen" else ("change_seen",)
    return KnownBad(check, edit, good, bad, "full", others=others)


def change_seen() -> KnownBad:
    """Neither model sees the consolidation come."""
    return never_seen("change_seen")


def target_moved() -> KnownBad:
    """The classifier sees opacity go where it should come."""
    return never_seen("target_moved")


def condition_met() -> KnownBad:
    """What the localiser sees come lies elsewhere."""
    return never_seen("condition_met")


def level_inside() -> KnownBad:
    """The localiser sees nothing at the lesion."""
    return never_seen("level_inside")


def target_level() -> KnownBad:
    """A deletion after which the opacity is denser: the classifier is still sure of it."""
    film, edit = sick_film()
    proposal = propose(film, edit)
    good, bad = (seen(edit, part, film=film, segmenter=same_anatomy) for part in (proposal, faded(proposal, -1.0)))
    return KnownBad("target_level", edit, good, bad, "full", others=("opacity_removed",))


def off_target_stable() -> KnownBad:
    """Both lungs whitened under the name of a tube."""
    edit = Edit("insert", "support devices", severity=0.3)
    lungs = FILM.anatomy[:2].amax(0) > 0
    ramp = 0.6 * feathered(lungs, 12.0)
    white = Proposal(Box(0, 0, *lungs.shape), ramp, lungs, ramp > 0.2)
    good, bad = (seen(edit, part, segmenter=same_anatomy) for part in (propose(FILM, edit), white))
    return KnownBad("off_target_stable", edit, good, bad, "full")


def present_before() -> KnownBad:
    """A small round shadow, such as a nipple's, deleted under the name of a consolidation."""
    film, edit = sick_film()
    good = seen(edit, propose(film, edit), film=film, segmenter=same_anatomy)
    place = disc(FILM.image.shape[1:], (150, 90), 14)
    ramp = 0.4 * feathered(place, 8.0)
    shadow = Proposal(Box(0, 0, *place.shape), ramp, place, ramp > 0.2)
    round_one = replace(FILM, image=written(FILM, shadow).image)
    undo = replace(edit, region=Region(mask=shadow.lesion))
    bad = seen(undo, faded(shadow, -1.0), film=round_one, segmenter=same_anatomy)
    return KnownBad("present_before", edit, good, bad, "full")


FULL = (
    anatomy_preserved,
    measurement_agrees,
    change_seen,
    target_moved,
    condition_met,
    level_inside,
    target_level,
    off_target_stable,
    present_before,
)
