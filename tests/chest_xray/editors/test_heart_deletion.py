"""A large heart becomes one of normal width, or the reason why not."""

from dataclasses import replace

import pytest
import torch
from phantom_film import drawn_header, phantom, propose

from monai_cars.chest_xray.editors.mediastinum.heart_deletion import NORMAL
from monai_cars.edits.edit import CannotEdit, Edit
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400), heart_width=0.43)
DELETE = Edit("delete", "enlarged heart")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_large_heart_gets_a_normal_width(seed):
    made = make_counterfactual(FILM.image, FILM.anatomy, replace(DELETE, seed=seed), header=drawn_header(FILM))
    assert made.accepted, made.record["reason"]
    measured = made.record["severity_measured"]["value"]
    assert NORMAL[0] - 0.02 <= measured <= NORMAL[1] + 0.02
    assert measured == pytest.approx(made.record["severity_asked"]["value"], abs=0.02)
    untouched = made.support == 0
    assert torch.equal(made.image[untouched], FILM.image[untouched])


def test_what_appears_is_as_aerated_as_the_lung_beside_it():
    proposal = propose(FILM, DELETE)
    after = FILM.image[0][proposal.box.slices] / FILM.contrast_unit + proposal.residual
    # 0.35 / 1.7 of the range is where the phantom's lung begins.
    assert float(after[proposal.lesion].median()) - 0.35 < 0.25


def test_a_heart_of_normal_size_is_refused():
    with pytest.raises(CannotEdit, match=r"not enlarged: its cardiothoracic ratio is 0\.46, 0\.50 is needed"):
        propose(phantom(size=(384, 400)), DELETE)


def test_a_very_large_heart_is_refused():
    with pytest.raises(CannotEdit, match="too large to be shown with a normal width"):
        propose(phantom(size=(384, 400), heart_width=0.52), DELETE)


def test_a_border_hidden_by_an_opacity_is_refused():
    image = FILM.image.clone()
    image[0, 200:320, 240:380] = image.quantile(0.9)
    with pytest.raises(CannotEdit, match="of the left cardiac border is not seen against aerated lung"):
        propose(replace(FILM, image=image), DELETE)


def test_a_heart_at_the_chest_wall_is_refused():
    masks = FILM.anatomy.clone()
    masks[1, 150:, 300:] = 0
    with pytest.raises(CannotEdit, match="the heart reaches the left chest wall"):
        propose(replace(FILM, anatomy=masks), DELETE)
