"""An enlarged heart: the ratio is reached, the rest of the film stays."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from phantom_film import drawn_film, drawn_header, phantom, propose, written

from monai_cars.chest_xray.anatomy import cardiothoracic_ratio
from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.editors.mediastinum import cardiac_border
from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.edit import CannotEdit, Edit, Quantity
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))


def _edit(ratio: float, **more) -> Edit:
    return Edit("insert", "enlarged heart", severity=Quantity(ratio, "ratio"), **more)


def _whole(proposal, what: str) -> np.ndarray:
    full = np.zeros(FILM.image.shape[1:], np.float32)
    full[proposal.box.slices] = getattr(proposal, what).numpy()
    return full


def _measured(film, proposal) -> float:
    seen = drawn_film(film)
    after = written(film, proposal).image
    return measure("enlarged heart", film.image, after, film.anatomy, unit=seen.unit, spacing=seen.spacing).value


@pytest.mark.parametrize("ratio", [0.53, 0.58, 0.64])
@pytest.mark.parametrize("draw", [0, 1])
def test_the_asked_ratio_is_reached(ratio, draw):
    proposal = propose(FILM, _edit(ratio), draw=draw)
    assert proposal.asked == Quantity(ratio, "ratio")
    assert _measured(FILM, proposal) == pytest.approx(ratio, abs=0.02)
    grown = FILM.anatomy.clone()
    grown[2] |= torch.from_numpy(_whole(proposal, "lesion") > 0).to(torch.uint8)
    assert cardiothoracic_ratio(grown) == pytest.approx(ratio, abs=0.02)


def test_the_ratio_rises_with_what_is_asked():
    found = [_measured(FILM, propose(FILM, _edit(ratio), draw=3)) for ratio in (0.52, 0.56, 0.60, 0.64, 0.68)]
    assert found == sorted(found)
    assert len(set(found)) == 5


def test_most_of_the_growth_is_to_the_left():
    lesion = _whole(propose(FILM, _edit(0.58)), "lesion") > 0
    right, left = ((lesion & (FILM.anatomy[k].numpy() > 0)).sum() for k in (0, 1))
    assert left > 1.5 * right > 0


def test_apices_chest_wall_spine_and_abdomen_stay_to_the_bit():
    support = _whole(propose(FILM, _edit(0.64)), "support") > 0
    lungs = FILM.anatomy[:2].any(0).numpy()
    rows = np.flatnonzero(lungs.any(1))
    assert not support[: rows[0] + len(rows) // 4].any()
    spine = slice(int(0.47 * 400), int(0.52 * 400))
    assert not support[:, spine].any()
    assert not support[rows[-1] + 20 :].any()


def test_ribs_stay_where_they_are():
    flat, ribbed = (phantom(size=(384, 400), texture=0.0, seed=seed) for seed in (0, 1))
    # Two films that differ in their ribs only gain nearly the same where the heart already was.
    one, other = (_whole(propose(film, _edit(0.6), draw=2), "residual") for film in (flat, ribbed))
    heart = FILM.anatomy[2].numpy() > 0
    assert np.abs(one - other)[heart].mean() < 0.03


def test_the_same_seed_gives_the_same_bytes_and_another_another_heart():
    one, again, other = (propose(FILM, _edit(0.6), draw=draw) for draw in (5, 5, 6))
    assert torch.equal(one.residual, again.residual)
    assert one.box != other.box or not torch.equal(one.residual, other.residual)


def test_outside_the_support_not_a_bit_changes_and_the_gate_accepts():
    made = make_counterfactual(FILM.image, FILM.anatomy, _edit(0.6, seed=4), header=drawn_header(FILM))
    assert made.accepted, made.record["reason"]
    untouched = made.support == 0
    assert torch.equal(made.image[untouched], FILM.image[untouched])
    assert not (made.lesion > made.support).any()


def test_a_large_film_keeps_its_grain_under_the_heart():
    film = phantom(size=(1100, 1060), texture=0.04)
    proposal = propose(film, _edit(0.6))
    inside = _eroded(proposal.lesion)
    after = written(film, proposal).image[0][proposal.box.slices]
    grain = [(f[:, 1:] - f[:, :-1])[inside[:, 1:]].std() for f in (film.image[0][proposal.box.slices], after)]
    assert 0.15 < grain[1] / grain[0] < 1.0


def _eroded(mask: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.max_pool2d((~mask)[None].float(), 15, 1, 7)[0] == 0


def test_a_heart_that_is_as_large_already_is_refused():
    film = phantom(size=(384, 400), heart_width=0.45)
    with pytest.raises(CannotEdit, match=r"as large already: its cardiothoracic ratio is 0\.5\d, asked 0\.55"):
        propose(film, _edit(0.55))


def test_no_room_at_the_chest_wall_is_refused_with_the_largest_ratio(monkeypatch):
    monkeypatch.setattr(cardiac_border, "WALL_MM", 60.0)
    with pytest.raises(
        CannotEdit, match=r"ratio of 0\.68 leaves less than .* mm of lung .* largest on this film is 0\."
    ):
        propose(FILM, _edit(0.68))


def test_a_heart_that_does_not_reach_into_a_field_is_refused():
    masks = FILM.anatomy.clone()
    masks[2, :, :200] = 0
    with pytest.raises(CannotEdit, match="does not reach into the right lung field"):
        propose(replace(FILM, anatomy=masks), _edit(0.6))


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({}, "cardiothoracic ratio before 0.46"),
        ({"position": "supine"}, "the film is supine: read the ratio as a change"),
        ({"position": None}, "the film does not say that it is erect: read the ratio as a change"),
        ({"spacing": (0.3, 0.3)}, "the thorax is not known to be an adult's: read the ratio as a change"),
    ],
)
def test_the_note_says_where_the_ratio_is_absolute(changes, note):
    assert propose(FILM, _edit(0.6), **changes).note.endswith(note)


def test_a_mirrored_film_grows_to_its_own_left():
    flipped = replace(FILM, image=FILM.image.flip(2), anatomy=FILM.anatomy.flip(2))
    film = replace(drawn_film(FILM), image=flipped.image)
    generator = torch.Generator().manual_seed(0)
    proposal = AttenuationEditor().propose(film, flipped.anatomy, _edit(0.6), generator)
    lesion = _whole(proposal, "lesion") > 0
    assert (lesion & (flipped.anatomy[1].numpy() > 0)).sum() > (lesion & (flipped.anatomy[0].numpy() > 0)).sum()
