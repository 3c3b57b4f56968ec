"""A meniscus climbs the wall; a blunted angle stays in the angle."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, drawn_header, lesion_of, phantom, propose, written

from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.edit import CannotEdit, Edit
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
SIGNS = ("meniscus sign", "costophrenic blunting")


def _edit(finding, severity=0.5, side="right", **more):
    return Edit("insert", finding, severity=severity, side=side, **more)


@pytest.mark.parametrize("finding", SIGNS)
def test_measured_severity_follows_the_asked_one(finding):
    found = []
    for severity in (0.1, 0.5, 0.9):
        edit, seen = _edit(finding, severity), drawn_film(FILM)
        after = written(FILM, propose(FILM, edit)).image
        value = measure(finding, FILM.image, after, FILM.anatomy, unit=seen.unit, spacing=seen.spacing).value
        assert value == pytest.approx(edit.asked.value, rel=0.2, abs=0.003)
        found.append(value)
    assert found == sorted(found)


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_blunted_angle_leaves_the_dome(side):
    lesion = lesion_of(propose(FILM, _edit("costophrenic blunting", 1.0, side)), FILM)
    field = (FILM.anatomy[0 if side == "right" else 1] > 0).numpy()
    columns = np.flatnonzero(field.any(0))
    lateral = columns[: len(columns) // 2] if side == "right" else columns[-(len(columns) // 2) :]
    assert lesion[:, lateral].sum() > 0.9 * lesion.sum()
    rows = np.flatnonzero(field.any(1))
    assert np.flatnonzero(lesion.any(1))[0] > rows[0] + 0.6 * len(rows)


def test_its_border_is_concave_upward():
    lesion = lesion_of(propose(FILM, _edit("costophrenic blunting", 1.0)), FILM)
    columns = np.flatnonzero(lesion.any(0))
    tops = np.array([np.flatnonzero(lesion[:, c])[0] for c in columns])
    third = len(tops) // 3
    assert tops[:third].mean() < tops[third : 2 * third].mean()


def test_a_meniscus_climbs_the_wall():
    lesion = lesion_of(propose(FILM, _edit("meniscus sign", 0.5)), FILM)
    columns = np.flatnonzero((FILM.anatomy[0] > 0).numpy().any(0))
    wall, middle = (columns[0] + (columns[-1] - columns[0]) * np.array([0.12, 0.5])).astype(int)
    climb = np.flatnonzero(lesion[:, middle])[0] - np.flatnonzero(lesion[:, wall])[0]
    assert climb * FILM.spacing[0] > 15  # mm


@pytest.mark.parametrize(
    ("finding", "message"),
    [
        ("meniscus sign", "a meniscus needs an erect film, this one is supine"),
        ("costophrenic blunting", "a blunted costophrenic angle needs an erect film, this one is supine"),
    ],
)
def test_a_supine_film_has_neither(finding, message):
    with pytest.raises(CannotEdit, match=message):
        propose(FILM, _edit(finding), position="supine")


@pytest.mark.parametrize("finding", SIGNS)
def test_they_say_when_the_position_is_unknown(finding):
    assert "does not say erect or supine" in propose(FILM, _edit(finding), position=None).note


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 1), st.sampled_from(SIGNS))
def test_outside_the_support_not_a_bit_changes(seed, severity, finding):
    edit = _edit(finding, severity, side=None, seed=seed)
    found = make_counterfactual(FILM.image, FILM.anatomy, edit, header=drawn_header(FILM))
    untouched = found.support == 0
    assert torch.equal(found.image[untouched], FILM.image[untouched])


@pytest.mark.parametrize("finding", SIGNS)
def test_the_same_draw_gives_the_same_bytes(finding):
    one, same = (propose(FILM, _edit(finding), draw=3) for _ in range(2))
    assert torch.equal(one.residual, same.residual)
