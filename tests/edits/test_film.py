from dataclasses import replace

import numpy as np
import pytest
import torch
from phantom import phantom
from phantom_film import drawn_film

from monai_cars.edits.change import Change
from monai_cars.edits.film import Scale
from monai_cars.edits.film_memory import MEMORY, film_key

FILM = drawn_film(phantom(size=(128, 128)))


@pytest.fixture(autouse=True)
def forgotten():
    MEMORY.forget()


def counted(film, what):
    calls = []
    return film.recall(what, lambda: calls.append(1) or [len(calls)]), len(calls)


def test_what_is_worked_out_is_made_once_a_film_and_once_a_process():
    film = replace(FILM)
    assert counted(film, "a") == ([1], 1)
    assert counted(film, "a") == ([1], 0)
    again = replace(FILM, image=FILM.image.clone())  # the same film in another epoch
    assert counted(again, "a") == ([1], 0)
    assert again.recall("a", list) is again.recall("a", list)


@pytest.mark.parametrize("other", [{"image": FILM.image + 1}, {"anatomy": 1 - FILM.anatomy}])
def test_another_film_remembers_for_itself(other):
    film = replace(FILM)
    assert counted(film, "b")[1] == 1
    assert counted(replace(film, **other), "b")[1] == 1
    assert counted(film, "c")[1] == 1


def test_its_key_is_that_of_its_values_and_masks():
    assert FILM.key == film_key(FILM.image, FILM.anatomy) != replace(FILM, image=FILM.image + 1).key


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (Scale((0.5, 0.5)), 2.0),
        (Scale((0.2, 0.3)), 4.0),
        (Scale((1.0, 2.0, 3.0)), 0.5),
        (Scale(), 1.0),
        (Scale(usual=1.5), 1.5),
    ],
)
def test_a_millimetre_is_told_along_all_axes(scale, expected):
    assert scale.millimetre == pytest.approx(expected)
    assert replace(FILM, scale=scale).millimetre == scale.millimetre


def test_it_tells_what_its_header_knows():
    film = drawn_film(phantom(size=(128, 128)), position="supine", view="AP")
    assert (film.position, film.view, film.spacing) == ("supine", "AP", film.scale.spacing)


@pytest.mark.parametrize("operation", ["insert", "delete"])
def test_a_change_is_told_in_the_films_unit(operation):
    after = FILM.image + FILM.unit.value * torch.rand(FILM.image.shape)
    change = Change(FILM, after, operation, "nodule")
    without, with_finding = change.films
    sign = -1.0 if operation == "delete" else 1.0
    assert np.allclose(sign * change.gain, ((after - FILM.image)[0] / FILM.unit.value).numpy(), atol=1e-5)
    assert np.allclose(with_finding - without, change.gain, atol=1e-4)
    assert torch.equal(change.before, FILM.image[0])
    assert change.masks.dtype == bool
