"""Pleural air: what lies beyond the line, what stays within it, and what the film must allow."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, drawn_header, phantom, propose, written

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.lung.lung_markings import lung_markings, spread
from monai_cars.chest_xray.editors.pleura.collapsed_lung import collapse
from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.edit import CannotEdit, Edit, Region
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
AIR = ("pleural air", "absent lung markings", "lung collapse")


def _edit(finding="pleural air", severity=0.4, **more):
    return Edit("insert", finding, severity=severity, **{"side": "right", **more})


def _full(mask, proposal):
    full = np.zeros(FILM.image.shape[1:], bool)
    full[proposal.box.slices] = mask.numpy()
    return full


def _canvas(film=FILM, position="erect"):
    seen = drawn_film(film)
    return make_canvas(film.image, film.anatomy, seen.unit, spacing=seen.spacing, position=position)


@pytest.mark.parametrize("finding", AIR)
@pytest.mark.parametrize("severity", [0.0, 0.5, 1.0])
def test_the_lesion_is_the_asked_share_of_the_free_field(finding, severity):
    edit = _edit(finding, severity)
    proposal = propose(FILM, edit)
    free = ((FILM.anatomy[0] > 0) & (FILM.anatomy[2] == 0)).numpy()
    assert _full(proposal.lesion, proposal).sum() / free.sum() == pytest.approx(edit.asked.value, abs=0.01)


@pytest.mark.parametrize("finding", AIR)
def test_measured_severity_follows_the_asked_one(finding):
    found = []
    for severity in (0.1, 0.5, 0.9):
        edit, seen = _edit(finding, severity), drawn_film(FILM)
        after = written(FILM, propose(FILM, edit)).image
        value = measure(finding, FILM.image, after, FILM.anatomy, unit=seen.unit, spacing=seen.spacing).value
        assert value == pytest.approx(edit.asked.value, rel=0.2)
        found.append(value)
    assert found == sorted(found)


def test_beyond_the_line_is_darker_and_has_fewer_markings():
    proposal = propose(FILM, _edit())
    air = _full(proposal.lesion, proposal)
    after = written(FILM, proposal).image
    canvas, edited = _canvas(), _canvas(replace(FILM, image=after))
    assert (edited.u - canvas.u)[air].mean() < -0.05
    assert spread(lung_markings(edited)[air]) < 0.75 * spread(lung_markings(canvas)[air])


def test_within_it_the_lung_is_denser():
    proposal = propose(FILM, _edit())
    change = _canvas(replace(FILM, image=written(FILM, proposal).image)).u - _canvas().u
    within = (FILM.anatomy[0] > 0).numpy() & ~_full(proposal.lesion, proposal) & (FILM.anatomy[2] == 0).numpy()
    assert 0.0 < change[within].mean() < 0.2


def test_air_rises_on_an_erect_film_and_lies_low_on_a_supine_one():
    rows = np.arange(FILM.image.shape[1])[:, None]
    field = (FILM.anatomy[0] > 0).numpy()
    middle = (rows * field).sum() / field.sum()
    for position, above in (("erect", True), ("supine", False)):
        proposal = propose(FILM, _edit(severity=0.1), position=position)
        lesion = _full(proposal.lesion, proposal)
        assert ((rows * lesion).sum() / lesion.sum() < middle) == above


def test_a_supine_film_shows_a_deeper_angle():
    proposal = propose(FILM, _edit(severity=0.5), position="supine")
    support = _full(proposal.support, proposal)
    tip = np.flatnonzero((FILM.anatomy[0] > 0).numpy().any(1))[-1]
    assert np.flatnonzero(support.any(1))[-1] > tip + 3


@pytest.mark.parametrize(
    ("position", "finding", "note"),
    [
        ("erect", "pleural air", ""),
        (None, "pleural air", "air at the apex and the side; the film does not say erect or supine"),
        ("supine", "pleural air", "anterior and basal air, deep sulcus, no line (supine film)"),
        ("erect", "lung collapse", "the mediastinum is not shifted"),
    ],
)
def test_it_tells_what_it_took_the_film_for(position, finding, note):
    assert propose(FILM, _edit(finding), position=position).note == note


def test_a_line_is_drawn_for_pleural_air_and_none_for_absent_markings():
    def sharpest(finding):
        proposal = propose(FILM, _edit(finding, 0.6 if finding == "pleural air" else 0.73))
        change = _canvas(replace(FILM, image=written(FILM, proposal).image)).u - _canvas().u
        return np.percentile(np.hypot(*np.gradient(change)), 99.5)

    assert sharpest("pleural air") > sharpest("absent lung markings")


def test_a_collapsed_lung_is_a_dense_stump():
    proposal = propose(FILM, _edit("lung collapse", 0.9))
    change = _canvas(replace(FILM, image=written(FILM, proposal).image)).u - _canvas().u
    assert np.percentile(change, 99.5) > 0.35


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 1.0), st.sampled_from(AIR), st.sampled_from(["erect", "supine", None]))
def test_outside_the_support_not_a_bit_changes(seed, severity, finding, position):
    edit = _edit(finding, severity, side=None, seed=seed)
    found = make_counterfactual(FILM.image, FILM.anatomy, edit, header=drawn_header(FILM, position=position))
    untouched = found.support == 0
    assert torch.equal(found.image[untouched], FILM.image[untouched])
    assert not (found.lesion > found.support).any()


@pytest.mark.parametrize("finding", AIR)
def test_the_same_draw_gives_the_same_bytes(finding):
    one, same, other = (propose(FILM, _edit(finding), draw=draw) for draw in (1, 1, 2))
    assert torch.equal(one.residual, same.residual)
    assert one.box != other.box or not torch.equal(one.residual, other.residual)


@pytest.mark.parametrize(("side", "channel"), [("right", 0), ("left", 1)])
@pytest.mark.parametrize("position", ["erect", "supine"])
def test_it_lies_on_the_asked_side(side, channel, position):
    proposal = propose(FILM, _edit(side=side), position=position)
    lesion = _full(proposal.lesion, proposal)
    assert not (lesion & ~(FILM.anatomy[channel] > 0).numpy()).any()


def test_nothing_leaves_the_hilum_and_the_lung_only_shrinks():
    canvas = _canvas()
    shape = collapse(canvas, "right", 0.3, torch.Generator().manual_seed(0))
    assert shape.scale.max() <= 1.0
    assert shape.scale.min() >= 0.1
    y, x = (round(v) for v in shape.hilum)
    marks = np.zeros(canvas.u.shape, np.float32)
    marks[y - 3 : y + 4, x - 3 : x + 4] = 1.0
    assert shape.moved(marks)[y, x] > 0.5


@pytest.mark.parametrize("finding", AIR)
def test_it_cannot_be_deleted(finding):
    edit = Edit("delete", finding, region=Region(point=(100.0, 100.0)))
    with pytest.raises(
        CannotEdit, match=f"{finding} cannot be deleted: the film does not show the vessels of the lung"
    ):
        propose(FILM, edit)


@pytest.mark.parametrize("position", ["erect", "supine"])
def test_a_field_without_room(position):
    film = drawn_film(FILM, position=position)
    masks = FILM.anatomy.clone()
    masks[2] = masks[0]
    with pytest.raises(CannotEdit, match="the right lung field is too small for pleural air: 0 working pixels"):
        AttenuationEditor().propose(film, masks, _edit(), torch.Generator())


def test_a_film_without_scale_is_drawn_all_the_same():
    assert propose(FILM, _edit(), spacing=None).lesion.any()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(AIR), st.sampled_from(["erect", "supine"]))
def test_strange_anatomy_is_drawn_or_refused(seed, finding, position):
    rng = np.random.default_rng(seed)
    masks = torch.zeros_like(FILM.anatomy)
    for channel in range(3):
        y, x = rng.integers(0, 300, 2)
        masks[channel, y : y + rng.integers(1, 200), x : x + rng.integers(1, 200)] = 1
    found = make_counterfactual(
        FILM.image, masks, _edit(finding, side=None), header=drawn_header(FILM, position=position), max_attempts=1
    )
    assert found.accepted or found.record["reason"]
