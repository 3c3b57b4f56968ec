"""An editor that says it drew what was asked for and drew something else: the loop refuses it by what it sees."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from phantom_film import disc, drawn_header, phantom, propose, written

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.edits.edit import Box, Edit, Proposal, Region
from monai_cars.edits.film import Film
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
NODULE = Edit("insert", "nodule", side="right", zone="middle", severity=0.6, seed=1)
FLUID = Edit("insert", "effusion", side="right", severity=0.5)
AIR = Edit("insert", "pleural air", side="right", severity=0.4)
HEART = Edit("insert", "enlarged heart", severity=0.5)
CONSOLIDATION = Edit("insert", "consolidation", side="right", severity=0.5)
SHAM = Edit("sham", "nodule", side="right")
Draw = Callable[[Edit], Proposal]


@dataclass(frozen=True)
class Liar:
    """Draws what `lie` makes of the real editor's drawings, and says that it aimed at what was asked for."""

    lie: Callable[[Draw, Edit, Film], Proposal]
    name: str = "liar"
    weights: str | None = None

    def propose(self, film, anatomy, edit, generator):
        made = self.lie(lambda other: AttenuationEditor().propose(film, anatomy, other, generator), edit, film)
        return replace(made, asked=edit.asked or made.asked)


def honest(draw, edit, film):
    return draw(edit)


def made_by(lie, edit, film=FILM, **options):
    options = {"header": drawn_header(film), "editor": Liar(lie), "max_attempts": 2, **options}
    return make_counterfactual(film.image, film.anatomy, edit, **options)


def refusals(found):
    """Names of the checks that decided against the last attempt."""
    return {c["name"] for c in found.record["checks"] if c["required"] and c["verdict"] != "pass"}


def smaller(draw, edit, film):
    return draw(replace(edit, severity=0.1))


def half_as_much(draw, edit, film):
    return draw(replace(edit, severity=0.5 * float(edit.severity)))


def on_the_other_side(draw, edit, film):
    return draw(replace(edit, side="left"))


def in_another_zone(draw, edit, film):
    return draw(replace(edit, zone="upper"))


def dark(draw, edit, film):
    made = draw(edit)
    return replace(made, residual=-made.residual)


def faint(draw, edit, film):
    made = draw(edit)
    return replace(made, residual=0.1 * made.residual)


def nothing(draw, edit, film):
    made = draw(edit)
    return replace(made, residual=torch.zeros_like(made.residual))


def lesion_elsewhere(draw, edit, film):
    """The lesion mask lies in the other lung, the change where it was asked for."""
    made, (rows, columns) = draw(edit), film.image.shape[1:]
    residual = torch.zeros(rows, columns)
    residual[made.box.slices] = made.residual
    support = torch.zeros(rows, columns, dtype=torch.bool)
    support[made.box.slices] = made.support
    return Proposal(Box(0, 0, rows, columns), residual, support, disc((rows, columns), (150, 300), 12), made.asked)


def cut_off(draw, edit, film):
    """The support is said to be the left half of what is drawn."""
    made = draw(edit)
    support = made.support.clone()
    support[:, support.shape[1] // 2 :] = False
    return replace(made, support=support)


def hard_edged(draw, edit, film):
    made = draw(edit)
    return replace(made, residual=made.lesion * made.residual.max(), support=made.lesion)


def beyond_the_lung(draw, edit, film):
    made = draw(edit)
    y0, x0, y1, x1 = made.box
    return replace(made, box=Box(y0, x0 - 60, y1, x1 - 60))


def denser_sham(draw, edit, film):
    made = draw(edit)
    return replace(made, residual=made.residual + 0.1 * made.support)


def copied(draw, edit, film):
    made = draw(edit)
    return replace(made, residual=made.residual * (torch.arange(made.residual.shape[1]) % 2))


REFUSED = {
    "a smaller nodule": (NODULE, smaller, "severity_agrees"),
    "half of the fluid": (FLUID, half_as_much, "severity_agrees"),
    "half of the air": (AIR, half_as_much, "severity_agrees"),
    "a heart half as much enlarged": (HEART, half_as_much, "severity_agrees"),
    "a nodule on the other side": (NODULE, on_the_other_side, "inside_lung"),
    "fluid on the other side": (FLUID, on_the_other_side, "inside_lung"),
    "air on the other side": (AIR, on_the_other_side, "inside_lung"),
    "a nodule in another zone": (NODULE, in_another_zone, "inside_lung"),
    "a nodule beside the lung": (NODULE, beyond_the_lung, "inside_lung"),
    "a dark nodule": (NODULE, dark, "severity_agrees"),
    "dark fluid": (FLUID, dark, "severity_agrees"),
    "a nodule that nobody sees": (NODULE, faint, "visible"),
    "a nodule's mask elsewhere": (NODULE, lesion_elsewhere, "visible"),
    "no nodule": (NODULE, nothing, "visible"),
    "no air": (AIR, nothing, "severity_agrees"),
    "a nodule that ends with its support": (NODULE, cut_off, "no_seam"),
    "a nodule with a hard edge": (NODULE, hard_edged, "no_seam"),
    "a sham on the other side": (SHAM, on_the_other_side, "inside_lung"),
    "a sham that adds density": (SHAM, denser_sham, "density_preserved"),
    "a sham that copies every other column": (SHAM, copied, "rewritten"),
}


@pytest.mark.parametrize("edit", [NODULE, FLUID, AIR, HEART, CONSOLIDATION, SHAM], ids=lambda edit: edit.finding)
def test_the_same_editor_is_accepted_when_it_is_honest(edit):
    found = made_by(honest, edit)
    assert found.accepted, found.record["reason"]


@pytest.mark.parametrize("lie", REFUSED)
def test_a_lie_is_refused_by_the_check_that_sees_it(lie):
    edit, drawn, check = REFUSED[lie]
    kept = FILM.image.clone()
    found = made_by(drawn, edit)
    assert not found.accepted
    assert check in refusals(found), found.record["reason"]
    assert f"{check}: " in found.record["reason"]
    assert torch.equal(found.image, kept)
    assert torch.equal(FILM.image, kept)
    assert not found.lesion.any()
    assert not found.support.any()


def three_times_as_dense(draw, edit, film):
    made = draw(edit)
    return replace(made, residual=3.0 * made.residual)


def half_of_the_lesion(draw, edit, film):
    """The mask of the finding holds its left half only."""
    made = draw(edit)
    lesion = made.lesion.clone()
    lesion[:, lesion.shape[1] // 2 :] = False
    return replace(made, lesion=lesion)


# What no check sees today. Each is accepted, and asserted as it is, so that whoever mends one has to say so here.
ACCEPTED = {
    # Missing: a bound of the density that a finding of its size can have.
    "fluid three times as dense": (FLUID, three_times_as_dense),
    "a consolidation three times as dense": (CONSOLIDATION, three_times_as_dense),
    # Missing: a check that the lesion is all of what changed; `measurement_agrees` of the full profile only records it.
    "half of a nodule's mask": (NODULE, half_of_the_lesion),
    "half of the fluid's mask": (FLUID, half_of_the_lesion),
}


@pytest.mark.parametrize("lie", ACCEPTED)
def test_a_lie_that_no_check_sees_is_accepted_today_and_stays_within_its_support(lie):
    edit, drawn = ACCEPTED[lie]
    kept = FILM.image.clone()
    found = made_by(drawn, edit)
    assert found.accepted
    assert torch.equal(FILM.image, kept)
    assert torch.equal(found.image[found.support == 0], kept[found.support == 0])


@pytest.mark.parametrize("edit", [AIR, HEART], ids=lambda edit: edit.finding)
def test_a_mask_where_nothing_changed_is_refused(edit):
    found = made_by(lesion_elsewhere, edit)
    assert not found.accepted
    assert found.record["reason"] == "only 0% of the lesion's mask lies where anything changed"
    assert torch.equal(found.image, FILM.image)


def test_an_editor_that_says_it_aimed_at_less_is_held_against_what_was_asked():
    class Modest(Liar):
        def propose(self, film, anatomy, edit, generator):
            return AttenuationEditor().propose(film, anatomy, replace(edit, severity=0.1), generator)

    found = made_by(honest, NODULE, editor=Modest(honest))
    assert not found.accepted
    assert refusals(found) == {"severity_agrees"}
    assert found.record["reason"].startswith("severity_agrees: asked 21.2, measured ")
    assert found.record["severity_asked"] == {"value": 21.2, "unit": "mm", "normalised": 0.6}
    assert found.record["severity_measured"]["value"] == pytest.approx(10.2, abs=1.0)


def test_a_deletion_of_another_opacity_than_the_region_names_is_accepted_today():
    """Missing: a check that a deletion changed the region that was asked for."""
    shape = FILM.image.shape[1:]
    film, regions = FILM, {}
    for side in ("right", "left"):
        made = propose(FILM, replace(CONSOLIDATION, side=side))
        film = replace(film, image=written(film, made).image)
        mask = torch.zeros(shape, dtype=torch.bool)
        mask[made.box.slices] = made.lesion
        regions[side] = Region(mask=mask)
    asked = Edit("delete", "consolidation", region=regions["right"])
    found = made_by(lambda draw, edit, _: draw(replace(edit, region=regions["left"])), asked, film)
    assert found.accepted
    assert not (found.support[0] > 0)[regions["right"].mask].any()


def test_a_support_of_the_whole_film_has_no_border_that_could_be_judged_and_is_refused():
    def whole(draw, edit, film):
        made = draw(edit)
        rows, columns = film.image.shape[1:]
        pad = (made.box.x0, columns - made.box.x1, made.box.y0, rows - made.box.y1)
        residual, lesion = (torch.nn.functional.pad(part, pad) for part in (made.residual, made.lesion))
        return Proposal(Box(0, 0, rows, columns), residual, torch.ones_like(lesion), lesion, made.asked)

    found = made_by(whole, NODULE)
    assert not found.accepted
    (seam,) = [check for check in found.record["checks"] if check["name"] == "no_seam"]
    assert seam["required"]
    assert seam["verdict"] == "unavailable"
    assert seam["reason"] == "the support is the whole film: it has no border"
    assert f"no_seam: {seam['reason']}" in found.record["reason"]


def test_an_editor_that_writes_into_its_film_does_not_change_what_it_is_judged_against():
    """Half of the density is written into the film itself, which would halve what the gate sees of it."""
    shown = []

    def written_beneath(draw, edit, film):
        made = draw(edit)
        film.image[0][made.box.slices] += 0.5 * film.unit.value * made.residual
        shown.append(film.image)
        return made

    kept = FILM.image.clone()
    found, alone = made_by(written_beneath, CONSOLIDATION), made_by(honest, CONSOLIDATION)
    assert found.accepted
    assert not torch.equal(shown[0], kept)
    assert torch.equal(FILM.image, kept)
    assert torch.equal(found.image, alone.image)
    assert found.record == alone.record


def test_an_editor_that_writes_into_the_masks_does_not_change_what_it_is_judged_against():
    film = replace(FILM, anatomy=FILM.anatomy.clone())

    def lungs_renamed(draw, edit, film):
        made = on_the_other_side(draw, edit, film)
        film.anatomy[:2] = film.anatomy[:2].flip(0)
        return made

    found = made_by(lungs_renamed, NODULE, film, max_attempts=1)
    assert not found.accepted
    assert torch.equal(film.anatomy, FILM.anatomy)
