"""Controls do what they say, run through the loop of real edits, and the site check refuses the misplaced."""

from dataclasses import replace

import pytest
import torch
from phantom_film import Scripted, drawn_film, drawn_header, outside, phantom, written

from monai_cars.chest_xray.anatomy import STRUCTURES, lung, zones
from monai_cars.chest_xray.controls import MISPLACED, OFFERED, ControlEditor, suits
from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.gate import default_gate
from monai_cars.edits.edit import CannotEdit, Edit, Region
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(seed=5)
NODULE = Edit("insert", "nodule", side="right", zone="middle", severity=0.6)
ENLARGED = Edit("insert", "enlarged heart", severity=0.5)
HEART = FILM.anatomy[STRUCTURES.index("heart")] > 0
LUNGS = FILM.anatomy[:2].amax(0) > 0


def claimed(control):
    return ENLARGED if control == "density in the heart" else NODULE


def offered(control, *, draw=0, edit=None, film=FILM):
    edit = edit or claimed(control)
    return ControlEditor(control).propose(drawn_film(film), film.anatomy, edit, torch.Generator().manual_seed(draw))


def on_film(proposal):
    """(H, W) what a proposal adds, in contrast units."""
    full = torch.zeros(FILM.image.shape[1:])
    full[proposal.box.slices] = proposal.residual
    return full


def share(proposal, where):
    added = on_film(proposal).abs()
    return float(added[where].sum() / added.sum())


@pytest.mark.parametrize("control", OFFERED)
def test_a_control_claims_the_finding_and_changes_its_support_only(control):
    made = offered(control)
    assert made.asked == claimed(control).asked
    assert made.note == OFFERED[control]
    assert made.lesion.any()
    assert made.support.shape == made.residual.shape == (made.box.y1 - made.box.y0, made.box.x1 - made.box.x0)
    assert not made.residual[~made.support].any()
    after = written(FILM, made).image
    assert torch.equal(after[0][outside(made, after.shape)], FILM.image[0][outside(made, after.shape)])
    assert not torch.equal(after, FILM.image)


@pytest.mark.parametrize("control", OFFERED)
def test_draws_follow_the_generator(control):
    first, again, other = (offered(control, draw=draw) for draw in (1, 1, 2))
    assert torch.equal(on_film(first), on_film(again))
    assert not torch.equal(on_film(first), on_film(other))


def test_misplaced_controls_lie_where_they_say():
    field = lung(FILM.anatomy, "left")
    assert share(offered("wrong side"), field) > 0.9
    asked = zones(FILM.anatomy)["right", "middle"]
    assert share(offered("wrong zone"), asked) < 0.5
    assert share(offered("shoulder"), LUNGS) < 0.5
    assert share(offered("heart"), LUNGS) < 0.9
    low = torch.nonzero(on_film(offered("abdomen")).any(1)).float().mean()
    assert low > torch.nonzero(LUNGS.any(1)).float().quantile(0.8)


def test_a_finding_that_lies_in_the_asked_zone_all_the_same_is_not_misplaced():
    there = AttenuationEditor().propose(drawn_film(FILM), FILM.anatomy, NODULE, torch.Generator().manual_seed(0))
    draw = torch.Generator().manual_seed(0)
    with pytest.raises(CannotEdit, match=r"the nodule of the (upper|lower) zone lies mostly in the middle zone"):
        ControlEditor("wrong zone", Scripted(there)).propose(drawn_film(FILM), FILM.anatomy, NODULE, draw)
    other = offered("wrong zone")
    second = Scripted(there, other)
    made = ControlEditor("wrong zone", second).propose(drawn_film(FILM), FILM.anatomy, NODULE, draw)
    assert torch.equal(made.residual, other.residual)
    assert second.calls == 2


def test_what_leaves_the_film_is_cut_off():
    for draw in range(20):
        box = offered("shoulder", draw=draw).box
        assert 0 <= box.y0 < box.y1 <= FILM.image.shape[1]
        assert 0 <= box.x0 < box.x1 <= FILM.image.shape[2]


def test_blur_keeps_the_density_and_takes_the_detail():
    made = offered("blur")
    real = AttenuationEditor().propose(drawn_film(FILM), FILM.anatomy, NODULE, torch.Generator().manual_seed(0))
    assert torch.equal(made.support, real.support)
    assert abs(float(made.residual[made.support].mean())) < 0.2 * float(real.residual[real.support].mean())
    y, x = ((low + high) // 2 for low, high in zip(made.box[:2], made.box[2:], strict=True))
    before, after = (image[0, y - 5 : y + 6, x - 5 : x + 6] for image in (FILM.image, written(FILM, made).image))
    assert bool(after.diff(dim=1).abs().mean() < 0.5 * before.diff(dim=1).abs().mean())


def test_a_hard_paste_is_one_density_up_to_its_edge():
    made = offered("hard paste")
    values = made.residual[made.support]
    assert float(values.min()) == float(values.max()) >= 0.3
    assert torch.equal(made.support, made.lesion)


def test_density_in_the_heart_moves_no_border():
    made = offered("density in the heart")
    assert not on_film(made)[~HEART].any()
    result = make_counterfactual(
        FILM.image, FILM.anatomy, ENLARGED, header=drawn_header(FILM), editor=ControlEditor("density in the heart")
    )
    assert not result.accepted
    assert "severity_agrees" in result.record["reason"]


@pytest.mark.parametrize("control", MISPLACED)
def test_the_site_check_refuses_the_misplaced(control):
    options = {"header": drawn_header(FILM), "editor": ControlEditor(control), "max_attempts": 2}
    result = make_counterfactual(FILM.image, FILM.anatomy, NODULE, **options)
    assert not result.accepted
    assert result.record["editor"] == f"control: {control}"
    failed = {c["name"] for c in result.record["checks"] if c["verdict"] != "pass"}
    if control != "heart":  # behind the heart lies lung
        assert "inside_lung" in failed
    without = default_gate("nodule", "insert").without("inside_lung")
    again = make_counterfactual(FILM.image, FILM.anatomy, NODULE, gate=without, **options)
    assert "inside_lung" not in {c["name"] for c in again.record["checks"]}
    if control == "wrong side":  # what lies in the other lung is a sound nodule
        assert again.accepted


@pytest.mark.parametrize("control", ["sham", "blur", "hard paste"])
def test_the_cheap_gate_refuses_what_is_no_finding(control):
    options = {"header": drawn_header(FILM), "editor": ControlEditor(control), "max_attempts": 2}
    assert not make_counterfactual(FILM.image, FILM.anatomy, NODULE, **options).accepted


def test_a_blur_is_offered_as_a_deletion_too():
    sick = make_counterfactual(FILM.image, FILM.anatomy, NODULE, header=drawn_header(FILM))
    assert sick.accepted
    undo = Edit("delete", "nodule", region=Region(mask=sick.lesion[0] > 0))
    options = {"header": drawn_header(FILM), "editor": ControlEditor("blur"), "max_attempts": 1}
    result = make_counterfactual(sick.image, FILM.anatomy, undo, **options)
    assert result.record["checks"]
    assert not result.accepted
    assert result.record["severity_asked"] is None or result.record["severity_asked"]["unit"] == "mm"


def test_controls_suit_some_edits_only():
    assert not suits("wrong side", replace(NODULE, side=None))
    assert not suits("wrong zone", replace(NODULE, zone="apex"))
    assert not suits("density in the heart", NODULE)
    assert not suits("shoulder", ENLARGED)
    assert not suits("sham", Edit("sham", "nodule"))
    with pytest.raises(
        ValueError, match="the control 'wrong side' cannot be offered as insert nodule: all but the blur"
    ):
        offered("wrong side", edit=Edit("insert", "nodule"))
    with pytest.raises(ValueError, match=r"control must be one of sham, .* \(got 'noise'\)"):
        ControlEditor("noise")


@pytest.mark.parametrize("control", OFFERED)
def test_films_without_anatomy_are_refused_as_any_edit_is(control):
    empty = replace(FILM, anatomy=torch.zeros_like(FILM.anatomy))
    film = drawn_film(FILM)
    with pytest.raises(CannotEdit):
        ControlEditor(control).propose(film, empty.anatomy, claimed(control), torch.Generator())
